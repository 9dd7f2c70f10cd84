package main

import (
	"strings"
	"time"

	"github.com/IBM/go-sdk-core/v5/core"
	"github.com/IBM/vpc-go-sdk/vpcv1"
)

func (r *region) updateImage(id string, patch map[string]any) (*vpcv1.Image, *core.DetailedResponse, error) {
	return r.vpc.UpdateImage(&vpcv1.UpdateImageOptions{ID: &id, ImagePatch: patch})
}

func (r *region) deprecate(id string) (*core.DetailedResponse, error) {
	return r.vpc.DeprecateImage(&vpcv1.DeprecateImageOptions{ID: &id})
}

func (r *region) obsolete(id string) (*core.DetailedResponse, error) {
	return r.vpc.ObsoleteImage(&vpcv1.ObsoleteImageOptions{ID: &id})
}

func deprecatedAndBack(r *region) {
	image, instance := r.image()
	response, err := r.deprecate(*image.ID)
	done(204, response, err)
	seen := r.imageByID(*image.ID)
	same("status", *seen.Status, "deprecated")
	if seen.DeprecationAt == nil {
		fail("no deprecation_at")
	}
	response, err = r.deprecate(*image.ID)
	refused(409, "image_lifecycle_invalid", response, err)
	second := must(r.create(r.prototype(*image.ID)))
	r.instanceUntil(*second.ID, "running")
	back := must(r.updateImage(*image.ID, map[string]any{"deprecation_at": nil}))
	same("status", *back.Status, "available")
	r.deleteInstance(*instance.ID)
	r.deleteInstance(*second.ID)
	r.deleteImage(*image.ID)
}

func obsoleteAndBack(r *region) {
	image, instance := r.image()
	response, err := r.obsolete(*image.ID)
	done(204, response, err)
	seen := r.imageByID(*image.ID)
	same("status", []any{*seen.Status, len(seen.Zones)}, []any{"obsolete", 0})
	_, response, err = r.create(r.prototype(*image.ID))
	said := refused(409, "image_not_provisionable", response, err)
	if !strings.Contains(said.Message, "obsolete") {
		fail("the status is not the reason given: %s", said.Message)
	}
	back := must(r.updateImage(*image.ID, map[string]any{"obsolescence_at": nil}))
	same("status", *back.Status, "available")
	r.deleteInstance(*instance.ID)
	r.deleteImage(*image.ID)
}

func dates(r *region) {
	image, instance := r.image()
	at := func(days int) string {
		return time.Now().UTC().AddDate(0, 0, days).Format("2006-01-02T15:04:05Z")
	}
	bad := func(patch map[string]any) {
		_, response, err := r.updateImage(*image.ID, patch)
		refused(400, "image_lifecycle_date_invalid", response, err)
	}
	bad(map[string]any{"deprecation_at": at(-1)})
	bad(map[string]any{"deprecation_at": at(2), "obsolescence_at": at(1)})
	tomorrow := at(1)
	seen := must(r.updateImage(*image.ID, map[string]any{
		"deprecation_at": tomorrow, "obsolescence_at": at(2),
	}))
	same("status", *seen.Status, "available")
	same("date", time.Time(*seen.DeprecationAt).UTC().Format("2006-01-02T15:04:05Z"), tomorrow)
	response, err := r.deprecate(*image.ID)
	refused(409, "image_lifecycle_invalid", response, err)
	seen = must(r.updateImage(*image.ID, map[string]any{"deprecation_at": nil, "obsolescence_at": nil}))
	if seen.DeprecationAt != nil || seen.ObsolescenceAt != nil {
		fail("the dates are not cleared")
	}
	r.deleteInstance(*instance.ID)
	r.deleteImage(*image.ID)
}

func aDateThatComes(r *region) {
	image, instance := r.image()
	soon := time.Now().UTC().Add(2 * time.Second).Format("2006-01-02T15:04:05Z")
	must(r.updateImage(*image.ID, map[string]any{"deprecation_at": soon}))
	same("status", *r.imageUntil(*image.ID, "deprecated").Status, "deprecated")
	r.deleteInstance(*instance.ID)
	r.deleteImage(*image.ID)
}

func stockImagesAreTheProviders(r *region) {
	id, code := *r.stock().ID, "invalid_action_for_public_image"
	_, response, err := r.updateImage(id, map[string]any{"name": "mine"})
	refused(403, code, response, err)
	response, err = r.vpc.DeleteImage(&vpcv1.DeleteImageOptions{ID: &id})
	refused(403, code, response, err)
	response, err = r.deprecate(id)
	refused(403, code, response, err)
}
