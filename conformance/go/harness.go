package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/IBM/go-sdk-core/v5/core"
	"github.com/IBM/vpc-go-sdk/vpcv1"
)

// How long a resource may take to reach a status.
const settleWithin = 60 * time.Second

// failure is a scenario that saw something else than it should; run recovers it.
type failure struct{ text string }

func fail(format string, args ...any) { panic(failure{fmt.Sprintf(format, args...)}) }

// same fails unless both are equal.
func same(what string, seen, wanted any) {
	if !reflect.DeepEqual(seen, wanted) {
		fail("%s: saw %#v, wanted %#v", what, seen, wanted)
	}
}

// must fails if the call was refused, and gives its result.
func must[T any](result T, response *core.DetailedResponse, err error) T {
	if err != nil {
		fail("refused: %v", err)
	}
	return result
}

// done fails unless a call without result was answered with this status.
func done(status int, response *core.DetailedResponse, err error) {
	if err != nil {
		fail("refused: %v", err)
	}
	same("status", response.StatusCode, status)
}

// refusal is what IBM's error shape says.
type refusal struct {
	Code    string
	Message string
	Target  struct{ Name, Type string }
}

// refused fails unless the call was refused with this status and code in IBM's error shape.
func refused(status int, code string, response *core.DetailedResponse, err error) refusal {
	if err == nil {
		fail("not refused; wanted %d %s", status, code)
	}
	var problem *core.HTTPProblem
	if errors.As(err, &problem) {
		response = problem.Response
	}
	if response == nil {
		fail("no answer: %v", err)
	}
	bytes, _ := json.Marshal(response.Result)
	var body struct {
		Trace  string
		Errors []refusal
	}
	if json.Unmarshal(bytes, &body) != nil || len(body.Errors) == 0 {
		fail("not IBM's error shape: %s", bytes)
	}
	same("refusal", []any{response.StatusCode, body.Errors[0].Code}, []any{status, code})
	same("trace", body.Trace, response.Headers.Get("X-Request-Id"))
	return body.Errors[0]
}

// region is a running region and what the scenarios share.
type region struct {
	url, name, zone string
	vpc             *vpcv1.VpcV1
	authenticator   core.Authenticator
	count           int
	shared          string
}

func newRegion(file string) (*region, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var environment map[string]any
	if err := json.Unmarshal(bytes, &environment); err != nil {
		return nil, err
	}
	text := func(name string) string { value, _ := environment[name].(string); return value }
	made := &region{url: text("ECTYPE_URL"), name: text("IBMCLOUD_REGION")}
	made.zone = made.name + "-1"
	made.authenticator = &core.IamAuthenticator{
		ApiKey: text("IBMCLOUD_API_KEY"), URL: text("IBMCLOUD_IAM_API_ENDPOINT"),
	}
	made.vpc, err = made.client(made.authenticator, "")
	return made, err
}

// client is one of the VPC API with another authenticator or version.
func (r *region) client(authenticator core.Authenticator, version string) (*vpcv1.VpcV1, error) {
	options := &vpcv1.VpcV1Options{Authenticator: authenticator, URL: r.url + "/v1"}
	if version != "" {
		options.Version = &version
	}
	return vpcv1.NewVpcV1(options)
}

// fresh is a name that nothing else has.
func (r *region) fresh(word string) string {
	r.count++
	return fmt.Sprintf("go-%s-%d", word, r.count)
}

// until reads until it is settled.
func until[T any](what string, read func() T, settled func(T) bool) T {
	end := time.Now().Add(settleWithin)
	for {
		seen := read()
		if settled(seen) {
			return seen
		}
		if time.Now().After(end) {
			fail("%s did not settle: %#v", what, seen)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// gone reads until it is 404.
func gone(what string, read func() (*core.DetailedResponse, error)) {
	until(what, func() int {
		response, err := read()
		if err == nil {
			return 200
		}
		if response == nil {
			fail("no answer: %v", err)
		}
		return response.StatusCode
	}, func(status int) bool { return status == 404 })
}

// subnet is one that the scenarios share.
func (r *region) subnet() string {
	if r.shared == "" {
		network := must(r.vpc.CreateVPC(&vpcv1.CreateVPCOptions{Name: core.StringPtr(r.fresh("net"))}))
		r.shared = *must(r.vpc.CreateSubnet(&vpcv1.CreateSubnetOptions{
			SubnetPrototype: &vpcv1.SubnetPrototypeSubnetByTotalCount{
				VPC:                   &vpcv1.VPCIdentityByID{ID: network.ID},
				Zone:                  &vpcv1.ZoneIdentityByName{Name: &r.zone},
				TotalIpv4AddressCount: core.Int64Ptr(256),
			},
		})).ID
	}
	return r.shared
}

// stock is an available public image.
func (r *region) stock() vpcv1.Image {
	list := must(r.vpc.ListImages(&vpcv1.ListImagesOptions{
		Visibility: core.StringPtr("public"), Status: []string{"available"},
	}))
	if len(list.Images) == 0 {
		fail("there is no available public image")
	}
	return list.Images[0]
}

// prototype is what an instance of the image takes at least.
func (r *region) prototype(image string) *vpcv1.InstancePrototypeInstanceByImage {
	return &vpcv1.InstancePrototypeInstanceByImage{
		Name:    core.StringPtr(r.fresh("vsi")),
		Image:   &vpcv1.ImageIdentityByID{ID: &image},
		Zone:    &vpcv1.ZoneIdentityByName{Name: &r.zone},
		Profile: &vpcv1.InstanceProfileIdentityByName{Name: core.StringPtr("bx2-2x8")},
		PrimaryNetworkInterface: &vpcv1.NetworkInterfacePrototype{
			Subnet: &vpcv1.SubnetIdentityByID{ID: core.StringPtr(r.subnet())},
		},
	}
}

func (r *region) create(prototype vpcv1.InstancePrototypeIntf) (*vpcv1.Instance, *core.DetailedResponse, error) {
	return r.vpc.CreateInstance(&vpcv1.CreateInstanceOptions{InstancePrototype: prototype})
}

func (r *region) instance(id string) *vpcv1.Instance {
	return must(r.vpc.GetInstance(&vpcv1.GetInstanceOptions{ID: &id}))
}

func (r *region) instanceUntil(id, status string) *vpcv1.Instance {
	return until("instance to become "+status, func() *vpcv1.Instance { return r.instance(id) },
		func(seen *vpcv1.Instance) bool { return *seen.Status == status })
}

// running is a running instance of the stock image.
func (r *region) running() *vpcv1.Instance {
	made := must(r.create(r.prototype(*r.stock().ID)))
	return r.instanceUntil(*made.ID, "running")
}

func (r *region) act(id, kind string) (*vpcv1.InstanceAction, *core.DetailedResponse, error) {
	return r.vpc.CreateInstanceAction(&vpcv1.CreateInstanceActionOptions{InstanceID: &id, Type: &kind})
}

func (r *region) stop(id string) *vpcv1.Instance {
	must(r.act(id, "stop"))
	return r.instanceUntil(id, "stopped")
}

// stopped is a stopped instance, and its boot volume's id.
func (r *region) stopped() (*vpcv1.Instance, string) {
	instance := r.stop(*r.running().ID)
	return instance, *instance.BootVolumeAttachment.Volume.ID
}

func (r *region) capture(volume string) (*vpcv1.Image, *core.DetailedResponse, error) {
	return r.captureOf(&vpcv1.VolumeIdentityByID{ID: &volume})
}

func (r *region) captureOf(volume vpcv1.VolumeIdentityIntf) (*vpcv1.Image, *core.DetailedResponse, error) {
	return r.vpc.CreateImage(&vpcv1.CreateImageOptions{
		ImagePrototype: &vpcv1.ImagePrototypeImageBySourceVolume{
			Name: core.StringPtr(r.fresh("img")), SourceVolume: volume,
		},
	})
}

func (r *region) imageByID(id string) *vpcv1.Image {
	return must(r.vpc.GetImage(&vpcv1.GetImageOptions{ID: &id}))
}

func (r *region) imageUntil(id, status string) *vpcv1.Image {
	return until("image to become "+status, func() *vpcv1.Image { return r.imageByID(id) },
		func(seen *vpcv1.Image) bool { return *seen.Status == status || *seen.Status == "failed" })
}

// image is an available image of a stopped instance, and that instance.
func (r *region) image() (*vpcv1.Image, *vpcv1.Instance) {
	instance, volume := r.stopped()
	made := must(r.capture(volume))
	image := r.imageUntil(*made.ID, "available")
	same("status", *image.Status, "available")
	return image, instance
}

func (r *region) deleteInstance(id string) {
	response, err := r.vpc.DeleteInstance(&vpcv1.DeleteInstanceOptions{ID: &id})
	done(204, response, err)
	gone("instance", func() (*core.DetailedResponse, error) {
		_, response, err := r.vpc.GetInstance(&vpcv1.GetInstanceOptions{ID: &id})
		return response, err
	})
}

func (r *region) deleteVolume(id string) {
	response, err := r.vpc.DeleteVolume(&vpcv1.DeleteVolumeOptions{ID: &id})
	done(204, response, err)
	gone("volume", func() (*core.DetailedResponse, error) {
		_, response, err := r.vpc.GetVolume(&vpcv1.GetVolumeOptions{ID: &id})
		return response, err
	})
}

func (r *region) deleteImage(id string) {
	response, err := r.vpc.DeleteImage(&vpcv1.DeleteImageOptions{ID: &id})
	done(204, response, err)
	gone("image", func() (*core.DetailedResponse, error) {
		_, response, err := r.vpc.GetImage(&vpcv1.GetImageOptions{ID: &id})
		return response, err
	})
}

// dataVolume makes a volume that no instance has.
func (r *region) dataVolume(gigabytes int64) *vpcv1.Volume {
	return must(r.vpc.CreateVolume(&vpcv1.CreateVolumeOptions{
		VolumePrototype: &vpcv1.VolumePrototypeVolumeByCapacity{
			Name:     core.StringPtr(r.fresh("vol")),
			Zone:     &vpcv1.ZoneIdentityByName{Name: &r.zone},
			Profile:  &vpcv1.VolumeProfileIdentityByName{Name: core.StringPtr("general-purpose")},
			Capacity: core.Int64Ptr(gigabytes),
		},
	}))
}

// attempt runs one scenario; what it failed with, if it did.
func attempt(r *region, scenario func(*region)) (failed string) {
	defer func() {
		switch caught := recover().(type) {
		case nil:
		case failure:
			failed = caught.text
		default:
			failed = strings.TrimSpace(fmt.Sprint("panic: ", caught))
		}
	}()
	scenario(r)
	return ""
}
