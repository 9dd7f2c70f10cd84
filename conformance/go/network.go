package main

import (
	"github.com/IBM/go-sdk-core/v5/core"
	"github.com/IBM/vpc-go-sdk/vpcv1"
)

// vni makes a virtual network interface in the shared subnet.
func (r *region) vni() *vpcv1.VirtualNetworkInterface {
	return must(r.vpc.CreateVirtualNetworkInterface(&vpcv1.CreateVirtualNetworkInterfaceOptions{
		Name:   core.StringPtr(r.fresh("vni")),
		Subnet: &vpcv1.SubnetIdentityByID{ID: core.StringPtr(r.subnet())},
	}))
}

func vniByID(id *string) vpcv1.InstanceNetworkAttachmentPrototypeVirtualNetworkInterfaceIntf {
	return &vpcv1.InstanceNetworkAttachmentPrototypeVirtualNetworkInterface{ID: id}
}

// newVNI is one that is made with its attachment.
func (r *region) newVNI() vpcv1.InstanceNetworkAttachmentPrototypeVirtualNetworkInterfaceIntf {
	return &vpcv1.InstanceNetworkAttachmentPrototypeVirtualNetworkInterface{
		Subnet: &vpcv1.SubnetIdentityByID{ID: core.StringPtr(r.subnet())},
	}
}

// attached is what an instance with a network attachment takes at least.
func (r *region) attached(
	vni vpcv1.InstanceNetworkAttachmentPrototypeVirtualNetworkInterfaceIntf,
) *vpcv1.InstancePrototypeInstanceByImage {
	prototype := r.prototype(*r.stock().ID)
	prototype.PrimaryNetworkInterface = nil
	prototype.PrimaryNetworkAttachment = &vpcv1.InstanceNetworkAttachmentPrototype{
		VirtualNetworkInterface: vni,
	}
	return prototype
}

func aVirtualNetworkInterfaceOfItsOwn(r *region) {
	made := r.vni()
	same("state", *made.LifecycleState, "stable")
	same("ips", len(made.Ips), 1)
	read, response, err := r.vpc.GetVirtualNetworkInterface(
		&vpcv1.GetVirtualNetworkInterfaceOptions{ID: made.ID})
	done(200, response, err)
	same("name", *read.Name, *made.Name)
	etag := response.Headers.Get("ETag")
	update := func(etag string) (*vpcv1.VirtualNetworkInterface, *core.DetailedResponse, error) {
		return r.vpc.UpdateVirtualNetworkInterface(&vpcv1.UpdateVirtualNetworkInterfaceOptions{
			ID: made.ID, IfMatch: &etag,
			VirtualNetworkInterfacePatch: map[string]interface{}{"allow_ip_spoofing": true},
		})
	}
	same("spoofing", *must(update(etag)).AllowIPSpoofing, true)
	_, response, err = update(etag)
	refused(412, "precondition_failed", response, err)
	gone, response, err := r.vpc.DeleteVirtualNetworkInterfaces(
		&vpcv1.DeleteVirtualNetworkInterfacesOptions{ID: made.ID})
	done(202, response, err)
	same("state", *gone.LifecycleState, "deleting")
	_, response, err = r.vpc.GetVirtualNetworkInterface(
		&vpcv1.GetVirtualNetworkInterfaceOptions{ID: made.ID})
	refused(404, "not_found", response, err)
}

func attachmentsComeAndGo(r *region) {
	made := must(r.create(r.attached(r.newVNI())))
	r.instanceUntil(*made.ID, "running")
	vni := r.vni()
	create := func() (*vpcv1.InstanceNetworkAttachment, *core.DetailedResponse, error) {
		return r.vpc.CreateInstanceNetworkAttachment(&vpcv1.CreateInstanceNetworkAttachmentOptions{
			InstanceID: made.ID, VirtualNetworkInterface: vniByID(vni.ID),
		})
	}
	second := must(create())
	same("type", *second.Type, "secondary")
	_, response, err := create()
	refused(409, "virtual_network_interface_in_use", response, err)
	response, err = r.vpc.DeleteInstanceNetworkAttachment(&vpcv1.DeleteInstanceNetworkAttachmentOptions{
		InstanceID: made.ID, ID: second.ID,
	})
	done(202, response, err)
	other := must(r.create(r.attached(vniByID(vni.ID))))
	seen := r.instanceUntil(*other.ID, "running")
	primary := seen.PrimaryNetworkAttachment
	same("address", *primary.PrimaryIP.ID, *vni.PrimaryIP.ID)
	same("interface", *seen.PrimaryNetworkInterface.ID, *primary.ID)
	r.deleteInstance(*made.ID)
	r.deleteInstance(*other.ID)
	_, response, err = r.vpc.DeleteVirtualNetworkInterfaces(
		&vpcv1.DeleteVirtualNetworkInterfacesOptions{ID: vni.ID})
	done(202, response, err)
}

func networkStylesDoNotMix(r *region) {
	both := r.attached(r.newVNI())
	both.PrimaryNetworkInterface = r.prototype("").PrimaryNetworkInterface
	_, response, err := r.create(both)
	said := refused(400, "validation_only_one", response, err)
	same("target", said.Target.Name, "primary_network_interface")
	old := r.running()
	_, response, err = r.vpc.CreateInstanceNetworkAttachment(
		&vpcv1.CreateInstanceNetworkAttachmentOptions{
			InstanceID: old.ID, VirtualNetworkInterface: r.newVNI(),
		})
	refused(409, "instance_network_style", response, err)
	r.deleteInstance(*old.ID)
}
