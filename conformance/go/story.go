package main

import (
	"strings"

	"github.com/IBM/go-sdk-core/v5/core"
	"github.com/IBM/vpc-go-sdk/vpcv1"
)

func theWholeStory(r *region) {
	instance, volumeID := r.stopped()
	volume := must(r.vpc.GetVolume(&vpcv1.GetVolumeOptions{ID: &volumeID}))
	same("volume", []any{*volume.Active, *volume.AttachmentState}, []any{false, "attached"})

	made, response, err := r.capture(volumeID)
	must(made, response, err)
	same("status code", response.StatusCode, 201)
	same("status", []any{*made.Status, len(made.Zones)}, []any{"pending", 0})
	image := r.imageUntil(*made.ID, "available")
	same("status", *image.Status, "available")
	same("operating system", *image.OperatingSystem.Name, *volume.OperatingSystem.Name)
	same("minimum size", *image.MinimumProvisionedSize, *volume.Capacity)
	same("visibility", []any{*image.Visibility, *image.Encryption}, []any{"private", "none"})
	if image.Remote != nil {
		fail("the account's own image is shown as remote")
	}
	if !strings.Contains(*image.CRN, ":is:"+r.name+":") {
		fail("not of the region: %s", *image.CRN)
	}

	r.deleteInstance(*instance.ID)
	gone("boot volume", func() (*core.DetailedResponse, error) {
		_, response, err := r.vpc.GetVolume(&vpcv1.GetVolumeOptions{ID: &volumeID})
		return response, err
	})
	image = r.imageByID(*image.ID)
	same("status", *image.Status, "available")
	if image.SourceVolume == nil || image.SourceVolume.Deleted == nil {
		fail("the volume is not shown as deleted")
	}

	second := must(r.create(r.prototype(*image.ID)))
	second = r.instanceUntil(*second.ID, "running")
	same("image", *second.Image.ID, *image.ID)
	boot := must(r.vpc.GetVolume(&vpcv1.GetVolumeOptions{ID: second.BootVolumeAttachment.Volume.ID}))
	same("source image", *boot.SourceImage.ID, *image.ID)
	r.deleteInstance(*second.ID)
	r.deleteImage(*image.ID)
}

func aVolumeIsChangedByItsEtag(r *region) {
	made := r.dataVolume(10)
	_, response, err := r.vpc.GetVolume(&vpcv1.GetVolumeOptions{ID: made.ID})
	if err != nil {
		fail("refused: %v", err)
	}
	tag := response.Headers.Get("ETag")
	change := func(patch map[string]any, tag string) (*vpcv1.Volume, *core.DetailedResponse, error) {
		return r.vpc.UpdateVolume(&vpcv1.UpdateVolumeOptions{ID: made.ID, VolumePatch: patch, IfMatch: &tag})
	}
	patched, response, err := change(map[string]any{"user_tags": []string{"env:dev"}}, tag)
	same("tags", must(patched, response, err).UserTags, []string{"env:dev"})
	_, stale, err := change(map[string]any{"name": r.fresh("vol")}, tag)
	refused(412, "precondition_failed", stale, err)
	must(change(map[string]any{"name": r.fresh("vol")}, response.Headers.Get("ETag")))
	r.deleteVolume(*made.ID)
}

func actionsByTheTable(r *region) {
	id := *r.running().ID
	_, response, err := r.act(id, "start")
	refused(409, "invalid_state", response, err)
	_, response, err = r.act(id, "pause")
	refused(400, "validation_enum", response, err)
	r.stop(id)
	_, response, err = r.act(id, "reboot")
	refused(409, "invalid_state", response, err)
	_, response, err = r.act(id, "stop")
	done(201, response, err)
	r.deleteInstance(id)
}

func pagersSeeEveryItemOnce(r *region) {
	made := map[string]bool{}
	for range 5 {
		one := must(r.vpc.CreateVPC(&vpcv1.CreateVPCOptions{Name: core.StringPtr(r.fresh("page"))}))
		made[*one.ID] = true
	}
	for _, limit := range []int64{1, 2, 100} {
		pager, err := r.vpc.NewVpcsPager(&vpcv1.ListVpcsOptions{Limit: &limit})
		if err != nil {
			fail("pager: %v", err)
		}
		all, err := pager.GetAll()
		if err != nil {
			fail("pager: %v", err)
		}
		seen, found := map[string]bool{}, 0
		for _, one := range all {
			if seen[*one.ID] {
				fail("%s is there twice", *one.ID)
			}
			seen[*one.ID] = true
			if made[*one.ID] {
				found++
			}
		}
		same("found", found, len(made))
	}
	for id := range made {
		response, err := r.vpc.DeleteVPC(&vpcv1.DeleteVPCOptions{ID: &id})
		done(204, response, err)
	}
}

func limitsAndTokens(r *region) {
	list := func(options vpcv1.ListImagesOptions) (*core.DetailedResponse, error) {
		_, response, err := r.vpc.ListImages(&options)
		return response, err
	}
	response, err := list(vpcv1.ListImagesOptions{Limit: core.Int64Ptr(0)})
	refused(400, "validation_min_value", response, err)
	response, err = list(vpcv1.ListImagesOptions{Limit: core.Int64Ptr(101)})
	refused(400, "validation_max_value", response, err)
	response, err = list(vpcv1.ListImagesOptions{Start: core.StringPtr("garbage")})
	refused(400, "invalid_id_format", response, err)
}

func imagesByStatusAndOwner(r *region) {
	image, instance := r.image()
	find := func(by vpcv1.ListImagesOptions) map[string]bool {
		by.Limit = core.Int64Ptr(2)
		pager, err := r.vpc.NewImagesPager(&by)
		if err != nil {
			fail("pager: %v", err)
		}
		all, err := pager.GetAll()
		if err != nil {
			fail("pager: %v", err)
		}
		ids := map[string]bool{}
		for _, one := range all {
			ids[*one.ID] = true
		}
		return ids
	}
	own, stock := *image.ID, *r.stock().ID
	expect := func(what string, by vpcv1.ListImagesOptions, id string, there bool) {
		same(what, find(by)[id], there)
	}
	expect("all", vpcv1.ListImagesOptions{}, own, true)
	expect("all", vpcv1.ListImagesOptions{}, stock, true)
	private := vpcv1.ListImagesOptions{Visibility: core.StringPtr("private")}
	expect("private", private, own, true)
	expect("private", private, stock, false)
	same("by name", find(vpcv1.ListImagesOptions{Name: image.Name}), map[string]bool{own: true})
	both := vpcv1.ListImagesOptions{Status: []string{"deprecated", "available"}}
	expect("two statuses", both, own, true)
	expect("another status", vpcv1.ListImagesOptions{Status: []string{"obsolete"}}, own, false)
	expect("one's own", vpcv1.ListImagesOptions{RemoteAccountID: core.StringPtr("null")}, own, true)
	expect("another's", vpcv1.ListImagesOptions{RemoteAccountID: core.StringPtr("not:null")}, own, false)
	r.deleteInstance(*instance.ID)
	r.deleteImage(own)
}
