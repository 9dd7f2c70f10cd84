//! What callers who own nothing may do: by policies of their own, of their groups, for a time,
//! with tags; and that changes count at once.

use std::time::Duration;

use base::{AccessGroupId, PolicyId, PrincipalId};
use ectype_control::{
    Error, GroupFilter, ImageCreate, ImageFilter, InstanceFilter, PolicyFilter, PolicyWrite,
    RequestContext, Slice,
};
use model::{
    Attribute, AttributeValue, Condition, FIELD_DATE_TIME, ImagePatch, MemberKind, Operator,
    PolicyKind, PolicyTerms, SearchQuery, TagKind, TagMode,
};
use policy::{Caller, Role};

use crate::world::{World, image_of, not_found, page};

/// A service ID of the first account.
fn service(world: &World, name: &str) -> RequestContext {
    let owner = &world.facts.a.ctx;
    let principal = PrincipalId::parse(&format!("iam-ServiceId-{name}")).unwrap();
    let account = owner.caller.account.clone();
    RequestContext { caller: Caller { principal, account, owner: false }, ..owner.clone() }
}

fn terms(world: &World, subject: (&str, &str), role: Role) -> PolicyTerms {
    let account = world.facts.a.ctx.caller.account.as_str();
    PolicyTerms {
        subject: vec![Attribute::equals(subject.0, subject.1)],
        roles: vec![role.crn()],
        resource: vec![
            Attribute::equals("accountId", account),
            Attribute::equals("serviceName", "is"),
        ],
        ..PolicyTerms::default()
    }
}

async fn give(world: &World, by: &RequestContext, terms: PolicyTerms) -> Result<PolicyId, Error> {
    let want = PolicyWrite { kind: PolicyKind::Access, terms };
    Ok(world.region().policy_create(by, want).await?.id)
}

/// A service ID with this role on VPC.
async fn with_role(world: &World, role: Role) -> RequestContext {
    let ctx = service(world, &role.display_name().to_lowercase());
    let id = ctx.caller.principal.to_string();
    give(world, &world.facts.a.ctx, terms(world, ("iam_id", &id), role)).await.unwrap();
    ctx
}

fn denied<T: std::fmt::Debug>(result: &Result<T, Error>) -> Option<&'static str> {
    match result {
        Err(Error::Denied(denied)) => Some(denied.action.as_str()),
        _ => None,
    }
}

/// S12: each role on the seven operations of the table, done for real.
#[tokio::test]
async fn the_four_roles_do_what_the_table_says() {
    for role in Role::PLATFORM {
        let (world, vm, _, image) = World::with_image().await;
        let (region, ctx) = (world.region(), with_role(&world, role).await);
        let writes = matches!(role, Role::Administrator | Role::Editor);
        let check = |done: Option<&str>, action: &str| {
            assert_eq!(done, (!writes).then_some(action), "{role}");
        };
        let listed = region.images(&ctx, ImageFilter::default(), page(10)).await.unwrap();
        assert_eq!(listed.total, 2, "{role}");
        let found = region.instances(&ctx, InstanceFilter::default(), page(10)).await.unwrap();
        assert_eq!(found.total, 1, "{role}");

        let patch = ImagePatch {
            deprecation_at: Some(Some(region.now().plus(Duration::from_secs(3_600)))),
            ..ImagePatch::default()
        };
        check(denied(&region.image_update(&ctx, &image, patch).await), "is.image.image.update");
        check(denied(&region.image_deprecate(&ctx, &image).await), "is.image.image.deprecate");
        check(denied(&region.image_obsolete(&ctx, &image).await), "is.image.image.obsolete");
        let want = ImageCreate { name: None, ..image_of(&vm.volume) };
        check(denied(&region.image_create(&ctx, want).await), "is.image.image.create");
        let wish = world.wish(&world.facts.a, crate::world::of_image(&world.facts.stock));
        check(denied(&region.instance_create(&ctx, wish).await), "is.instance.instance.create");
        check(denied(&region.image_delete(&ctx, &image).await), "is.image.image.delete");
    }
}

/// S12: without a policy nothing is allowed, and what is there and what is not look alike.
#[tokio::test]
async fn without_a_policy_nothing_is_allowed_and_nothing_is_told() {
    let (world, vm, _, image) = World::with_image().await;
    let (region, nobody) = (world.region(), service(&world, "nobody"));
    let missing = base::ImageId::parse("r006-nothing").unwrap();
    for id in [&image, &missing] {
        assert_eq!(denied(&region.image(&nobody, id).await), Some("is.image.image.read"));
        assert_eq!(denied(&region.image_delete(&nobody, id).await), Some("is.image.image.read"));
    }
    let images = region.images(&nobody, ImageFilter::default(), page(10)).await;
    assert_eq!(denied(&images), Some("is.image.image.list"));
    let made = region.image_create(&nobody, image_of(&vm.volume)).await;
    assert_eq!(denied(&made), Some("is.volume.volume.read"));
    let groups = region.resource_groups(&nobody, GroupFilter::default()).await;
    assert_eq!(denied(&groups), Some("resource-controller.group.retrieve"));
    let policies = region.policies(&nobody, &PolicyFilter::default()).await;
    assert_eq!(denied(&policies), Some("iam.policy.read"));
    let found = region.search(&nobody, &SearchQuery::All, None, 10).await;
    assert_eq!(denied(&found), Some("global-search-tagging.resource.read"));
    let none = PolicyId::parse("p").unwrap();
    assert_eq!(denied(&region.policy_delete(&nobody, &none).await), Some("iam.policy.delete"));
}

/// A change of policies, members or tags counts from the next request on.
#[tokio::test]
async fn what_is_given_and_taken_counts_at_once() {
    let (world, _, _, image) = World::with_image().await;
    let (region, owner) = (world.region(), &world.facts.a.ctx);
    let ctx = service(&world, "one");
    let id = ctx.caller.principal.clone();
    assert!(denied(&region.image(&ctx, &image).await).is_some());
    let viewer = terms(&world, ("iam_id", id.as_str()), Role::Viewer);
    let policy = give(&world, owner, viewer).await.unwrap();
    region.image(&ctx, &image).await.unwrap();
    region.policy_delete(owner, &policy).await.unwrap();
    assert!(denied(&region.image(&ctx, &image).await).is_some());
    let revision = region.policy(owner, &policy).await.unwrap().revision;
    region.policy_restore(owner, &policy, revision).await.unwrap();
    region.image(&ctx, &image).await.unwrap();
    region.policy_delete(owner, &policy).await.unwrap();

    let group = region.access_group_create(owner, "team".to_owned(), String::new()).await.unwrap();
    let of_group = terms(&world, ("access_group_id", group.id.as_str()), Role::Editor);
    give(&world, owner, of_group).await.unwrap();
    assert!(denied(&region.image_deprecate(&ctx, &image).await).is_some());
    let one = vec![(id.clone(), MemberKind::Service)];
    region.members_add(owner, &group.id, one).await.unwrap();
    region.image_deprecate(&ctx, &image).await.unwrap();
    region.members_remove(owner, &group.id, &[id]).await.unwrap();
    assert!(denied(&region.image_obsolete(&ctx, &image).await).is_some());
}

/// A policy for a time ends with it, and one on access tags follows the tags.
#[tokio::test]
async fn time_and_tags_narrow() {
    let (world, vm, _, image) = World::with_image().await;
    let (region, owner) = (world.region(), &world.facts.a.ctx);
    let ctx = service(&world, "timed");
    let id = ctx.caller.principal.to_string();
    let mut timed = terms(&world, ("iam_id", &id), Role::Viewer);
    let end = region.now().plus(Duration::from_secs(60));
    timed.pattern = Some("time-based-conditions:once".to_owned());
    timed.rule = Some(Condition::One(Attribute {
        key: FIELD_DATE_TIME.to_owned(),
        operator: Operator::DateTimeLessThan,
        value: AttributeValue::Text(end.to_string()),
    }));
    give(&world, owner, timed).await.unwrap();
    region.image(&ctx, &image).await.unwrap();
    world.clock.advance(Duration::from_secs(61));
    assert!(denied(&region.image(&ctx, &image).await).is_some());

    let ctx = service(&world, "tagged");
    let id = ctx.caller.principal.to_string();
    let mut tagged = terms(&world, ("iam_id", &id), Role::Editor);
    tagged.tags = vec![Attribute::equals("env", "dev")];
    give(&world, owner, tagged).await.unwrap();
    assert!(not_found(&region.image(&ctx, &image).await));
    let tag = model::Tag::parse("env:dev").unwrap();
    region.access_tags_create(owner, vec![tag.clone()]).await.unwrap();
    let crn = base::Crn::vpc("us-south", &ctx.caller.account, "image", image.as_str());
    let on = ectype_control::TagOn::Ids(vec![crn.to_string()]);
    let done = region.tags_attach(owner, TagKind::Access, &[tag], TagMode::Add, on).await.unwrap();
    assert_eq!(done[0].1, None);
    region.image_deprecate(&ctx, &image).await.unwrap();
    assert!(not_found(&region.volume(&ctx, &vm.volume).await), "it has no tag");
    let listed = region.images(&ctx, ImageFilter::default(), page(10)).await.unwrap();
    assert_eq!(listed.total, 2, "its own and the stock one");
    let found = region.search(&ctx, &SearchQuery::All, None, 10).await.unwrap().0;
    assert_eq!(found.len(), 1);
}

/// Nobody gives what they do not administer.
#[tokio::test]
async fn policies_are_written_by_those_who_administer_what_they_speak_of() {
    let world = World::new().await;
    let region = world.region();
    let admin = with_role(&world, Role::Administrator).await;
    let friend = terms(&world, ("iam_id", "iam-ServiceId-friend"), Role::Editor);
    let given = give(&world, &admin, friend.clone()).await.unwrap();
    let mut wider = friend.clone();
    wider.resource[1] = Attribute::equals("serviceType", "service");
    assert_eq!(denied(&give(&world, &admin, wider).await), Some("iam.policy.create"));
    let mut of_iam = friend.clone();
    of_iam.resource[1] = Attribute::equals("serviceName", "iam-access-management");
    of_iam.roles = vec![Role::Administrator.crn()];
    assert_eq!(denied(&give(&world, &admin, of_iam.clone()).await), Some("iam.policy.create"));
    let owners = give(&world, &world.facts.a.ctx, of_iam).await.unwrap();
    assert_eq!(denied(&region.policy_delete(&admin, &owners).await), Some("iam.policy.delete"));
    region.policy_delete(&admin, &given).await.unwrap();

    let editor = with_role(&world, Role::Editor).await;
    assert_eq!(denied(&give(&world, &editor, friend).await), Some("iam.policy.create"));
    let slice = Slice { offset: 0, limit: 10 };
    let groups = region.access_groups(&editor, &Default::default(), slice).await;
    assert_eq!(denied(&groups), Some("iam-groups.groups.list"));
}

/// Another account's policies and groups are not there, and change nothing there.
#[tokio::test]
async fn another_accounts_policies_and_groups_are_not_there() {
    let world = World::new().await;
    let (region, a, b) = (world.region(), &world.facts.a.ctx, &world.facts.b.ctx);
    let viewer = terms(&world, ("iam_id", "iam-ServiceId-1"), Role::Viewer);
    let policy = give(&world, a, viewer.clone()).await.unwrap();
    let group = region.access_group_create(a, "team".to_owned(), String::new()).await.unwrap();
    assert!(not_found(&region.policy(b, &policy).await));
    assert!(not_found(&region.policy_delete(b, &policy).await));
    assert!(not_found(&region.policy_restore(b, &policy, 1).await));
    let want = PolicyWrite { kind: PolicyKind::Access, terms: viewer.clone() };
    assert!(not_found(&region.policy_replace(b, &policy, 1, want).await));
    assert!(not_found(&region.access_group(b, &group.id).await));
    assert!(not_found(&region.access_group_delete(b, &group.id, true).await));
    let one = vec![(b.caller.principal.clone(), MemberKind::User)];
    assert!(not_found(&region.members_add(b, &group.id, one).await));
    assert!(not_found(&region.access_group_rules(b, &group.id).await));
    // A policy of b's that speaks of a's account is refused as such.
    assert!(matches!(give(&world, b, viewer).await, Err(Error::Invalid { .. })));
    let mut own = terms(&world, ("access_group_id", group.id.as_str()), Role::Viewer);
    own.resource[0] = Attribute::equals("accountId", b.caller.account.as_str());
    assert!(not_found(&give(&world, b, own).await));
    assert_eq!(region.policies(a, &PolicyFilter::default()).await.unwrap().len(), 1);
    assert!(AccessGroupId::parse(group.id.as_str()).is_ok());
}

/// A denial is an event of its own, and names the action.
#[tokio::test]
async fn a_denial_is_an_event() {
    let (world, _, _, image) = World::with_image().await;
    let viewer = with_role(&world, Role::Viewer).await;
    let region = world.region();
    assert!(denied(&region.image_delete(&viewer, &image).await).is_some());
    let permit = policy::SystemPermit::of(policy::InternalActor::Job);
    let account = &viewer.caller.account;
    let events = meta::OutboxStore::events(&*world.store(), permit, account, 0, 1_000).await;
    let (_, last) = events.unwrap().pop().unwrap();
    assert_eq!(last.action, "is.image.image.delete");
    assert_eq!((last.reason_code, last.severity), (403, model::Severity::Critical));
    assert_eq!(last.target.name, image.as_str());
    assert!(last.reason.contains("is.image.image.delete"), "{}", last.reason);
}
