use base::{SeededEntropy, VolumeId};
use serde_json::{Map, Value, json};

use super::*;

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
const BASE: &str = "http://127.0.0.1:9000";

fn ask<T>(value: Value, read: impl FnOnce(&Place<'_>, &Fields<'_>) -> T) -> T {
    let region = RegionName::parse("us-south").unwrap();
    let account = AccountId::parse(ACCOUNT).unwrap();
    let place = Place { region: &region, account: &account, base_url: BASE };
    let map = Map::from_iter([("v".to_owned(), value)]);
    let f = Fields::root(&map).object("v").unwrap().unwrap();
    read(&place, &f)
}

fn volume(value: Value) -> Result<Named<VolumeId>, ErrorCode> {
    ask(value, |place, f| place.named(Kind::VOLUME, f)).map_err(|e| e.code)
}

fn here() -> Result<Named<VolumeId>, ErrorCode> {
    Ok(Named::Here(VolumeId::parse("r006-1").unwrap()))
}

#[test]
fn id_crn_and_href_name_the_same_volume() {
    for region_or_zone in ["us-south", "us-south-1"] {
        let crn = format!("crn:v1:bluemix:public:is:{region_or_zone}:a/{ACCOUNT}::volume:r006-1");
        assert_eq!(volume(json!({"crn": crn})), here());
    }
    assert_eq!(volume(json!({"id": "r006-1"})), here());
    for host in [BASE, "http://localhost:9000", "https://us-south.iaas.cloud.ibm.com"] {
        assert_eq!(volume(json!({"href": format!("{host}/v1/volumes/r006-1")})), here(), "{host}");
    }
}

/// S13: another region's CRN or href is told apart from one that is not there.
#[test]
fn a_crn_or_href_of_another_region_is_elsewhere() {
    for elsewhere in [
        json!({"crn": format!("crn:v1:bluemix:public:is:eu-de-1:a/{ACCOUNT}::volume:r010-1")}),
        json!({"href": "https://eu-de.iaas.cloud.ibm.com/v1/volumes/r010-1"}),
        json!({"href": "http://127.0.0.1:9001/v1/volumes/r014-1"}),
    ] {
        assert!(matches!(volume(elsewhere), Ok(Named::Elsewhere(_))));
    }
}

#[test]
fn exactly_one_of_the_three_is_needed() {
    assert_eq!(volume(json!({})), Err(ErrorCode::ValidationRequiredField));
    assert_eq!(volume(json!({"name": "x"})), Err(ErrorCode::ValidationRequiredField));
    let two = json!({"id": "r006-1", "href": format!("{BASE}/v1/volumes/r006-1")});
    assert_eq!(volume(two), Err(ErrorCode::ValidationOnlyOne));
}

#[test]
fn malformed_identities_are_refused() {
    assert_eq!(volume(json!({"id": "a b"})), Err(ErrorCode::InvalidIdFormat));
    assert_eq!(volume(json!({"id": 7})), Err(ErrorCode::ValidationInvalidFieldType));
    assert_eq!(volume(json!({"crn": "crn"})), Err(ErrorCode::InvalidValue));
    assert_eq!(volume(json!({"crn": "a".repeat(513)})), Err(ErrorCode::ValidationMaxValue));
    let image = format!("crn:v1:bluemix:public:is:us-south:a/{ACCOUNT}::image:r006-1");
    assert_eq!(volume(json!({"crn": image})), Err(ErrorCode::InvalidValue));
    for href in [
        "/v1/volumes/r006-1",
        "ftp://127.0.0.1:9000/v1/volumes/r006-1",
        "http://127.0.0.1:9000/v1/images/r006-1",
        "http://127.0.0.1:9000/v1/volumes/r006-1/x",
        "http://127.0.0.1:9000/v1/volumes/r006-1?a=1",
        "http://127.0.0.1:9000/v2/volumes/r006-1",
    ] {
        assert_eq!(volume(json!({"href": href})), Err(ErrorCode::InvalidValue), "{href}");
    }
}

#[test]
fn a_crn_of_another_account_names_nothing() {
    let crn =
        "crn:v1:bluemix:public:is:us-south-1:a/ffffffffffffffffffffffffffffffff::volume:r006-1";
    assert_eq!(volume(json!({"crn": crn})), Err(ErrorCode::BadField));
}

#[test]
fn zones_and_profiles_go_by_name_or_href() {
    let zone = |value| ask(json!({"zone": value}), |p, f| p.zone(f)).map_err(|e| e.code);
    let second = RegionName::parse("us-south").unwrap().zone("us-south-2");
    assert_eq!(zone(json!({"name": "us-south-2"})), Ok(second.clone()));
    let href = format!("{BASE}/v1/regions/us-south/zones/us-south-2");
    assert_eq!(zone(json!({"href": href})), Ok(second));
    assert_eq!(zone(json!({"name": "eu-de-1"})), Err(ErrorCode::BadField));
    assert_eq!(zone(json!({"href": format!("{BASE}/v1/zones/1")})), Err(ErrorCode::InvalidValue));
}

#[test]
fn keys_go_by_fingerprint_too() {
    let key = |value| ask(value, |p, f| p.key(f)).map_err(|e| e.code);
    assert_eq!(
        key(json!({"fingerprint": "SHA256:x"})),
        Ok(KeyIdentity::Fingerprint("SHA256:x".to_owned()))
    );
    assert!(matches!(key(json!({"id": "r006-1"})), Ok(KeyIdentity::Id(_))));
    let both = json!({"id": "r006-1", "fingerprint": "SHA256:x"});
    assert_eq!(key(both), Err(ErrorCode::ValidationOnlyOne));
}

#[test]
fn any_text_names_something_or_is_an_error() {
    let entropy = SeededEntropy::new(3);
    let parts = [
        "crn",
        ":",
        "v1",
        "bluemix",
        "public",
        "is",
        "us-south",
        "a/",
        ACCOUNT,
        "volume",
        "http://",
        "127.0.0.1",
        "9000",
        "/",
        "volumes",
        "é",
        "%",
        "\u{0}",
        "r006-1",
    ];
    for _ in 0..5_000 {
        let len = entropy.next_u64() % 14;
        let text: String = (0..len)
            .map(|_| parts[usize::try_from(entropy.next_u64()).unwrap_or(0) % parts.len()])
            .collect();
        for field in ["id", "crn", "href"] {
            let _ = volume(json!({field: text}));
        }
    }
}
