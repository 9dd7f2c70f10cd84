package main

import (
	"strings"

	"github.com/IBM/go-sdk-core/v5/core"
	"github.com/IBM/vpc-go-sdk/vpcv1"
)

const nothing = "r006-00000000-0000-4000-8000-000000000000"

// lists asks another client for the images.
func lists(client *vpcv1.VpcV1, err error) (*core.DetailedResponse, error) {
	if err != nil {
		fail("client: %v", err)
	}
	_, response, err := client.ListImages(&vpcv1.ListImagesOptions{})
	return response, err
}

func tokens(r *region) {
	response, err := lists(r.client(&core.NoAuthAuthenticator{}, ""))
	refused(401, "token_missing", response, err)
	response, err = lists(r.client(&core.BearerTokenAuthenticator{BearerToken: "a.b.c"}, ""))
	refused(401, "token_invalid", response, err)
}

func versions(r *region) {
	for version, code := range map[string]string{
		"2018-12-31": "invalid_version_range",
		"9999-01-01": "version_not_supported",
		"soon":       "invalid_version",
	} {
		response, err := lists(r.client(r.authenticator, version))
		refused(400, code, response, err)
	}
}

func names(r *region) {
	for _, name := range []string{"Upper", "a_b", "9lives", "ends-", strings.Repeat("a", 64)} {
		_, response, err := r.vpc.CreateVPC(&vpcv1.CreateVPCOptions{Name: &name})
		said := refused(400, "validation_invalid_name", response, err)
		same("target", []any{said.Target.Name, said.Target.Type}, []any{"name", "field"})
	}
	_, response, err := r.vpc.CreateImage(&vpcv1.CreateImageOptions{
		ImagePrototype: &vpcv1.ImagePrototypeImageBySourceVolume{
			Name:         core.StringPtr("ibm-mine"),
			SourceVolume: &vpcv1.VolumeIdentityByID{ID: core.StringPtr("r006-1")},
		},
	})
	refused(400, "validation_invalid_name", response, err)
}

func namesAreTakenOnce(r *region) {
	name := r.fresh("taken")
	made := must(r.vpc.CreateVPC(&vpcv1.CreateVPCOptions{Name: &name}))
	_, response, err := r.vpc.CreateVPC(&vpcv1.CreateVPCOptions{Name: &name})
	refused(400, "validation_unique_failed", response, err)
	response, err = r.vpc.DeleteVPC(&vpcv1.DeleteVPCOptions{ID: made.ID})
	done(204, response, err)
}

// The SDK's types let no wrong type through, so this has the ids only.
func wrongTypesAndUnknownIDs(r *region) {
	_, response, err := r.create(r.prototype(nothing))
	same("target", refused(400, "bad_field", response, err).Target.Name, "image")
	_, response, err = r.vpc.GetImage(&vpcv1.GetImageOptions{ID: core.StringPtr("r006-nothing")})
	refused(404, "not_found", response, err)
	_, response, err = r.vpc.GetInstance(&vpcv1.GetInstanceOptions{ID: core.StringPtr("0717_nothing")})
	refused(404, "not_found", response, err)
}

func aVolumeOfAnotherRegion(r *region) {
	account := strings.Split(*r.stock().CRN, "a/")[1][:32]
	crn := "crn:v1:bluemix:public:is:eu-de-1:a/" + account + "::volume:r010-1"
	href := "https://eu-de.iaas.cloud.ibm.com/v1/volumes/r010-1"
	for _, source := range []vpcv1.VolumeIdentityIntf{
		&vpcv1.VolumeIdentityByCRN{CRN: &crn}, &vpcv1.VolumeIdentityByHref{Href: &href},
	} {
		_, response, err := r.captureOf(source)
		said := refused(400, "image_source_volume_not_in_region", response, err)
		same("target", said.Target.Name, "source_volume")
	}
}

func aDataVolume(r *region) {
	made := r.dataVolume(100)
	_, response, err := r.capture(*made.ID)
	refused(400, "image_source_volume_not_boot", response, err)
	r.deleteVolume(*made.ID)
}

func aBootVolumeThatWasKept(r *region) {
	instance, volume := r.stopped()
	must(r.vpc.UpdateInstanceVolumeAttachment(&vpcv1.UpdateInstanceVolumeAttachmentOptions{
		InstanceID: instance.ID, ID: instance.BootVolumeAttachment.ID,
		VolumeAttachmentPatch: map[string]any{"delete_volume_on_instance_delete": false},
	}))
	r.deleteInstance(*instance.ID)
	_, response, err := r.capture(volume)
	refused(409, "image_source_volume_unattached", response, err)
	r.deleteVolume(volume)
}

func aRunningInstance(r *region) {
	instance := r.running()
	volume := *instance.BootVolumeAttachment.Volume.ID
	_, response, err := r.capture(volume)
	said := refused(409, "image_source_instance_not_stopped", response, err)
	if !strings.Contains(said.Message, "Stop it") {
		fail("what to do is not said: %s", said.Message)
	}
	seen := must(r.vpc.GetVolume(&vpcv1.GetVolumeOptions{ID: &volume}))
	same("busy", *seen.Busy, false)
	r.deleteInstance(*instance.ID)
}

func aVolumeThatIsNotThere(r *region) {
	_, response, err := r.capture(nothing)
	refused(400, "volume_id_not_found", response, err)
}

func theOrderOfChecksIsFixed(r *region) {
	instance, small := r.running(), r.dataVolume(10)
	_, response, err := r.capture(*small.ID)
	refused(400, "image_source_volume_not_boot", response, err)
	r.deleteVolume(*small.ID)
	r.deleteInstance(*instance.ID)
}
