//! Decisions over policies made by hand, and over many made by a seed.

use base::{PolicyId, ResourceGroupId, RoleId, SeededEntropy};
use model::{Attribute, AttributeValue, Condition, Operator, PolicyKind, PolicyState};

use super::*;
use crate::{Role, Sight};

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "ffffffffffffffffffffffffffffffff";
const GROUPS: [&str; 3] = ["g1", "g2", "g3"];
const IDS: [&str; 3] = ["r006-1", "r006-2", "0717-3"];
const TAGS: [&str; 2] = ["env:dev", "project:x"];
const KINDS: [&str; 4] = ["image", "volume", "instance", "vpc"];

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn caller() -> Caller {
    let principal = PrincipalId::parse("iam-ServiceId-1").unwrap();
    Caller { principal, account: account(ACCOUNT), owner: false }
}

fn region() -> RegionName {
    RegionName::parse("us-south").unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T10:00:00Z").unwrap()
}

fn policy(roles: &[Role], resource: &[(&str, &str)]) -> AccessPolicy {
    let principal = PrincipalId::parse("IBMid-1").unwrap();
    let mut attributes = vec![Attribute::equals("accountId", ACCOUNT)];
    attributes.extend(resource.iter().map(|(key, value)| Attribute::equals(key, value)));
    AccessPolicy {
        id: PolicyId::parse("p").unwrap(),
        account: account(ACCOUNT),
        kind: PolicyKind::Access,
        terms: PolicyTerms {
            subject: vec![Attribute::equals("iam_id", "iam-ServiceId-1")],
            roles: roles.iter().map(|role| role.crn()).collect(),
            resource: attributes,
            ..PolicyTerms::default()
        },
        state: PolicyState::Active,
        created_at: now(),
        created_by: principal.clone(),
        modified_at: now(),
        modified_by: principal,
        revision: 1,
    }
}

fn access(policies: &[AccessPolicy]) -> Access {
    Access::of(&caller(), &region(), policies, &[])
}

fn one(group: &str, id: &str) -> Resource {
    Resource::One {
        account: account(ACCOUNT),
        group: ResourceGroupId::parse(group).unwrap(),
        id: id.to_owned(),
    }
}

fn new(group: &str) -> Resource {
    Resource::New { account: account(ACCOUNT), group: ResourceGroupId::parse(group).unwrap() }
}

fn may(access: &Access, action: Action, resource: Resource) -> bool {
    access.permit(Ask::about(action, resource), now()).is_ok()
}

/// S12: the seven operations and the four roles, by name.
#[test]
fn the_roles_of_the_platform_do_what_ibms_table_says() {
    let list = |action| move |a: &Access| a.scope(action, now()).is_ok();
    let make = |action| move |a: &Access| may(a, action, new("g1"));
    let change = |action| move |a: &Access| may(a, action, one("g1", "r006-1"));
    type Row = (&'static str, Box<dyn Fn(&Access) -> bool>, [bool; 4]);
    let rows: [Row; 7] = [
        ("create instance", Box::new(make(Action::InstanceCreate)), [true, true, false, false]),
        ("list instances", Box::new(list(Action::InstanceList)), [true, true, true, true]),
        ("create image", Box::new(make(Action::ImageCreate)), [true, true, false, false]),
        ("list images", Box::new(list(Action::ImageList)), [true, true, true, true]),
        ("delete image", Box::new(change(Action::ImageDelete)), [true, true, false, false]),
        (
            "schedule deprecation",
            Box::new(change(Action::ImageDeprecate)),
            [true, true, false, false],
        ),
        (
            "schedule obsolescence",
            Box::new(change(Action::ImageObsolete)),
            [true, true, false, false],
        ),
    ];
    for (name, asks, wanted) in rows {
        for (role, wanted) in Role::PLATFORM.into_iter().zip(wanted) {
            let access = access(&[policy(&[role], &[("serviceName", "is")])]);
            assert_eq!(asks(&access), wanted, "{name} as {role}");
        }
    }
}

#[test]
fn without_a_policy_there_is_no_access() {
    let nothing = access(&[]);
    for &action in Action::ALL {
        for resource in [one("g1", "r006-1"), new("g1"), whole()] {
            assert!(!may(&nothing, action, resource), "{action}");
        }
        assert_eq!(nothing.scope(action, now()), Err(Denied { action }));
    }
}

fn whole() -> Resource {
    Resource::Account { account: account(ACCOUNT) }
}

#[test]
fn an_owner_may_do_everything_in_the_account_and_nothing_elsewhere() {
    let owner = Caller { owner: true, ..caller() };
    let elsewhere = Resource::Account { account: account(OTHER) };
    for &action in Action::ALL {
        let leave = permit(&owner, action, one("g1", "r006-1")).unwrap();
        assert!(leave.covers(action, &owner.account, "r006-1"));
        assert!(!leave.covers(action, &owner.account, "r006-2"));
        assert!(scope(&owner, action).unwrap().sight() == &Sight::All);
        assert_eq!(permit(&owner, action, elsewhere.clone()), Err(Denied { action }));
        assert!(permit(&caller(), action, whole()).is_err());
        assert!(scope(&caller(), action).is_err());
    }
}

#[test]
fn leave_for_the_account_is_not_leave_for_a_resource() {
    let owner = Caller { owner: true, ..caller() };
    let action = Action::TagCreateAccess;
    let leave = |resource| permit(&owner, action, resource).unwrap();
    assert!(leave(whole()).covers_account(action));
    assert!(!leave(whole()).covers_account(Action::TagDeleteAccess));
    assert!(!leave(whole()).covers(action, &owner.account, "r006-1"));
    assert!(!leave(one("g1", "r006-1")).covers_account(action));
}

#[test]
fn a_policy_on_an_id_never_lets_anything_be_made() {
    let pinned =
        access(&[policy(&[Role::Editor], &[("serviceName", "is"), ("imageId", "r006-1")])]);
    assert!(may(&pinned, Action::ImageDelete, one("g1", "r006-1")));
    assert!(!may(&pinned, Action::ImageDelete, one("g1", "r006-2")));
    assert!(!may(&pinned, Action::ImageCreate, new("g1")));
    assert!(!may(&pinned, Action::VolumeDelete, one("g1", "r006-1")), "another type");
    let Ok(seen) = pinned.scope(Action::ImageList, now()) else { panic!("nothing seen") };
    assert!(seen.sight().sees(Some("g9"), "r006-1", &[]));
    assert!(!seen.sight().sees(Some("g9"), "r006-2", &[]));
    let any = access(&[policy(&[Role::Editor], &[("serviceName", "is"), ("imageId", "*")])]);
    assert!(may(&any, Action::ImageCreate, new("g1")));
    assert!(!may(&any, Action::VolumeCreate, new("g1")));
}

#[test]
fn a_policy_on_a_group_is_for_that_group() {
    let group = access(&[policy(&[Role::Editor], &[("resourceGroupId", "g1")])]);
    assert!(may(&group, Action::ImageCreate, new("g1")));
    assert!(!may(&group, Action::ImageCreate, new("g2")));
    assert!(!may(&group, Action::PolicyRead, whole()), "IAM is in no group");
    let seen = group.scope(Action::ImageList, now()).unwrap();
    assert!(seen.sight().sees(Some("g1"), "x", &[]) && !seen.sight().sees(Some("g2"), "x", &[]));
    let groups = group.scope(Action::ResourceGroupRead, now()).unwrap();
    assert!(groups.sight().sees(Some("g1"), "g1", &[]));
    assert!(!groups.sight().sees(Some("g2"), "g2", &[]));
}

#[test]
fn a_policy_on_tags_needs_each_of_them() {
    let mut tagged = policy(&[Role::Editor], &[("serviceName", "is")]);
    tagged.terms.tags = vec![Attribute::equals("env", "Dev"), Attribute::equals("project", "x")];
    let tagged = access(&[tagged]);
    assert!(tagged.asks_tags(Action::ImageDelete) && !tagged.asks_tags(Action::PolicyCreate));
    let both: Vec<String> = TAGS.map(str::to_owned).to_vec();
    let with = |tags: &[String]| {
        let ask = Ask { tags, ..Ask::about(Action::ImageDelete, one("g1", "r006-1")) };
        tagged.permit(ask, now()).is_ok()
    };
    assert!(with(&both) && !with(&both[..1]) && !with(&[]));
    let seen = tagged.scope(Action::ImageList, now()).unwrap();
    assert!(seen.sight().sees(None, "x", &both) && !seen.sight().sees(None, "x", &both[1..]));
}

#[test]
fn service_types_regions_and_unknown_attributes_narrow() {
    let of = |resource: &[(&str, &str)]| access(&[policy(&[Role::Administrator], resource)]);
    let services = of(&[("serviceType", "service")]);
    assert!(may(&services, Action::ImageCreate, new("g1")));
    assert!(!may(&services, Action::PolicyCreate, whole()));
    let platform = of(&[("serviceType", "platform_service")]);
    assert!(may(&platform, Action::PolicyCreate, whole()));
    assert!(!may(&platform, Action::ImageCreate, new("g1")));
    let iam = of(&[("service_group_id", "IAM")]);
    assert!(may(&iam, Action::AccessGroupCreate, whole()));
    assert!(!may(&iam, Action::ResourceGroupCreate, whole()));
    for (place, wanted) in [("us-south", true), ("eu-de", false)] {
        let here = of(&[("serviceName", "is"), ("region", place)]);
        assert_eq!(may(&here, Action::ImageCreate, new("g1")), wanted, "{place}");
    }
    let odd = of(&[("serviceName", "is"), ("keyRing", "default")]);
    assert!(!may(&odd, Action::ImageCreate, new("g1")));
    let typed = of(&[("serviceName", "is"), ("resourceType", "image")]);
    assert!(may(&typed, Action::ImageCreate, new("g1")));
    assert!(!may(&typed, Action::VolumeCreate, new("g1")));
}

#[test]
fn tags_are_put_on_what_the_policy_speaks_of() {
    let images =
        access(&[policy(&[Role::Editor], &[("serviceName", "is"), ("resourceType", "image")])]);
    let on = |place| {
        let resource = one("g1", "r006-1");
        let ask = Ask { place: Some(place), ..Ask::about(Action::TagAttachUser, resource) };
        images.permit(ask, now()).is_ok()
    };
    assert!(on(("is", "image")));
    assert!(!on(("is", "volume")) && !on(("resource-controller", "resource-group")));
    assert!(!may(&images, Action::TagAttachAccess, one("g1", "r006-1")), "administrators only");
}

#[test]
fn a_time_condition_opens_and_closes() {
    let mut hours = policy(&[Role::Viewer], &[("serviceName", "is")]);
    hours.terms.rule = Some(Condition::One(Attribute {
        key: model::FIELD_TIME.to_owned(),
        operator: Operator::TimeLessThan,
        value: AttributeValue::Text("12:00:00+00:00".to_owned()),
    }));
    let hours = access(&[hours]);
    assert!(hours.scope(Action::ImageList, now()).is_ok());
    let noon = Timestamp::parse("2026-11-24T12:00:00Z").unwrap();
    assert!(hours.scope(Action::ImageList, noon).is_err());
    assert!(hours.scope(Action::ResourceGroupRead, noon).is_err());
}

#[test]
fn what_does_not_count_gives_nothing() {
    let viewer = || policy(&[Role::Viewer], &[("serviceName", "is")]);
    let deleted = AccessPolicy { state: PolicyState::Deleted, ..viewer() };
    let service = AccessPolicy { kind: PolicyKind::Authorization, ..viewer() };
    let elsewhere = AccessPolicy { account: account(OTHER), ..viewer() };
    let mut claims = viewer();
    claims.terms.resource[0] = Attribute::equals("accountId", OTHER);
    let mut unknown = viewer();
    unknown.terms.roles = vec!["crn:v1:bluemix:public:iam::::role:King".to_owned()];
    for odd in [deleted, service, elsewhere, claims, unknown] {
        assert!(access(&[odd]).scope(Action::ImageList, now()).is_err());
    }
}

#[test]
fn a_custom_role_gives_its_actions() {
    let principal = PrincipalId::parse("IBMid-1").unwrap();
    let role = CustomRole {
        id: RoleId::parse("r").unwrap(),
        account: account(ACCOUNT),
        name: "Curator".to_owned(),
        service: "is".to_owned(),
        display_name: "Curator".to_owned(),
        description: String::new(),
        actions: vec!["is.image.image.deprecate".to_owned()],
        created_at: now(),
        created_by: principal.clone(),
        modified_at: now(),
        modified_by: principal,
        revision: 1,
    };
    let mut curator = policy(&[], &[("serviceName", "is")]);
    curator.terms.roles = vec![role.crn()];
    let access = Access::of(&caller(), &region(), &[curator], &[role]);
    assert!(may(&access, Action::ImageDeprecate, one("g1", "r006-1")));
    assert!(!may(&access, Action::ImageObsolete, one("g1", "r006-1")));
}

#[test]
fn administrators_of_something_write_policies_about_it_alone() {
    let admin = access(&[policy(
        &[Role::Administrator],
        &[("serviceType", "service"), ("resourceGroupId", "g1")],
    )]);
    let may = |resource: &[(&str, &str)]| {
        let terms = policy(&[Role::Viewer], resource).terms;
        admin.permit_policy(Action::PolicyCreate, &terms, now()).is_ok()
    };
    assert!(may(&[("serviceName", "is"), ("resourceGroupId", "g1")]));
    assert!(may(&[
        ("serviceType", "service"),
        ("resourceGroupId", "g1"),
        ("resourceType", "image")
    ]));
    assert!(!may(&[("serviceName", "is")]), "wider");
    assert!(!may(&[("serviceName", "is"), ("resourceGroupId", "g2")]));
    assert!(!may(&[("serviceName", "is"), ("resourceGroupId", "*")]));
    assert!(!may(&[("serviceName", "iam-groups"), ("resourceGroupId", "g1")]));
    assert!(!may(&[("resourceGroupId", "g1")]), "also what is no service");
    let editor = access(&[policy(&[Role::Editor], &[("serviceName", "is")])]);
    let terms = policy(&[Role::Viewer], &[("serviceName", "is")]).terms;
    assert!(editor.permit_policy(Action::PolicyCreate, &terms, now()).is_err());
}

/// How many policies are made up; more with `ECTYPE_SEEDS`.
fn seeds() -> u64 {
    std::env::var("ECTYPE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
}

fn pick<T: Copy>(from: &[T], dice: &SeededEntropy) -> T {
    from[(dice.next_u64() % from.len() as u64) as usize]
}

/// A policy out of few words, so that several of them meet.
fn made_up(dice: &SeededEntropy) -> AccessPolicy {
    let flip = || dice.next_u64().is_multiple_of(3);
    let mut resource = Vec::new();
    match dice.next_u64() % 4 {
        0 => resource.push(("serviceType", pick(&["service", "platform_service"], dice))),
        1 => resource.push(("service_group_id", "IAM")),
        _ => resource.push(("serviceName", pick(&["is", "kms", "iam-groups"], dice))),
    }
    if flip() {
        resource.push(("resourceGroupId", pick(&GROUPS, dice)));
    }
    if flip() {
        resource.push(("resourceType", pick(&KINDS, dice)));
    }
    if flip() {
        resource.push((pick(&["imageId", "volumeId", "resource"], dice), pick(&IDS, dice)));
    }
    let mut policy = policy(&[pick(Role::ALL, dice), pick(Role::ALL, dice)], &resource);
    if flip() {
        let (key, value) = pick(&TAGS, dice).split_once(':').unwrap();
        policy.terms.tags.push(Attribute::equals(key, value));
    }
    if flip() {
        let pattern = pick(&["r006-*", "*", "0717-?", "g*"], dice);
        policy.terms.resource.push(Attribute {
            operator: Operator::StringMatch,
            ..Attribute::equals(pick(&["resource", "resourceGroupId"], dice), pattern)
        });
    }
    if flip() {
        policy.terms.rule = Some(Condition::One(Attribute {
            key: model::FIELD_TIME.to_owned(),
            operator: pick(&[Operator::TimeLessThan, Operator::TimeGreaterThan], dice),
            value: AttributeValue::Text("12:00:00+00:00".to_owned()),
        }));
    }
    policy
}

/// Everything that can be asked with these few words.
fn asks(access: &Access, mut each: impl FnMut(Action, String, bool)) {
    let tags: Vec<String> = vec![TAGS[0].to_owned()];
    for &action in Action::ALL {
        for group in GROUPS {
            for id in IDS {
                let ask = Ask { tags: &tags, ..Ask::about(action, one(group, id)) };
                each(action, format!("{group} {id}"), access.permit(ask, now()).is_ok());
            }
            each(action, format!("{group} new"), may(access, action, new(group)));
        }
        each(action, "account".to_owned(), may(access, action, whole()));
        each(action, "scope".to_owned(), access.scope(action, now()).is_ok());
    }
}

#[test]
fn a_further_policy_never_takes_access_away() {
    for seed in 0..seeds() {
        let dice = SeededEntropy::new(seed);
        let mut policies: Vec<_> = (0..dice.next_u64() % 4).map(|_| made_up(&dice)).collect();
        let mut before = Vec::new();
        asks(&access(&policies), |_, _, yes| before.push(yes));
        policies.push(made_up(&dice));
        let mut before = before.into_iter();
        asks(&access(&policies), |action, on, yes| {
            let had = before.next().unwrap();
            assert!(yes || !had, "seed {seed}: {action} on {on}");
        });
    }
}

#[test]
fn nothing_is_allowed_in_another_account() {
    for seed in 0..seeds() {
        let dice = SeededEntropy::new(seed);
        let policies: Vec<_> = (0..3).map(|_| made_up(&dice)).collect();
        let access = access(&policies);
        let group = ResourceGroupId::parse(pick(&GROUPS, &dice)).unwrap();
        let id = pick(&IDS, &dice).to_owned();
        for &action in Action::ALL {
            for resource in [
                Resource::One { account: account(OTHER), group: group.clone(), id: id.clone() },
                Resource::New { account: account(OTHER), group: group.clone() },
                Resource::Account { account: account(OTHER) },
            ] {
                assert!(!may(&access, action, resource), "seed {seed}: {action}");
            }
            if let Ok(scope) = access.scope(action, now()) {
                assert_eq!(scope.account(), &account(ACCOUNT));
            }
        }
    }
}

/// What a list shows is what a permit for each row would allow.
#[test]
fn a_list_shows_what_each_decision_allows() {
    for seed in 0..seeds() {
        let dice = SeededEntropy::new(seed);
        let policies: Vec<_> = (0..1 + dice.next_u64() % 3).map(|_| made_up(&dice)).collect();
        let access = access(&policies);
        for action in [Action::ImageList, Action::VolumeRead, Action::VpcList, Action::KeyRead] {
            let scope = access.scope(action, now());
            for (group, id) in GROUPS.iter().flat_map(|g| IDS.iter().map(move |id| (g, id))) {
                for tags in [vec![], vec![TAGS[0].to_owned()], TAGS.map(str::to_owned).to_vec()] {
                    let ask = Ask { tags: &tags, ..Ask::about(action, one(group, id)) };
                    let allowed = access.permit(ask, now()).is_ok();
                    let seen = scope.as_ref().is_ok_and(|s| s.sight().sees(Some(group), id, &tags));
                    assert_eq!(allowed, seen, "seed {seed}: {action} {group} {id} {tags:?}");
                }
            }
        }
    }
}
