"""Who may do what, by IBM's platform-services SDK: policies, roles, groups, authorizations."""

from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_platform_services import IamAccessGroupsV2, IamIdentityV1, IamPolicyManagementV1

from cases.codes import raw
from harness import case, refused, same, true

ROLE = "crn:v1:bluemix:public:iam::::role:"


class Office:
    """The owner's clients of access management, and a service ID that may do nothing yet."""

    def __init__(self, region):
        self.region, self.account = region, region.account()
        self.identity = self.client(IamIdentityV1)
        self.policies = self.client(IamPolicyManagementV1)
        self.groups = self.client(IamAccessGroupsV2)
        self.robot = self.identity.create_service_id(
            account_id=self.account, name=region.fresh("robot"), apikey={"name": "k"}
        ).get_result()
        self.iam_id = self.robot["iam_id"]
        self.authenticator = IAMAuthenticator(
            self.robot["apikey"]["apikey"], url=region.environment["IBMCLOUD_IAM_API_ENDPOINT"]
        )
        self.vpc = region.vpc_client()
        self.vpc.authenticator = self.authenticator

    def client(self, kind, authenticator=None):
        """A client of one of the services of IAM."""
        made = kind(authenticator=authenticator or self.region.authenticator)
        made.set_service_url(self.region.environment["IBMCLOUD_IAM_API_ENDPOINT"])
        return made

    def denied(self, action, call, *args, **kwargs):
        """Fails unless the call is denied for this action."""
        error = refused(403, "not_authorized", call, *args, **kwargs)
        true(action in error["message"], f"{action} is not in {error['message']}")

    def v1(self, role, subject=None, **attributes):
        """Words of a policy in the first form."""
        name, value = subject or ("iam_id", self.iam_id)
        attributes = {"accountId": self.account, "serviceName": "is", **attributes}
        return {
            "type": "access",
            "subjects": [{"attributes": [{"name": name, "value": value}]}],
            "roles": [{"role_id": role}],
            "resources": [
                {"attributes": [{"name": n, "value": v} for n, v in attributes.items()]}
            ],
        }

    def v2(self, role, **attributes):
        """Words of a policy in the second form."""
        attributes = {"accountId": self.account, "serviceName": "is", **attributes}
        leaf = lambda key, value: {"key": key, "operator": "stringEquals", "value": value}
        return {
            "type": "access",
            "subject": {"attributes": [leaf("iam_id", self.iam_id)]},
            "control": {"grant": {"roles": [{"role_id": role}]}},
            "resource": {"attributes": [leaf(k, v) for k, v in attributes.items()]},
        }

    def leave(self):
        """Takes the service ID away."""
        self.identity.delete_service_id(self.robot["id"])


@case
def access_through_the_image_story(region):
    """S12: a service ID is denied and allowed as policies and membership say, at once."""
    office = Office(region)
    vpc, policies, groups = office.vpc, office.policies, office.groups
    _, volume = region.stopped()
    prototype = {"name": region.fresh("img"), "source_volume": {"id": volume}}
    office.denied("is.image.image.list", vpc.list_images)
    office.denied("is.volume.volume.read", vpc.create_image, prototype)

    group = groups.create_access_group(office.account, region.fresh("team")).get_result()
    viewer = office.v1(ROLE + "Viewer", ("access_group_id", group["id"]))
    viewer = policies.create_policy(**viewer).get_result()
    same(viewer["roles"][0]["display_name"], "Viewer")
    office.denied("is.image.image.list", vpc.list_images)
    member = {"iam_id": office.iam_id, "type": "service"}
    added = groups.add_members_to_access_group(group["id"], members=[member]).get_result()
    same(added["members"][0]["status_code"], 200)
    same(groups.is_member_of_access_group(group["id"], office.iam_id).get_status_code(), 204)
    true(vpc.list_images().get_result()["images"], "a Viewer sees images")
    office.denied("is.image.image.create", vpc.create_image, prototype)

    editor = policies.create_v2_policy(**office.v2(ROLE + "Editor"))
    tag, editor = editor.get_headers()["ETag"], editor.get_result()
    image = vpc.create_image(prototype).get_result()
    region.image_until(image["id"], "available")
    viewing = office.v2(ROLE + "Viewer")
    policies.replace_v2_policy(editor["id"], tag, **viewing).get_result()
    office.denied("is.image.image.deprecate", vpc.deprecate_image, image["id"])
    office.denied("is.image.image.update", vpc.update_image, image["id"], {"name": "x"})
    office.denied("is.image.image.delete", vpc.delete_image, image["id"])
    policies.delete_v2_policy(editor["id"])
    policies.create_policy(**office.v1(ROLE + "Editor", resourceType="image"))
    vpc.deprecate_image(image["id"])
    same(vpc.get_image(image["id"]).get_result()["status"], "deprecated")
    office.denied("is.volume.volume.delete", vpc.delete_volume, volume)
    vpc.delete_image(image["id"])
    region.gone(lambda: region.vpc.get_image(image["id"]), "image")

    for policy in policies.list_policies(office.account, iam_id=office.iam_id).get_result()[
        "policies"
    ]:
        policies.delete_policy(policy["id"])
    office.denied("is.volume.volume.delete", vpc.delete_volume, volume)
    groups.remove_member_from_access_group(group["id"], office.iam_id)
    office.denied("is.image.image.list", vpc.list_images)
    groups.delete_access_group(group["id"])
    refused(404, "policy_not_found", policies.delete_policy, viewer["id"])
    office.leave()


@case
def access_by_a_custom_role_to_one_image(region):
    """S12: a role of the account's own, on one image, and only for a while."""
    office = Office(region)
    vpc, policies = office.vpc, office.policies
    image, _ = region.image()
    other, _ = region.image()
    words = {
        "display_name": "Curator",
        "actions": ["is.image.image.deprecate", "is.image.image.read"],
    }
    asked = {**words, "name": "Curator", "account_id": office.account, "service_name": "is"}
    role = policies.create_role(**asked)
    tag, role = role.get_headers()["ETag"], role.get_result()
    refused(409, "role_conflict_error", policies.create_role, **asked)
    role = policies.replace_role(role["id"], tag, **words).get_result()
    listed = policies.list_roles(account_id=office.account, service_name="is").get_result()
    same([one["crn"] for one in listed["custom_roles"]], [role["crn"]])

    made = policies.create_v2_policy(**office.v2(role["crn"], imageId=image["id"]))
    tag, policy = made.get_headers()["ETag"], made.get_result()
    same(vpc.get_image(image["id"]).get_result()["id"], image["id"])
    refused(404, "not_found", vpc.get_image, other["id"])
    office.denied("is.image.image.delete", vpc.delete_image, image["id"])
    once = {
        **office.v2(role["crn"], imageId=image["id"]),
        "pattern": "time-based-conditions:once",
        "rule": {
            "key": "{{environment.attributes.current_date_time}}",
            "operator": "dateTimeLessThan",
            "value": "2020-01-01T00:00:00Z",
        },
    }
    made = policies.replace_v2_policy(policy["id"], tag, **once)
    office.denied("is.image.image.read", vpc.get_image, image["id"])
    once["rule"]["operator"] = "dateTimeGreaterThan"
    policies.replace_v2_policy(policy["id"], made.get_headers()["ETag"], **once)
    vpc.deprecate_image(image["id"])
    same(vpc.get_image(image["id"]).get_result()["status"], "deprecated")
    refused(409, "role_conflict_error", policies.delete_role, role["id"])
    policies.delete_v2_policy(policy["id"])
    policies.delete_role(role["id"])
    refused(404, "role_not_found", policies.get_role, role["id"])
    for one in (image, other):
        region.vpc.delete_image(one["id"])
    office.leave()


@case
def policies_that_cannot_be(region):
    """Each service refuses in its own words, and nothing is written."""
    office = Office(region)
    policies, groups = office.policies, office.groups
    before = policies.list_policies(office.account).get_result()
    same(raw(region, "GET", "/v1/policies"), (400, "missing_required_query_parameter"))
    king = office.v1(ROLE + "King")
    refused(400, "invalid_body", policies.create_policy, **king)
    refused(400, "invalid_body", policies.create_policy, **office.v1(ROLE + "Viewer", colour="x"))
    same(policies.list_policies(office.account).get_result(), before)
    words = office.v1(ROLE + "Viewer")
    made = policies.create_policy(**words)
    tag, policy = made.get_headers()["ETag"], made.get_result()
    refused(409, "policy_conflict_error", policies.create_policy, **words)
    policies.replace_policy(policy["id"], tag, **office.v1(ROLE + "Operator"))
    refused(412, "precondition_failed", policies.replace_policy, policy["id"], tag, **words)
    policies.delete_policy(policy["id"])
    tag = policies.get_policy(policy["id"]).get_headers()["ETag"]
    policies.update_policy_state(policy["id"], tag, state="active")
    policies.delete_policy(policy["id"])

    name = region.fresh("team")
    group = groups.create_access_group(office.account, name).get_result()
    refused(409, "group_name_conflict_error", groups.create_access_group, office.account, name)
    member = {"iam_id": office.iam_id, "type": "service"}
    groups.add_members_to_access_group(group["id"], members=[member])
    refused(409, "group_not_empty_error", groups.delete_access_group, group["id"])
    listed = groups.list_access_group_members(group["id"]).get_result()
    same([one["iam_id"] for one in listed["members"]], [office.iam_id])
    condition = {"claim": "group", "operator": "EQUALS", "value": '"a"'}
    rule = groups.add_access_group_rule(group["id"], 1, "https://idp.example", [condition])
    same(len(groups.list_access_group_rules(group["id"]).get_result()["rules"]), 1)
    groups.remove_access_group_rule(group["id"], rule.get_result()["id"])
    groups.delete_access_group(group["id"], force=True)
    refused(404, "not_found", groups.get_access_group, group["id"])
    office.leave()


@case
def services_are_authorized_by_the_sdk(region):
    """A service is let use another, and nobody gives what is not theirs."""
    office = Office(region)
    policies = office.policies
    attributes = lambda **each: [{"name": n, "value": v} for n, v in each.items()]
    words = {
        "type": "authorization",
        "subjects": [
            {"attributes": attributes(accountId=office.account, serviceName="server-protect")}
        ],
        "roles": [{"role_id": "crn:v1:bluemix:public:iam::::serviceRole:Reader"}],
        "resources": [{"attributes": attributes(accountId=office.account, serviceName="kms")}],
    }
    made = policies.create_policy(**words).get_result()
    same(made["type"], "authorization")
    listed = policies.list_policies(office.account, type="authorization").get_result()["policies"]
    same([one["id"] for one in listed], [made["id"]])
    policies.create_policy(**office.v1(ROLE + "Editor"))
    its = office.client(IamPolicyManagementV1, office.authenticator)
    office.denied("iam.policy.delete", its.delete_policy, made["id"])
    office.denied("iam.policy.create", its.create_policy, **office.v1(ROLE + "Administrator"))
    policies.delete_policy(made["id"])
    other = region.another_account(region.fresh("account"))
    theirs = Office(other)
    mine = policies.list_policies(office.account, iam_id=office.iam_id).get_result()["policies"]
    refused(404, "policy_not_found", theirs.policies.get_policy, mine[0]["id"])
    refused(404, "policy_not_found", theirs.policies.delete_policy, mine[0]["id"])
    refused(403, "not_authorized", theirs.policies.list_policies, office.account)
    office.leave()
