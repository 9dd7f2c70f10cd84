//! The schemas of requests say what the parsers do: field by field, limit by limit.

use std::collections::BTreeSet;

use base::{AccountId, PrincipalId, RegionName};
use serde_json::{Map, Value};

use super::{
    Described, Media, Shapes, alternatives,
    mutate::{Verdict, further_mutants},
    operations, sample, shapes,
};
use crate::{
    ApiError, ApiVersion, ErrorCode, Fields, Place, Query,
    request::{self, Asked},
    watch,
};

type Body = fn(&Asked<'_>, &Map<String, Value>) -> Result<(), ApiError>;
type Parameters = fn(&Asked<'_>, &Query) -> Result<(), ApiError>;

macro_rules! bodies {
    ($($name:ident: |$asked:pat_param, $body:pat_param| $parse:expr;)*) => {
        &[$((stringify!($name), |$asked, $body| $parse.map(drop)),)*]
    };
}

/// The parser of each operation that takes a JSON body. Add yours here.
#[rustfmt::skip]
const BODIES: &[(&str, Body)] = bodies! {
    create_image: |a, b| request::image_prototype(a, &Fields::root(b));
    update_image: |a, b| request::image_patch(a, &Fields::root(b));
    create_volume: |a, b| request::volume_prototype(a, &Fields::root(b));
    update_volume: |a, b| request::volume_patch(a, &Fields::root(b));
    create_instance: |a, b| instance(a, b);
    update_instance: |a, b| request::instance_patch(a, &Fields::root(b));
    create_instance_reinitialization: |a, b| request::reinitialization(a, &Fields::root(b));
    create_instance_action: |_, b| request::action_prototype(&Fields::root(b));
    create_instance_console_access_token: |_, b| request::console_access_token(&Fields::root(b));
    create_instance_template: |a, b| template(a, b);
    update_instance_template: |_, b| request::rename(&Fields::root(b));
    create_instance_volume_attachment: |a, b| request::attachment_prototype(a, &Fields::root(b));
    update_instance_volume_attachment: |_, b| request::attachment_patch(&Fields::root(b));
    create_instance_network_interface: |a, b| request::nic_prototype(a, &Fields::root(b));
    update_instance_network_interface: |_, b| request::nic_patch(&Fields::root(b));
    create_key: |a, b| request::key_prototype(a, &Fields::root(b));
    update_key: |_, b| request::rename(&Fields::root(b));
    create_vpc: |a, b| request::vpc_prototype(a, &Fields::root(b));
    update_vpc: |_, b| request::rename(&Fields::root(b));
    create_vpc_address_prefix: |a, b| request::prefix_prototype(a, &Fields::root(b));
    update_vpc_address_prefix: |_, b| request::prefix_patch(&Fields::root(b));
    update_vpc_routing_table: |_, b| request::routing_table_patch(&Fields::root(b));
    create_subnet: |a, b| request::subnet_prototype(a, &Fields::root(b));
    update_subnet: |a, b| request::subnet_patch(a, &Fields::root(b));
    create_subnet_reserved_ip: |a, b| request::reserved_ip_prototype(a, &Fields::root(b));
    create_virtual_network_interface: |a, b| request::vni_prototype(a, &Fields::root(b));
    update_virtual_network_interface: |_, b| request::vni_patch(&Fields::root(b));
    create_instance_network_attachment: |a, b| request::network_attachment_prototype(a, &Fields::root(b));
    update_instance_network_attachment: |_, b| request::network_attachment_patch(&Fields::root(b));
    update_subnet_reserved_ip: |_, b| request::reserved_ip_patch(&Fields::root(b));
    replace_subnet_network_acl: |a, b| request::acl_identity(a, &Fields::root(b));
    replace_subnet_routing_table: |a, b| request::routing_table_identity(a, &Fields::root(b));
    create_floating_ip: |a, b| request::floating_ip_prototype(a, &Fields::root(b));
    update_floating_ip: |a, b| request::floating_ip_patch(a, &Fields::root(b));
    create_public_gateway: |a, b| request::gateway_prototype(a, &Fields::root(b));
    update_public_gateway: |_, b| request::gateway_patch(&Fields::root(b));
    set_subnet_public_gateway: |a, b| request::gateway_identity(a, &Fields::root(b));
    create_security_group: |a, b| request::security_group_prototype(a, &Fields::root(b));
    update_security_group: |_, b| request::rename(&Fields::root(b));
    create_security_group_rule: |a, b| request::security_group_rule_prototype(a, &Fields::root(b));
    update_security_group_rule: |a, b| request::security_group_rule_patch(a, &Fields::root(b));
    create_network_acl: |a, b| request::acl_prototype(a, &Fields::root(b));
    update_network_acl: |_, b| request::rename(&Fields::root(b));
    create_network_acl_rule: |a, b| request::acl_rule_prototype(a, &Fields::root(b));
    update_network_acl_rule: |a, b| request::acl_rule_patch(a, &Fields::root(b));
    create_resource_group: |_, b| request::group_prototype(&Fields::root(b));
    update_resource_group: |_, b| request::group_patch(&Fields::root(b));
    create_policy: |_, b| request::policy_v1(&Fields::root(b));
    replace_policy: |_, b| request::policy_v1(&Fields::root(b));
    update_policy_state: |_, b| request::policy_state(&Fields::root(b));
    create_v2_policy: |_, b| request::policy_v2(&Fields::root(b));
    replace_v2_policy: |_, b| request::policy_v2(&Fields::root(b));
    create_role: |_, b| request::role_prototype(&Fields::root(b));
    replace_role: |_, b| request::role_body(&Fields::root(b));
    create_access_group: |_, b| request::access_group_prototype(&Fields::root(b));
    update_access_group: |_, b| request::access_group_body(&Fields::root(b));
    add_members_to_access_group: |_, b| request::members(&Fields::root(b));
    remove_members_from_access_group: |_, b| request::members_gone(&Fields::root(b));
    add_member_to_multiple_access_groups: |_, b| joining(b);
    add_access_group_rule: |_, b| request::group_rule(&Fields::root(b));
    replace_access_group_rule: |_, b| request::group_rule(&Fields::root(b));
    create_tag: |_, b| request::create_tags(&Query::default(), &Fields::root(b));
    attach_tag: |_, b| request::attach_tags(&Query::default(), &Fields::root(b));
    detach_tag: |_, b| request::detach_tags(&Fields::root(b));
    search: |_, b| request::search(&Query::default(), &Fields::root(b));
    create_api_key: |_, b| request::api_key_prototype(&Fields::root(b));
    update_api_key: |_, b| request::api_key_change(&Fields::root(b));
    create_service_id: |_, b| request::service_id_prototype(&Fields::root(b));
    update_service_id: |_, b| request::principal_change(&Fields::root(b));
    create_profile: |_, b| request::profile_prototype(&Fields::root(b));
    update_profile: |_, b| request::principal_change(&Fields::root(b));
    create_claim_rule: |_, b| request::claim_rule(&Fields::root(b));
    update_claim_rule: |_, b| request::claim_rule(&Fields::root(b));
    create_link: |_, b| request::profile_link(&Fields::root(b));
    set_profile_identities: |_, b| request::profile_identities(&Fields::root(b));
    set_profile_identity: |_, b| request::profile_identity(&Fields::root(b), None);
    invite_users: |_, b| request::user_invitations(&Fields::root(b));
    update_user_profile: |_, b| request::user_change(&Fields::root(b), "Jane Doe");
    create_kms_key: |_, b| request::kms_key_prototype(&Fields::root(b), false);
    create_key_with_policies_overrides: |_, b| request::kms_key_prototype(&Fields::root(b), true);
    patch_key: |_, b| request::kms_key_patch(&Fields::root(b));
    action_on_key: |_, b| request::kms_unwrap(&Fields::root(b)).map(drop).or_else(|_| request::kms_wrap(&Fields::root(b)).map(drop));
    wrap_key: |_, b| request::kms_wrap(&Fields::root(b));
    unwrap_key: |_, b| request::kms_unwrap(&Fields::root(b));
    rewrap_key: |_, b| request::kms_unwrap(&Fields::root(b));
    rotate_key: |_, b| request::kms_rotation(&Fields::root(b));
    put_kms_key_policy: |_, b| request::kms_key_policies(&Fields::root(b));
    put_instance_policy: |_, b| request::kms_instance_policies(&Fields::root(b), None);
    create_resource_instance: |_, b| request::resource_instance_prototype(&Fields::root(b));
    update_resource_instance: |_, b| request::resource_instance_patch(&Fields::root(b));
    ectype_clock_move: |_, b| request::clock_request(&Fields::root(b));
    ectype_fault_create: |_, b| request::fault_request(&Fields::root(b));
};

/// The parser of each list's parameters, besides `limit` and `start`. Add yours here.
#[rustfmt::skip]
const PARAMETERS: &[(&str, Parameters)] = bodies! {
    list_images: |a, q| request::image_list(a, q);
    list_volumes: |a, q| request::volume_list(a, q);
    list_instances: |a, q| request::instance_list(a, q);
    list_keys: |_, q| request::key_list(q);
    list_vpcs: |a, q| request::vpc_list(a, q);
    list_vpc_routing_tables: |_, q| request::is_default(q);
    list_subnets: |a, q| request::subnet_list(a, q);
    list_subnet_reserved_ips: |a, q| request::reserved_ip_list("", a, q);
    list_virtual_network_interfaces: |a, q| request::grouped_list("", a, q);
    list_virtual_network_interface_ips: |_, q| request::ip_sort(q, &["address", "name"]);
    list_floating_ips: |a, q| request::floating_ip_list(a, q);
    list_public_gateways: |a, q| request::grouped_list("", a, q);
    list_security_groups: |a, q| request::security_group_list(a, q);
    list_network_acls: |a, q| request::grouped_list("", a, q);
    list_network_acl_rules: |_, q| request::direction(q);
    list_resource_groups: |_, q| request::resource_group_list(q);
    list_api_keys: |_, q| request::api_key_list(q);
    list_service_ids: |_, q| request::named_list("serviceids", q);
    list_profiles: |_, q| request::named_list("profiles", q);
    list_users: |_, q| request::user_list("users", q);
    list_policies: |_, q| of_account(request::policy_list(q));
    list_v2_policies: |_, q| of_account(request::policy_list(q));
    get_policy: |_, q| request::policy_format(q);
    delete_access_group: |_, q| request::access_group_force(q);
    get_v2_policy: |_, q| request::policy_format(q);
    list_access_groups: |_, q| of_account(request::access_group_list(q));
    create_access_group: |_, q| of_account(request::account_of(q));
    get_account_settings: |_, q| of_account(request::account_of(q));
    list_access_group_members: |_, q| request::member_list(q);
    add_member_to_multiple_access_groups: |_, q| of_account(request::account_of(q));
    remove_member_from_all_access_groups: |_, q| of_account(request::account_of(q));
    get_key_collection_metadata: |_, q| request::kms_key_count(q);
    get_keys: |_, q| request::kms_key_list(q);
    get_key_versions: |_, q| request::kms_versions(q);
    get_registrations: |_, q| request::kms_registrations(q);
    get_registrations_all_keys: |_, q| request::kms_registrations(q);
    list_key_rings: |_, q| request::kms_page(q);
    delete_kms_key: |_, q| request::kms_flag(q, "force");
    delete_key_ring: |_, q| request::kms_flag(q, "force");
    list_resource_instances: |_, q| Ok::<_, ApiError>(request::resource_instance_list(q));
    list_tags: |_, q| request::tag_list(q).and(request::tag_account(q));
    delete_tag: |_, q| request::tag_kind(q).and(request::tag_account(q));
    delete_tag_all: |_, q| request::tag_kind(q).and(request::tag_account(q));
    create_tag: |_, q| {
        let body = object(r#"{"tag_names": ["a:b"]}"#);
        request::create_tags(q, &Fields::root(&body)).and(request::tag_account(q))
    };
    attach_tag: |_, q| {
        let body = object(r#"{"tag_name": "a", "resources": [{"resource_id": "crn"}]}"#);
        request::attach_tags(q, &Fields::root(&body)).and(request::tag_account(q))
    };
    detach_tag: |_, q| request::tag_kind(q).and(request::tag_account(q));
    search: |_, q| request::search(q, &Fields::root(&Map::new()));
};

/// Parameters that are read by `server` itself.
const READ_ELSEWHERE: [&str; 12] = [
    "ectype_image_storage",
    "ectype_instance_console_log",
    "get_api_key",
    "get_api_keys_details",
    "get_service_id",
    "get_profile",
    "list_roles",
    "action_on_key",
    "get_kms_key_policy",
    "put_kms_key_policy",
    "get_instance_policy",
    "put_instance_policy",
];

/// Parameters that IBM's API has and that are refused as not served, so no document has them.
const NOT_SERVED: [&str; 12] = [
    "filter",
    "urlEncodedResourceCRNQuery",
    "preventKeyDeletion",
    "impersonate_user",
    "sort",
    "target.crn",
    "target.id",
    "target.name",
    "target.resource_type",
    "resource_group.id of list_keys",
    "limit",
    "start",
];

/// A call that needs an account; without one it is refused, which is as it must be.
fn of_account<T>(read: Result<T, ApiError>) -> Result<(), ApiError> {
    match read {
        Err(e) if e.code == ErrorCode::MissingRequiredQueryParameter => Ok(()),
        other => other.map(drop),
    }
}

fn joining(body: &Map<String, Value>) -> Result<(), ApiError> {
    let member = PrincipalId::parse("IBMid-1").unwrap();
    request::member_groups(&Fields::root(body), &member).map(drop)
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

fn over(asked: &Asked<'_>, body: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let template = object(
        r#"{"image": {"id": "r006-image"}, "zone": {"name": "us-south-1"},
            "primary_network_interface": {"subnet": {"id": "0717-subnet"}}}"#,
    );
    match request::source_template(asked, &Fields::root(body))? {
        Some(_) => request::over_template(&template, body),
        None => Ok(body.clone()),
    }
}

fn instance(asked: &Asked<'_>, body: &Map<String, Value>) -> Result<(), ApiError> {
    request::instance_prototype(asked, &Fields::root(&over(asked, body)?)).map(drop)
}

fn template(asked: &Asked<'_>, body: &Map<String, Value>) -> Result<(), ApiError> {
    request::template_prototype(asked, &over(asked, body)?).map(drop)
}

fn with_asked(run: impl FnOnce(&Asked<'_>)) {
    let region = RegionName::parse("us-south").unwrap();
    let account = AccountId::parse("0123456789abcdef0123456789abcdef").unwrap();
    let place = Place { region: &region, account: &account, base_url: "http://127.0.0.1:9000" };
    run(&Asked { place, version: ApiVersion::newest(), today: ApiVersion::newest() });
}

/// Every path of fields that a schema has.
fn paths(shapes: &Shapes, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    let schema = shapes.resolve(schema);
    for alternative in alternatives(schema).map_or(&[][..], |(all, _)| all) {
        paths(shapes, alternative, at, found);
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        paths(shapes, schema, &path, found);
        found.insert(path);
    }
    if schema.get("items").is_some() {
        paths(shapes, &schema["items"], &format!("{at}[]"), found);
    }
}

/// The operations with a JSON body, each with its schema and its parser.
fn bodies() -> Vec<(Described, Value, Body)> {
    let json = |described: Described| match described.body.clone() {
        Some((Media::Json, schema, _)) => Some((described, schema)),
        _ => None,
    };
    let parser = |(described, schema): (Described, Value)| {
        let found = BODIES.iter().find(|(name, _)| *name == described.name);
        let (_, parse) = found.unwrap_or_else(|| {
            panic!("{} takes a body: add its parser to BODIES in {}", described.name, file!())
        });
        (described, schema, *parse)
    };
    operations().into_iter().filter_map(json).map(parser).collect()
}

#[test]
fn every_field_that_is_read_is_described_and_every_field_described_is_read() {
    let shapes = shapes();
    with_asked(|asked| {
        for (described, schema, parse) in bodies() {
            let mut wanted = BTreeSet::new();
            paths(&shapes, &schema, "", &mut wanted);
            watch::taken();
            for body in sample::all(&shapes, &schema) {
                let name = described.name;
                parse(asked, body.as_object().unwrap())
                    .unwrap_or_else(|e| panic!("{name} refuses its own sample {body}: {e}"));
            }
            // The same parser may read parameters of the query.
            let parameter = |read: &String| {
                NOT_SERVED.iter().any(|not| not == read)
                    || described.query.iter().any(|parameter| parameter.name == *read)
            };
            let read: BTreeSet<_> = watch::taken()
                .into_iter()
                .filter(|read| wanted.contains(read) || !parameter(read))
                .collect();
            let undescribed: Vec<_> = read.difference(&wanted).collect();
            let unread: Vec<_> = wanted.difference(&read).collect();
            assert!(
                undescribed.is_empty() && unread.is_empty(),
                "{}: the parser reads {undescribed:?}, which its schema in wire/src/schema does \
                 not have; the schema has {unread:?}, which the parser never reads",
                described.name,
            );
        }
    });
}

#[test]
fn every_parameter_that_is_read_is_described_and_the_other_way_round() {
    with_asked(|asked| {
        for described in operations() {
            let wanted: BTreeSet<_> = described
                .query
                .iter()
                .map(|parameter| parameter.name.to_owned())
                .filter(|name| !["limit", "start"].contains(&name.as_str()))
                .collect();
            if wanted.is_empty() || READ_ELSEWHERE.contains(&described.name) {
                continue;
            }
            let name = described.name;
            let found = PARAMETERS.iter().find(|(of, _)| *of == name);
            let (_, parse) = found.unwrap_or_else(|| {
                panic!("{name} has parameters: add its parser to PARAMETERS in {}", file!())
            });
            watch::taken();
            // Service tags need an account, so that parameter is read for them alone.
            for query in ["", "tag_type=service&account_id=a"] {
                let query = Query::parse(query, 100).unwrap();
                let parsed = parse(asked, &query);
                assert!(parsed.is_ok() || name == "create_tag", "{name}: {parsed:?}");
            }
            let mut body = BTreeSet::new();
            if let Some((_, schema, _)) = &described.body {
                paths(&shapes(), schema, "", &mut body);
            }
            let hidden = |read: &String| {
                let own = format!("{read} of {name}");
                let shown = wanted.contains(read);
                let elsewhere = NOT_SERVED.iter().any(|not| *not == read || *not == own);
                !shown && (elsewhere || body.contains(read))
            };
            let read: BTreeSet<_> = watch::taken().into_iter().filter(|r| !hidden(r)).collect();
            assert_eq!(wanted, read, "{name}: described and read, in wire/src/schema");
        }
    });
}

#[test]
fn what_a_schema_forbids_is_refused_and_what_it_allows_is_not() {
    let shapes = shapes();
    let mut judged = 0;
    with_asked(|asked| {
        for (described, schema, parse) in bodies() {
            let samples = sample::all(&shapes, &schema);
            let least = sample::least(&shapes, &schema);
            let mut known = BTreeSet::new();
            for body in samples.iter().chain(&least) {
                for mutant in further_mutants(&shapes, &schema, body, &mut known) {
                    let Value::Object(map) = &mutant.body else { continue };
                    judged += 1;
                    let parsed = parse(asked, map);
                    let (name, what) = (described.name, &mutant.what);
                    match mutant.verdict {
                        Verdict::Accepted => {
                            assert!(parsed.is_ok(), "{name}, {what}: {parsed:?} {}", mutant.body);
                        }
                        Verdict::Refused => {
                            assert!(parsed.is_err(), "{name}, {what} is taken: {}", mutant.body);
                        }
                        Verdict::Either => {}
                    }
                }
            }
        }
    });
    assert!(judged > 10_000, "{judged}");
}

#[test]
fn a_parser_that_nothing_uses_is_taken_out() {
    let all = operations();
    for (name, _) in BODIES {
        assert!(all.iter().any(|o| o.name == *name && o.body.is_some()), "{name} in BODIES");
    }
    for (name, _) in PARAMETERS {
        assert!(all.iter().any(|o| o.name == *name && !o.query.is_empty()), "{name}");
    }
}
