//! Access management: policies, roles, access groups.

use model::{MemberKind, Operator, PolicyKind, PolicyState, RULES_MAX_HOURS};

use super::{
    Shapes,
    build::{
        Schema, any_of, anything, count, date, flag, has, id, just, list, may, number, object,
        text, to, word,
    },
    operation::{Described, act, change, create, read, several},
};
use crate::request::{
    ACCESS_GROUP_PAGE_MAX, ACCESS_ITEMS_MAX, POLICY_ITEMS_MAX, POLICY_PAGE_MAX, ROLE_ACTIONS_MAX,
};

pub(super) fn operations() -> Vec<Described> {
    let mut all = policies();
    all.extend(roles());
    all.extend(groups());
    all
}

fn listed(described: Described) -> Described {
    let format = word(["display", "include_last_permit"]);
    described
        .by("account_id", text())
        .by("iam_id", text())
        .by("access_group_id", text())
        .by("type", word(PolicyKind::ALL.iter().map(|k| k.as_str())))
        .by("state", word(PolicyState::ALL.iter().map(|s| s.as_str())))
        .by("service_type", text())
        .by("service_name", text())
        .by("service_group_id", text())
        .by("tag_name", text())
        .by("tag_value", text())
        .by("format", format)
        .by("limit", number(1_u64, POLICY_PAGE_MAX))
        .by("start", text())
}

fn policies() -> Vec<Described> {
    let first = || to("Policy");
    let second = || to("V2Policy");
    let format = || word(["display", "include_last_permit"]);
    vec![
        listed(read("list_policies", to("PolicyCollection")))
            .about("Policies in IBM's first form; those with rules are in the second alone."),
        create("create_policy", to("PolicyPrototype"), first()).tagged(),
        read("get_policy", first()).by("format", format()).tagged(),
        change("replace_policy", to("PolicyPrototype"), first()).if_match(),
        change("update_policy_state", to("PolicyStatePatch"), first())
            .if_match()
            .about("Restores a deleted policy."),
        act("delete_policy"),
        listed(read("list_v2_policies", to("V2PolicyCollection"))),
        create("create_v2_policy", to("V2PolicyPrototype"), second()).tagged(),
        read("get_v2_policy", second()).by("format", format()).tagged(),
        change("replace_v2_policy", to("V2PolicyPrototype"), second()).if_match(),
        act("delete_v2_policy"),
    ]
}

fn roles() -> Vec<Described> {
    vec![
        read("list_roles", to("RoleCollection"))
            .by("account_id", text())
            .by("service_name", text()),
        create("create_role", to("RolePrototype"), to("CustomRole")).tagged(),
        read("get_role", to("CustomRole")).tagged(),
        change("replace_role", to("RoleReplacement"), to("CustomRole")).if_match(),
        act("delete_role"),
    ]
}

fn by_offset(described: Described) -> Described {
    described.by("limit", number(1_u64, ACCESS_GROUP_PAGE_MAX)).by("offset", count())
}

fn groups() -> Vec<Described> {
    let rule = || to("AccessGroupRule");
    vec![
        by_offset(read("list_access_groups", to("AccessGroupCollection")))
            .by("account_id", text())
            .by("iam_id", text())
            .by("search", text())
            .by("sort", text()),
        create("create_access_group", to("AccessGroupPrototype"), to("AccessGroup"))
            .by("account_id", text())
            .tagged(),
        read("get_access_group", to("AccessGroup")).tagged(),
        change("update_access_group", to("AccessGroupPatch"), to("AccessGroup")).if_match(),
        act("delete_access_group").by("force", flag()),
        read("get_account_settings", anything()).by("account_id", text()),
        by_offset(read("list_access_group_members", to("AccessGroupMemberCollection")))
            .by("type", word(MemberKind::ALL.iter().map(|k| k.as_str()))),
        act("is_member_of_access_group"),
        several("add_members_to_access_group", anything()).takes(to("AccessGroupMembers")),
        act("remove_member_from_access_group"),
        several("remove_members_from_access_group", anything()).takes(to("AccessGroupLeavers")),
        several("add_member_to_multiple_access_groups", anything())
            .takes(to("AccessGroupJoining"))
            .by("account_id", text()),
        several("remove_member_from_all_access_groups", anything()).by("account_id", text()),
        read("list_access_group_rules", to("AccessGroupRules")),
        create("add_access_group_rule", to("AccessGroupRulePrototype"), rule()).tagged(),
        read("get_access_group_rule", rule()).tagged(),
        change("replace_access_group_rule", to("AccessGroupRulePrototype"), rule()).if_match(),
        act("remove_access_group_rule"),
    ]
}

fn operator() -> Schema {
    word(Operator::ALL.iter().map(|o| o.as_str()))
}

/// What every record of access management has.
fn record() -> Schema {
    anything().and([
        has("id", id()),
        has("created_at", date()),
        has("created_by_id", text()),
        has("last_modified_at", date()),
        has("last_modified_by_id", text()),
    ])
}

pub(super) fn shapes(into: &mut Shapes) {
    first_form(into);
    second_form(into);
    role_shapes(into);
    group_shapes(into);
    rule_shapes(into);
}

fn role_references() -> Schema {
    list(object([has("role_id", text())])).at_most(POLICY_ITEMS_MAX)
}

fn first_form(into: &mut Shapes) {
    let attribute =
        || object([has("name", text()), has("value", text()), may("operator", operator())]);
    let attributes = || list(attribute()).at_most(POLICY_ITEMS_MAX);
    let one = |item: Schema| list(item).at_least(1).at_most(1);
    into.add(
        "PolicyPrototype",
        object([
            has("type", word(PolicyKind::ALL.iter().map(|k| k.as_str()))),
            may("description", text()),
            has("subjects", one(object([may("attributes", attributes())]))),
            has("roles", role_references()),
            has(
                "resources",
                one(object([may("attributes", attributes()), may("tags", attributes())])),
            ),
        ]),
    );
    into.add("PolicyStatePatch", object([has("state", just("active"))]));
    into.add(
        "Policy",
        record().and([
            has("type", text()),
            has("state", text()),
            has("subjects", list(anything())),
            has("roles", list(anything())),
            has("resources", list(anything())),
        ]),
    );
    into.add("PolicyCollection", anything().and([has("policies", list(to("Policy")))]));
}

fn second_form(into: &mut Shapes) {
    let value = || any_of([text(), flag(), list(text()).at_most(POLICY_ITEMS_MAX)]);
    let leaf = || object([has("key", text()), has("operator", operator()), has("value", value())]);
    let attributes = || list(leaf()).at_most(POLICY_ITEMS_MAX);
    let joined = |part: Schema| {
        object([
            has("operator", word(["and", "or"])),
            has("conditions", list(part).at_most(POLICY_ITEMS_MAX)),
        ])
    };
    let rule = any_of([
        leaf().titled("RuleAttribute"),
        joined(any_of([leaf(), joined(leaf())])).titled("RuleWithConditions"),
    ]);
    into.add(
        "V2PolicyPrototype",
        object([
            has("type", word(PolicyKind::ALL.iter().map(|k| k.as_str()))),
            may("description", text()),
            has("subject", object([may("attributes", attributes())])),
            has("resource", object([may("attributes", attributes()), may("tags", attributes())])),
            has("control", object([has("grant", object([has("roles", role_references())]))])),
            may("pattern", text()),
            may("rule", rule),
        ]),
    );
    into.add(
        "V2Policy",
        record().and([
            has("type", text()),
            has("state", text()),
            has("subject", anything()),
            has("resource", anything()),
            has("control", anything()),
        ]),
    );
    into.add("V2PolicyCollection", anything().and([has("policies", list(to("V2Policy")))]));
}

fn role_shapes(into: &mut Shapes) {
    let body = || {
        object([
            has("display_name", text()),
            may("description", text()),
            has("actions", list(text()).at_most(ROLE_ACTIONS_MAX)),
        ])
    };
    into.add("RoleReplacement", body());
    into.add(
        "RolePrototype",
        body().and([has("name", text()), has("account_id", text()), has("service_name", text())]),
    );
    into.add(
        "CustomRole",
        record().and([
            has("name", text()),
            has("crn", text()),
            has("service_name", text()),
            has("display_name", text()),
            has("actions", list(text())),
        ]),
    );
    let roles = || list(anything());
    into.add(
        "RoleCollection",
        object([
            has("custom_roles", roles()),
            has("service_roles", roles()),
            has("system_roles", roles()),
        ]),
    );
}

fn group_shapes(into: &mut Shapes) {
    let group = || object([may("description", text())]);
    into.add("AccessGroupPrototype", group().and([has("name", text())]));
    into.add("AccessGroupPatch", group().and([may("name", text())]));
    into.add(
        "AccessGroup",
        record().and([has("name", text()), has("description", text()), has("account_id", id())]),
    );
    let page = |field: &'static str, item: Schema| {
        anything().and([
            has("limit", count()),
            has("offset", count()),
            has("total_count", count()),
            has(field, list(item)),
        ])
    };
    into.add("AccessGroupCollection", page("groups", to("AccessGroup")));
    into.add("AccessGroupMemberCollection", page("members", anything()));
    let kind = || word(MemberKind::ALL.iter().map(|k| k.as_str()));
    let member = object([has("iam_id", id()), may("type", kind())]);
    into.add(
        "AccessGroupMembers",
        object([has("members", list(member).at_most(ACCESS_ITEMS_MAX))]),
    );
    into.add("AccessGroupLeavers", object([has("members", list(id()).at_most(ACCESS_ITEMS_MAX))]));
    into.add(
        "AccessGroupJoining",
        object([may("type", kind()), has("groups", list(text()).at_most(ACCESS_ITEMS_MAX))]),
    );
}

fn rule_shapes(into: &mut Shapes) {
    let claim = object([has("claim", text()), has("operator", text()), has("value", text())]);
    into.add(
        "AccessGroupRulePrototype",
        object([
            may("name", text()),
            has("expiration", number(1_u64, RULES_MAX_HOURS)),
            has("realm_name", text()),
            has("conditions", list(claim).at_most(ACCESS_ITEMS_MAX)),
        ]),
    );
    into.add(
        "AccessGroupRule",
        record().and([has("expiration", count()), has("conditions", list(anything()))]),
    );
    into.add("AccessGroupRules", object([has("rules", list(to("AccessGroupRule")))]));
}
