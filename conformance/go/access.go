package main

import (
	"strings"

	"github.com/IBM/go-sdk-core/v5/core"
	groups "github.com/IBM/platform-services-go-sdk/iamaccessgroupsv2"
	identity "github.com/IBM/platform-services-go-sdk/iamidentityv1"
	policies "github.com/IBM/platform-services-go-sdk/iampolicymanagementv1"
	"github.com/IBM/vpc-go-sdk/vpcv1"
)

const role = "crn:v1:bluemix:public:iam::::role:"

// office is the owner's clients of access management, and a service ID that may do nothing yet.
type office struct {
	account  string
	identity *identity.IamIdentityV1
	policies *policies.IamPolicyManagementV1
	groups   *groups.IamAccessGroupsV2
	robot    *identity.ServiceID
	vpc      *vpcv1.VpcV1
}

// client fails unless the client was made.
func client[T any](made T, err error) T {
	if err != nil {
		fail("client: %v", err)
	}
	return made
}

func newOffice(r *region) *office {
	owner, _ := r.authenticator.(*core.IamAuthenticator)
	o := &office{
		identity: client(identity.NewIamIdentityV1(&identity.IamIdentityV1Options{
			Authenticator: owner, URL: owner.URL,
		})),
		policies: client(policies.NewIamPolicyManagementV1(&policies.IamPolicyManagementV1Options{
			Authenticator: owner, URL: owner.URL,
		})),
		groups: client(groups.NewIamAccessGroupsV2(&groups.IamAccessGroupsV2Options{
			Authenticator: owner, URL: owner.URL,
		})),
	}
	key := must(o.identity.GetAPIKeysDetails(&identity.GetAPIKeysDetailsOptions{IamAPIKey: &owner.ApiKey}))
	o.account = *key.AccountID
	o.robot = must(o.identity.CreateServiceID(&identity.CreateServiceIDOptions{
		AccountID: &o.account,
		Name:      core.StringPtr(r.fresh("robot")),
		Apikey:    &identity.APIKeyInsideCreateServiceIDRequest{Name: core.StringPtr("k")},
	}))
	o.vpc = client(r.client(&core.IamAuthenticator{ApiKey: *o.robot.Apikey.Apikey, URL: owner.URL}, ""))
	return o
}

// denied fails unless the call was denied for this action.
func denied(action string, response *core.DetailedResponse, err error) {
	said := refused(403, "not_authorized", response, err)
	if !strings.Contains(said.Message, action) {
		fail("%s is not in %s", action, said.Message)
	}
}

// first is a policy in the first form.
func (o *office) first(name, subject, level string) *policies.Policy {
	attribute := func(name, value string) policies.ResourceAttribute {
		return policies.ResourceAttribute{Name: &name, Value: &value}
	}
	return must(o.policies.CreatePolicy(&policies.CreatePolicyOptions{
		Type: core.StringPtr("access"),
		Subjects: []policies.PolicySubject{{
			Attributes: []policies.SubjectAttribute{{Name: &name, Value: &subject}},
		}},
		Roles: []policies.PolicyRole{{RoleID: core.StringPtr(role + level)}},
		Resources: []policies.PolicyResource{{Attributes: []policies.ResourceAttribute{
			attribute("accountId", o.account), attribute("serviceName", "is"),
		}}},
	}))
}

// second is a policy of the service ID's in the second form.
func (o *office) second(level string) *policies.V2Policy {
	equals := core.StringPtr("stringEquals")
	attribute := func(key, value string) policies.V2PolicyResourceAttribute {
		return policies.V2PolicyResourceAttribute{Key: &key, Operator: equals, Value: value}
	}
	return must(o.policies.CreateV2Policy(&policies.CreateV2PolicyOptions{
		Type: core.StringPtr("access"),
		Control: &policies.Control{Grant: &policies.Grant{
			Roles: []policies.Roles{{RoleID: core.StringPtr(role + level)}},
		}},
		Subject: &policies.V2PolicySubject{Attributes: []policies.V2PolicySubjectAttribute{
			{Key: core.StringPtr("iam_id"), Operator: equals, Value: *o.robot.IamID},
		}},
		Resource: &policies.V2PolicyResource{Attributes: []policies.V2PolicyResourceAttribute{
			attribute("accountId", o.account), attribute("serviceName", "is"),
		}},
	}))
}

func accessThroughTheImageStory(r *region) {
	o := newOffice(r)
	_, volume := r.stopped()
	list := func() (*vpcv1.ImageCollection, *core.DetailedResponse, error) {
		return o.vpc.ListImages(&vpcv1.ListImagesOptions{})
	}
	capture := func() (*vpcv1.Image, *core.DetailedResponse, error) {
		return o.vpc.CreateImage(&vpcv1.CreateImageOptions{
			ImagePrototype: &vpcv1.ImagePrototypeImageBySourceVolume{
				Name:         core.StringPtr(r.fresh("img")),
				SourceVolume: &vpcv1.VolumeIdentityByID{ID: &volume},
			},
		})
	}
	_, response, err := list()
	denied("is.image.image.list", response, err)

	group := must(o.groups.CreateAccessGroup(&groups.CreateAccessGroupOptions{
		AccountID: &o.account, Name: core.StringPtr(r.fresh("team")),
	}))
	o.first("access_group_id", *group.ID, "Viewer")
	member := []groups.AddGroupMembersRequestMembersItem{
		{IamID: o.robot.IamID, Type: core.StringPtr("service")},
	}
	must(o.groups.AddMembersToAccessGroup(&groups.AddMembersToAccessGroupOptions{
		AccessGroupID: group.ID, Members: member,
	}))
	if len(must(list()).Images) == 0 {
		fail("a Viewer sees no image")
	}
	_, response, err = capture()
	denied("is.image.image.create", response, err)

	editor := o.second("Editor")
	image := must(capture())
	r.imageUntil(*image.ID, "available")
	response, err = o.vpc.DeprecateImage(&vpcv1.DeprecateImageOptions{ID: image.ID})
	done(204, response, err)
	response, err = o.policies.DeleteV2Policy(&policies.DeleteV2PolicyOptions{ID: editor.ID})
	done(204, response, err)
	remove := func() (*core.DetailedResponse, error) {
		return o.vpc.DeleteImage(&vpcv1.DeleteImageOptions{ID: image.ID})
	}
	response, err = remove()
	denied("is.image.image.delete", response, err)
	o.first("iam_id", *o.robot.IamID, "Editor")
	response, err = remove()
	done(204, response, err)

	response, err = o.groups.DeleteAccessGroup(&groups.DeleteAccessGroupOptions{
		AccessGroupID: group.ID, Force: core.BoolPtr(true),
	})
	done(204, response, err)
	response, err = o.identity.DeleteServiceID(&identity.DeleteServiceIDOptions{ID: o.robot.ID})
	done(204, response, err)
	_, response, err = list()
	refused(401, "token_invalid", response, err)
}
