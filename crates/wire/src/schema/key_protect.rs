//! Key Protect, and its instances in the resource controller.

use super::{
    Shapes,
    build::{
        Schema, always, any_of, anything, count, crn, date, flag, has, id, just, list, may, number,
        object, one_of, text, text_up_to, to, word,
    },
    operation::{Described, Media, act, begin, change, create, read},
};
use crate::{
    request::{
        AAD_BYTES_MAX, AAD_ITEMS_MAX, ALIAS_BYTES_MAX, CIPHERTEXT_BYTES_MAX,
        INSTANCE_NAME_BYTES_MAX, INSTANCE_POLICIES, KEY_TYPE, KEYS_PAGE_DEFAULT, KEYS_PAGE_MAX,
        KMS_DESCRIPTION_BYTES_MAX, KMS_NAME_BYTES_MAX, MONTHS_MAX, OFFSET_MAX, PAYLOAD_BYTES_MAX,
        PLAINTEXT_BYTES_MAX, POLICIES_MAX, POLICY_TYPE, RING_BYTES_MAX, sorted_by,
    },
    response::{ACTION_TYPE, ALIAS_TYPE, REGISTRATION_TYPE, RING_TYPE},
};

const KEYS: Media = Media::Kms(KEY_TYPE);
const POLICIES: Media = Media::Kms(POLICY_TYPE);
const ACTIONS: Media = Media::Kms(ACTION_TYPE);

pub(super) fn operations() -> Vec<Described> {
    let mut found = keys();
    found.extend(actions());
    found.extend(others());
    found.extend(instances());
    found
}

fn paged(described: Described) -> Described {
    described
        .by("limit", number(1_u32, KEYS_PAGE_MAX).usually(KEYS_PAGE_DEFAULT))
        .by("offset", number(0_u32, OFFSET_MAX).usually(0))
        .by("totalCount", flag().usually(false))
}

fn keys() -> Vec<Described> {
    let chosen = |described: Described| {
        described.by("state", list(word(["0", "1", "2", "3", "5"]))).by("extractable", flag())
    };
    let gone = |name| {
        let mut described = read(name, to("KmsKeys")).in_media(KEYS);
        described.answers.push((204, None));
        described.may_conflict()
    };
    vec![
        chosen(read("get_key_collection_metadata", text()).empty())
            .about("The number of keys, in the header `Key-Total`."),
        chosen(read("get_keys", to("KmsKeys")).in_media(KEYS))
            .by("limit", number(0_u32, KEYS_PAGE_MAX).usually(KEYS_PAGE_DEFAULT))
            .by("offset", number(0_u32, OFFSET_MAX).usually(0))
            .by("search", text())
            .by("sort", list(word(sorted_by())).about("With `-` before it: the largest first.")),
        create("create_kms_key", to("KmsKeysPrototype"), to("KmsKeys"))
            .in_media(KEYS)
            .about("IBM's `create_key` of Key Protect."),
        create(
            "create_key_with_policies_overrides",
            to("KmsKeysWithPoliciesPrototype"),
            to("KmsKeys"),
        )
        .in_media(KEYS),
        read("get_kms_key", to("KmsKeys")).in_media(KEYS).about("IBM's `get_key` of Key Protect."),
        read("get_key_metadata", to("KmsKeys")).in_media(KEYS),
        paged(read("get_key_versions", to("KmsVersions")).in_media(KEYS))
            .by("allKeyStates", flag().usually(false)),
        change("patch_key", to("KmsKeyPatch"), to("KmsKeys")).in_media(KEYS),
        gone("delete_kms_key").by("force", flag().usually(false)),
        gone("purge_key"),
        begin("restore_key", None).answered(201, to("KmsKeys")).in_media(KEYS),
    ]
}

fn actions() -> Vec<Described> {
    let unwrap = |name, answer| change(name, to("KmsUnwrap"), to(answer)).in_media(ACTIONS);
    let mut any = change("action_on_key", any_of([to("KmsWrap"), to("KmsUnwrap")]), anything())
        .in_media(ACTIONS)
        .or_nothing()
        .by(
            "action",
            word([
                "wrap",
                "unwrap",
                "rewrap",
                "rotate",
                "disable",
                "enable",
                "restore",
                "setKeyForDeletion",
                "unsetKeyForDeletion",
            ]),
        )
        .about(
            "The older way to the actions: their bodies and answers are those of the newer one.",
        );
    any.answers.extend([(201, Some(to("KmsKeys").into())), (204, None)]);
    vec![
        any,
        change("wrap_key", to("KmsWrap"), to("KmsWrapped")).in_media(ACTIONS).or_nothing(),
        unwrap("unwrap_key", "KmsUnwrapped"),
        unwrap("rewrap_key", "KmsRewrapped"),
        act("rotate_key").takes(to("KmsRotate")).or_nothing(),
        act("set_key_for_deletion"),
        act("unset_key_for_deletion"),
        act("enable_key"),
        act("disable_key"),
        act("sync_associated_resources"),
    ]
}

fn others() -> Vec<Described> {
    let registrations =
        |name| paged(read(name, to("KmsRegistrations")).in_media(Media::Kms(REGISTRATION_TYPE)));
    let policy = |described: Described, names: &[&'static str]| {
        described.by("policy", word(names.iter().copied()))
    };
    let of_key = ["dualAuthDelete", "rotation"];
    vec![
        policy(read("get_kms_key_policy", to("KmsKeyPolicies")).in_media(POLICIES), &of_key),
        policy(
            change("put_kms_key_policy", to("KmsKeyPoliciesPrototype"), to("KmsKeyPolicies"))
                .in_media(POLICIES),
            &of_key,
        ),
        policy(
            read("get_instance_policy", to("KmsInstancePolicies")).in_media(POLICIES),
            &INSTANCE_POLICIES,
        ),
        policy(
            act("put_instance_policy").takes(to("KmsInstancePoliciesPrototype")),
            &INSTANCE_POLICIES,
        ),
        registrations("get_registrations"),
        registrations("get_registrations_all_keys"),
        begin("create_key_alias", None)
            .answered(201, to("KmsAliases"))
            .in_media(Media::Kms(ALIAS_TYPE)),
        act("delete_key_alias"),
        paged(read("list_key_rings", to("KmsRings")).in_media(Media::Kms(RING_TYPE))),
        begin("create_key_ring", None).answered(201, text()).empty(),
        act("delete_key_ring").by("force", flag().usually(false)),
    ]
}

fn instances() -> Vec<Described> {
    vec![
        read("list_resource_instances", to("ResourceInstancesList"))
            .by("guid", text())
            .by("name", text())
            .by("resource_group_id", text())
            .by("resource_id", text())
            .by("resource_plan_id", text()),
        create("create_resource_instance", to("ResourceInstancePrototype"), to("ResourceInstance"))
            .about("Instances of Key Protect: their plan is `tiered-pricing`, by its name or id."),
        read("get_resource_instance", to("ResourceInstance")),
        change("update_resource_instance", to("ResourceInstancePatch"), to("ResourceInstance")),
        act("delete_resource_instance"),
    ]
}

fn metadata(media: &str) -> Schema {
    object([may("collectionType", just(media)), may("collectionTotal", number(1_u32, 1_u32))])
}

fn base64(bytes_max: usize) -> Schema {
    text_up_to(bytes_max)
        .fits("^[A-Za-z0-9+/]+={0,2}$")
        .like("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
}

fn rotation() -> Schema {
    object([may("enabled", flag().like(true)), has("interval_month", number(1_u32, MONTHS_MAX))])
}

fn enabled() -> Schema {
    object([has("enabled", flag())])
}

pub(super) fn shapes(into: &mut Shapes) {
    requests(into);
    policy_requests(into);
    answers(into);
    small_answers(into);
    resource_controller(into);
}

fn requests(into: &mut Shapes) {
    let resource = || {
        object([
            may("type", just(KEY_TYPE)),
            has("name", text_up_to(KMS_NAME_BYTES_MAX).fits("[^ ]").like("my key")),
            may("description", text_up_to(KMS_DESCRIPTION_BYTES_MAX)),
            may("extractable", flag().usually(true).about("False for a root key.")),
            may("payload", base64(PAYLOAD_BYTES_MAX)),
            may("expirationDate", date()),
            may("aliases", list(alias()).at_most(5)),
        ])
    };
    let body = |resource: Schema| {
        object([
            may("metadata", metadata(KEY_TYPE)),
            has("resources", list(resource).at_least(1).at_most(1)),
        ])
    };
    into.add("KmsKeysPrototype", body(resource()));
    let policies = [may("dualAuthDelete", enabled()), may("rotation", rotation())];
    into.add("KmsKeysWithPoliciesPrototype", body(resource().and(policies)));
    into.add("KmsKeyPatch", object([has("keyRingID", ring())]));
    let aad = || list(text_up_to(AAD_BYTES_MAX)).at_most(AAD_ITEMS_MAX);
    into.add("KmsWrap", object([may("plaintext", base64(PLAINTEXT_BYTES_MAX)), may("aad", aad())]));
    into.add(
        "KmsUnwrap",
        object([has("ciphertext", base64(CIPHERTEXT_BYTES_MAX)), may("aad", aad())]),
    );
    into.add("KmsRotate", object([may("payload", base64(PAYLOAD_BYTES_MAX))]));
}

fn alias() -> Schema {
    text_up_to(ALIAS_BYTES_MAX).fits("^[-_A-Za-z0-9]{2,}$").like("my-alias")
}

fn ring() -> Schema {
    text_up_to(RING_BYTES_MAX).fits("^[-A-Za-z0-9]{2,}$").like("my-ring")
}

fn policy_requests(into: &mut Shapes) {
    let policy = |name, schema| object([may("type", just(POLICY_TYPE)), has(name, schema)]);
    let of_key = one_of([
        policy("dualAuthDelete", enabled()).titled("KmsKeyPolicyDualAuthDeletePrototype"),
        policy("rotation", rotation()).titled("KmsKeyPolicyRotationPrototype"),
    ]);
    into.add(
        "KmsKeyPoliciesPrototype",
        object([
            may("metadata", metadata(POLICY_TYPE)),
            has("resources", list(of_key).at_least(1).at_most(POLICIES_MAX)),
        ]),
    );
    let attributes = object([
        may("interval_month", number(1_u32, MONTHS_MAX)),
        may("allowed_network", just("public-and-private")),
        may("create_root_key", flag()),
        may("create_standard_key", flag()),
        may("import_root_key", flag()),
        may("import_standard_key", flag()),
        may("enforce_token", flag()),
    ]);
    let months = object([has("interval_month", number(1_u32, MONTHS_MAX))]);
    let of =
        |kind: Schema, data: Schema| object([has("policy_type", kind), has("policy_data", data)]);
    let of_instance = one_of([
        of(just("rotation"), object([has("enabled", always(true)), has("attributes", months)]))
            .titled("KmsInstancePolicyRotation"),
        of(just("rotation"), object([has("enabled", always(false))]))
            .titled("KmsInstancePolicyNoRotation"),
        of(
            word(["dualAuthDelete", "keyCreateImportAccess", "allowedNetwork"]),
            object([has("enabled", flag()), may("attributes", attributes)]),
        )
        .titled("KmsInstancePolicyOther"),
    ]);
    into.add(
        "KmsInstancePoliciesPrototype",
        object([
            may("metadata", metadata(POLICY_TYPE)),
            has("resources", list(of_instance).at_least(1).at_most(POLICIES_MAX)),
        ]),
    );
}

fn collection(media: &str, item: Schema) -> Schema {
    let metadata = object([
        has("collectionType", just(media)),
        has("collectionTotal", count()),
        may("totalCount", count()),
    ]);
    object([has("metadata", metadata), has("resources", list(item))])
}

fn version() -> Schema {
    object([has("id", id()), has("creationDate", date())])
}

fn answers(into: &mut Shapes) {
    let dual = object([
        has("enabled", flag()),
        may("keySetForDeletion", flag()),
        may("authExpiration", date()),
    ]);
    let algorithm = object([has("bitLength", text()), has("mode", text())]);
    let key = object([
        may("type", just(KEY_TYPE)),
        has("id", id()),
        may("name", text()),
        may("description", text()),
        may("aliases", list(text())),
        may("state", number(1_u32, 5_u32)),
        may("extractable", flag()),
        may("crn", crn()),
        may("imported", flag()),
        may("keyRingID", text()),
        may("creationDate", date()),
        may("createdBy", text()),
        may("algorithmType", text()),
        may("algorithmMetadata", algorithm),
        may("algorithmBitSize", count()),
        may("algorithmMode", text()),
        may("lastUpdateDate", date()),
        may("lastRotateDate", date()),
        may("expirationDate", date()),
        may("keyVersion", version()),
        may("dualAuthDelete", dual),
        may("rotation", rotation()),
        may("deleted", flag()),
        may("deletionDate", date()),
        may("deletedBy", text()),
        may("restoreExpirationDate", date()),
        may("restoreAllowed", flag()),
        may("purgeAllowedFrom", date()),
        may("purgeAllowed", flag()),
        may("purgeScheduledOn", date()),
        may("nonactiveStateReason", count()),
        may("payload", text()),
    ]);
    into.add("KmsKey", key);
    into.add("KmsKeys", collection(KEY_TYPE, to("KmsKey")));
    into.add("KmsVersions", collection(KEY_TYPE, version()));
    let by = || object([has("id", id())]);
    into.add(
        "KmsWrapped",
        object([
            has("ciphertext", text()),
            has("keyVersion", by()),
            may("plaintext", text().about("Only when the bytes were made here.")),
        ]),
    );
    into.add(
        "KmsUnwrapped",
        object([
            has("plaintext", text()),
            has("keyVersion", by()),
            may("ciphertext", text()),
            may("rewrappedKeyVersion", by()),
        ]),
    );
    into.add(
        "KmsRewrapped",
        object([
            has("ciphertext", text()),
            has("keyVersion", by()),
            has("rewrappedKeyVersion", by()),
        ]),
    );
}

fn small_answers(into: &mut Shapes) {
    let policy = object([
        has("type", just(POLICY_TYPE)),
        has("id", id()),
        has("crn", crn()),
        has("createdBy", text()),
        has("creationDate", date()),
        has("updatedBy", text()),
        has("lastUpdateDate", date()),
        may("dualAuthDelete", enabled()),
        may("rotation", rotation()),
    ]);
    into.add("KmsKeyPolicies", collection(POLICY_TYPE, policy));
    let data = object([has("enabled", flag()), may("attributes", anything())]);
    let policy = object([
        has("policy_type", text()),
        has("policy_data", data),
        has("createdBy", text()),
        has("creationDate", date()),
        has("updatedBy", text()),
        has("lastUpdated", date()),
    ]);
    into.add("KmsInstancePolicies", collection(POLICY_TYPE, policy));
    let registration = object([
        has("keyId", id()),
        has("keyName", text()),
        has("resourceCrn", crn()),
        has("createdBy", text()),
        has("creationDate", date()),
        has("updatedBy", text()),
        has("lastUpdated", date()),
        has("description", text()),
        has("preventKeyDeletion", flag()),
        has("keyVersion", version()),
    ]);
    into.add("KmsRegistrations", collection(REGISTRATION_TYPE, registration));
    let alias = object([
        has("keyId", id()),
        has("alias", text()),
        has("creationDate", date()),
        has("createdBy", text()),
    ]);
    into.add("KmsAliases", collection(ALIAS_TYPE, alias));
    let ring = object([has("id", text()), has("creationDate", date()), has("createdBy", text())]);
    into.add("KmsRings", collection(RING_TYPE, ring));
}

fn resource_controller(into: &mut Shapes) {
    let name = || text_up_to(INSTANCE_NAME_BYTES_MAX).fits("[^ ]").like("my keys");
    into.add(
        "ResourceInstancePrototype",
        object([
            has("name", name()),
            has("resource_group", text()),
            has("resource_plan_id", text()),
            has("target", text()),
        ]),
    );
    into.add("ResourceInstancePatch", object([may("name", name())]));
    let endpoints = object([has("private", text()), has("public", text())]);
    let operation = object([
        has("type", text()),
        has("state", text()),
        has("async", flag()),
        has("description", text()),
    ]);
    into.add(
        "ResourceInstance",
        object([
            has("id", crn()),
            has("guid", id()),
            has("url", text()),
            has("created_at", date()),
            has("updated_at", date()),
            has("created_by", text()),
            has("name", text()),
            has("region_id", text()),
            has("account_id", id()),
            has("resource_plan_id", text()),
            has("resource_group_id", id()),
            has("resource_group_crn", crn()),
            has("target_crn", crn()),
            has("parameters", anything()),
            has("allow_cleanup", flag()),
            has("crn", crn()),
            has("state", just("active")),
            has("type", just("service_instance")),
            has("sub_type", just("kms")),
            has("resource_id", text()),
            has("last_operation", operation),
            has("resource_aliases_url", text()),
            has("resource_bindings_url", text()),
            has("resource_keys_url", text()),
            has("plan_history", list(anything())),
            has("migrated", flag()),
            has("extensions", object([has("endpoints", endpoints)])),
            has("locked", flag()),
        ]),
    );
    into.add(
        "ResourceInstancesList",
        object([
            has("next_url", text().or_null()),
            has("resources", list(to("ResourceInstance"))),
            has("rows_count", count()),
        ]),
    );
}
