//! API keys, service IDs, trusted profiles, and the users of an account.

use model::WhenLeaked;

use super::{
    Schema, Shapes,
    build::{
        Field, count, crn, date, flag, has, href, id, just, list, may, none_yet, number, object,
        one_of, text, text_up_to, to, word,
    },
    operation::{Described, act, begin, change, create, read},
};
use crate::request::{
    DESCRIPTION_BYTES_MAX, EMAIL_BYTES_MAX, ENTRIES_MAX, EXPIRATION_MAX, IDENTIFIER_BYTES_MAX,
    KEY_BYTES, NAME_BYTES_MAX, NAME_PART_BYTES_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX,
};

const CRN: &str = "crn:v1:bluemix:public:is:us-south:a/0123456789abcdef0123456789abcdef::\
                   instance:0717_6a3cf4b2-17b3-4dbb-8a1e-0c3a6e1b5a01";

fn paged(name: &'static str, collection: &str) -> Described {
    read(name, to(collection))
        .by("account_id", text())
        .by("order", word(["asc"]))
        .by("pagesize", number(1_u64, PAGE_SIZE_MAX).usually(PAGE_SIZE_DEFAULT))
        .by("pagetoken", text())
}

fn with_history(described: Described) -> Described {
    described.by("include_history", flag()).tagged()
}

pub(super) fn operations() -> Vec<Described> {
    let mut all = vec![
        paged("list_api_keys", "APIKeyList")
            .by("iam_id", id())
            .by("scope", word(["entity", "account"]))
            .by("type", word(["user", "serviceid"])),
        create("create_api_key", to("APIKeyPrototype"), to("APIKey"))
            .tagged()
            .about("The only answer that has the key itself."),
        with_history(read("get_api_keys_details", to("APIKey")))
            .about("Of the key in the header `IAM-ApiKey`."),
        with_history(read("get_api_key", to("APIKey"))),
        change("update_api_key", to("APIKeyChange"), to("APIKey")).if_match(),
        act("delete_api_key"),
        act("lock_api_key"),
        act("unlock_api_key"),
        act("disable_api_key"),
        act("enable_api_key"),
        read("ectype_api_key_rotate", to("APIKey"))
            .tagged()
            .about("Gives the key another text, which only this answer has; the one before ends."),
        paged("list_service_ids", "ServiceIDList").by("name", text()),
        create("create_service_id", to("ServiceIDPrototype"), to("ServiceID")).tagged(),
        with_history(read("get_service_id", to("ServiceID"))),
        change("update_service_id", to("IdentityChange"), to("ServiceID")).if_match(),
        act("delete_service_id"),
        read("lock_service_id", to("ServiceID")).tagged(),
        read("unlock_service_id", to("ServiceID")).tagged(),
    ];
    all.extend(profiles());
    all.extend([
        read("list_users", to("UserList"))
            .by("_start", text())
            .by("limit", number(1_u64, PAGE_SIZE_MAX))
            .by("search", text().about("`email:ADDRESS`.")),
        begin("invite_users", Some(to("InvitedUsers"))).takes(to("UserInvitations")),
        read("get_user_profile", to("User")),
        act("update_user_profile").takes(to("UserChange")),
        act("remove_user"),
    ]);
    all
}

fn profiles() -> Vec<Described> {
    vec![
        paged("list_profiles", "TrustedProfileList").by("name", text()),
        create("create_profile", to("TrustedProfilePrototype"), to("TrustedProfile")).tagged(),
        with_history(read("get_profile", to("TrustedProfile"))),
        change("update_profile", to("IdentityChange"), to("TrustedProfile")).if_match(),
        act("delete_profile"),
        read("list_claim_rules", object([has("rules", list(to("ProfileClaimRule")))])),
        create("create_claim_rule", to("ProfileClaimRuleRequest"), to("ProfileClaimRule")),
        read("get_claim_rule", to("ProfileClaimRule")),
        change("update_claim_rule", to("ProfileClaimRuleRequest"), to("ProfileClaimRule"))
            .if_match(),
        act("delete_claim_rule"),
        read("list_links", object([has("links", list(to("ProfileLink")))])),
        create("create_link", to("ProfileLinkRequest"), to("ProfileLink")),
        read("get_link", to("ProfileLink")),
        act("delete_link"),
        read("get_profile_identities", to("ProfileIdentities")).tagged(),
        change("set_profile_identities", to("ProfileIdentitiesRequest"), to("ProfileIdentities"))
            .if_match(),
        change("set_profile_identity", to("ProfileIdentityRequest"), to("ProfileIdentity")),
        read("get_profile_identity", to("ProfileIdentity")),
        act("delete_profile_identity"),
    ]
}

fn name() -> Schema {
    text_up_to(NAME_BYTES_MAX).like("my name")
}

fn description() -> Schema {
    text_up_to(DESCRIPTION_BYTES_MAX)
}

fn email() -> Schema {
    text_up_to(EMAIL_BYTES_MAX).like("jane@example.com")
}

fn when_leaked() -> Schema {
    word(WhenLeaked::ALL.iter().map(|w| w.as_str()))
}

fn crns() -> Schema {
    list(text().like(CRN)).at_most(ENTRIES_MAX)
}

/// Fields of an API key that is to be made.
fn key_fields() -> Vec<Field> {
    let chosen = text_up_to(*KEY_BYTES.end()).like("0123456789-0123456789-0123456789-0123456789");
    vec![
        has("name", name()),
        may("action_when_leaked", when_leaked()),
        may("apikey", chosen.about("A key of your own, 32 bytes or longer; else one is made.")),
        may("description", description()),
        may("expires_at", date()),
        may("support_sessions", flag()),
    ]
}

/// Fields of every answer about an API key, a service ID or a profile.
fn answered() -> Vec<Field> {
    vec![
        has("account_id", id()),
        has("activity", to("IdentityActivity")),
        has("created_at", date()),
        has("crn", crn()),
        may("description", text()),
        has("entity_tag", text()),
        may("history", list(to("IdentityHistoryRecord"))),
        has("iam_id", id()),
        has("id", id()),
        has("modified_at", date()),
        has("name", text()),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    requests(into);
    part_requests(into);
    answers(into);
    part_answers(into);
    users(into);
}

fn requests(into: &mut Shapes) {
    let owner = [has("iam_id", id()), may("account_id", text())];
    into.add("APIKeyPrototype", object(key_fields()).and(owner));
    into.add(
        "APIKeyChange",
        object([
            may("action_when_leaked", when_leaked()),
            may("description", description()),
            may("expires_at", one_of([date(), just("")]).about("Empty for no end.")),
            may("name", name()),
            may("support_sessions", flag()),
        ]),
    );
    into.add(
        "ServiceIDPrototype",
        object([
            has("account_id", text()),
            may("apikey", object(key_fields())),
            may("description", description()),
            has("name", name()),
            may("unique_instance_crns", crns()),
        ]),
    );
    into.add(
        "TrustedProfilePrototype",
        object([
            has("account_id", text()),
            may("description", description()),
            may("email", email()),
            has("name", name()),
        ]),
    );
    into.add(
        "IdentityChange",
        object([
            may("description", description()),
            may("email", email()),
            may("name", name()),
            may("unique_instance_crns", crns()),
        ]),
    );
}

fn condition() -> Schema {
    object([
        has("claim", text()),
        has(
            "operator",
            word([
                "EQUALS",
                "NOT_EQUALS",
                "EQUALS_IGNORE_CASE",
                "NOT_EQUALS_IGNORE_CASE",
                "CONTAINS",
                "IN",
            ]),
        ),
        has("value", text()),
    ])
}

fn part_requests(into: &mut Shapes) {
    let short = || text_up_to(NAME_BYTES_MAX);
    into.add(
        "ProfileClaimRuleRequest",
        object([
            has("conditions", list(condition()).at_most(ENTRIES_MAX)),
            may("cr_type", short()),
            may("expiration", number(1_u64, EXPIRATION_MAX).about("Seconds.")),
            may("name", name()),
            may("realm_name", short()),
            has("type", word(["Profile-SAML", "Profile-CR"])),
        ]),
    );
    let link = object([
        has("crn", text().like(CRN)),
        may("component_name", short()),
        may("component_type", short()),
        may("name", short()),
        may("namespace", short()),
    ]);
    into.add(
        "ProfileLinkRequest",
        object([has("cr_type", short()), has("link", link), may("name", name())]),
    );
    let of = |kind: &str, example: &str| {
        object([
            may("description", description()),
            has("identifier", text_up_to(IDENTIFIER_BYTES_MAX).like(example)),
            has("type", just(kind)),
        ])
    };
    let accounts = list(text()).at_most(ENTRIES_MAX);
    into.add(
        "ProfileIdentityRequest",
        one_of([
            of("user", "IBMid-0123456789").and([may("accounts", accounts)]).titled("User"),
            of("serviceid", "ServiceId-6a3cf4b2-17b3-4dbb-8a1e-0c3a6e1b5a01").titled("ServiceID"),
            of("crn", CRN).titled("CRN"),
        ]),
    );
    let all = list(to("ProfileIdentityRequest")).at_most(ENTRIES_MAX);
    into.add("ProfileIdentitiesRequest", object([has("identities", all)]));
}

fn answers(into: &mut Shapes) {
    into.add("IdentityActivity", object([has("authn_count", count()), may("last_authn", date())]));
    into.add(
        "IdentityHistoryRecord",
        object([
            has("action", text()),
            has("iam_id", id()),
            has("iam_id_account", id()),
            has("message", text()),
            has("params", none_yet()),
            has("timestamp", date()),
        ]),
    );
    into.add(
        "APIKey",
        object(answered()).and([
            has("action_when_leaked", when_leaked()),
            has("apikey", text().about("The key itself, when it is made or rotated; else empty.")),
            has("created_by", id()),
            has("disabled", flag()),
            may("expires_at", date()),
            has("locked", flag()),
            has("support_sessions", flag()),
        ]),
    );
    into.add(
        "ServiceID",
        object(answered()).and([
            may("apikey", to("APIKey")),
            has("locked", flag()),
            has("unique_instance_crns", list(text())),
        ]),
    );
    into.add("TrustedProfile", object(answered()).and([may("email", text())]));
    for (name, item, items) in [
        ("APIKeyList", "APIKey", "apikeys"),
        ("ServiceIDList", "ServiceID", "serviceids"),
        ("TrustedProfileList", "TrustedProfile", "profiles"),
    ] {
        into.add(
            name,
            object([
                has("first", href()),
                has(items, list(to(item))),
                has("limit", count()),
                may("next", href()),
                has("offset", count()),
            ]),
        );
    }
}

fn part_answers(into: &mut Shapes) {
    let part = || {
        object([
            has("created_at", date()),
            has("entity_tag", text()),
            has("id", text()),
            has("modified_at", date()),
            may("name", text()),
        ])
    };
    into.add(
        "ProfileClaimRule",
        part().and([
            has("conditions", list(condition())),
            may("cr_type", text()),
            has("expiration", count()),
            may("realm_name", text()),
            has("type", text()),
        ]),
    );
    let link = object([
        has("crn", text()),
        may("component_name", text()),
        may("component_type", text()),
        may("name", text()),
        may("namespace", text()),
    ]);
    into.add("ProfileLink", part().and([has("cr_type", text()), has("link", link)]));
    into.add(
        "ProfileIdentity",
        object([
            may("accounts", list(text())),
            may("description", text()),
            has("iam_id", text()),
            has("identifier", text()),
            has("type", text()),
        ]),
    );
    into.add(
        "ProfileIdentities",
        object([has("entity_tag", text()), has("identities", list(to("ProfileIdentity")))]),
    );
}

fn users(into: &mut Shapes) {
    let invited = object([has("email", email())]);
    into.add("UserInvitations", object([has("users", list(invited).at_most(ENTRIES_MAX))]));
    let part = || text_up_to(NAME_PART_BYTES_MAX);
    into.add(
        "UserChange",
        object([may("email", email()), may("firstname", part()), may("lastname", part())]),
    );
    let texts = ["altphonenumber", "email", "firstname", "lastname", "phonenumber", "photo"];
    into.add(
        "User",
        object([
            has("account_id", id()),
            has("added_on", date()),
            has("iam_id", id()),
            has("id", id()),
            has("realm", just("IBMid")),
            has("state", just("ACTIVE")),
            has("user_id", text()),
        ])
        .and(texts.map(|name| has(name, text()))),
    );
    into.add(
        "UserList",
        object([
            has("first_url", text()),
            has("limit", count()),
            may("next_url", text()),
            has("resources", list(to("User"))),
            has("total_results", count()),
        ]),
    );
    let invited = object([has("email", text()), has("id", id()), has("state", just("ACTIVE"))]);
    into.add("InvitedUsers", object([has("resources", list(invited))]));
}
