use base::RegionName;

use super::*;
use crate::{ApiVersion, Place};

fn ask<T>(
    raw: &str,
    version: &str,
    read: impl FnOnce(&Asked<'_>, &Query) -> Result<T, ApiError>,
) -> Result<T, (ErrorCode, String)> {
    let region = RegionName::parse("us-south").unwrap();
    let account = AccountId::parse("0123456789abcdef0123456789abcdef").unwrap();
    let place = Place { region: &region, account: &account, base_url: "http://127.0.0.1:9000" };
    let version = ApiVersion::date(version).unwrap();
    let asked = Asked { place, version, today: version };
    let query = Query::parse(raw, 1_000).unwrap();
    read(&asked, &query).map_err(|e| (e.code, e.target.map(|t| t.name).unwrap_or_default()))
}

fn images(raw: &str) -> Result<ImageList, (ErrorCode, String)> {
    ask(raw, "2026-10-06", image_list)
}

/// S24: statuses are a comma-separated list.
#[test]
fn several_statuses_are_one_filter() {
    let list = images("status=available,deprecated").unwrap();
    assert_eq!(list.statuses, Some(vec![ImageStatus::Available, ImageStatus::Deprecated]));
    assert_eq!(images("status=ready"), Err((ErrorCode::ValidationEnum, "status".to_owned())));
}

#[test]
fn ownership_is_asked_for_in_the_words_of_the_version() {
    let other = "ffffffffffffffffffffffffffffffff";
    assert_eq!(images("remote.account.id=null").unwrap().remote, Some(false));
    assert_eq!(images("remote.account.id=not:null").unwrap().remote, Some(true));
    let by_id = images(&format!("remote.account.id={other}")).unwrap();
    assert_eq!(by_id.owner, Some(AccountId::parse(other).unwrap()));
    let old = |raw| ask(raw, "2025-06-29", image_list);
    assert_eq!(old("owner_type=user").unwrap().remote, Some(false));
    assert_eq!(old("owner_type=provider").unwrap().remote, Some(true));
    assert_eq!(old("owner_type=me"), Err((ErrorCode::ValidationEnum, "owner_type".to_owned())));
    assert_eq!(images("owner_type=user").unwrap().remote, None);
}

#[test]
fn formats_become_operating_systems() {
    let all = images("user_data_format=cloud_init,ipxe").unwrap().operating_systems.unwrap();
    assert_eq!(all.len(), catalog::OPERATING_SYSTEMS.len());
    assert_eq!(images("user_data_format=ipxe").unwrap().operating_systems, Some(Vec::new()));
    assert!(images("user_data_format=x").is_err());
}

#[test]
fn volumes_are_found_by_operating_system_or_its_absence() {
    let volumes = |raw| ask(raw, "2026-10-06", volume_list).unwrap();
    assert_eq!(volumes("operating_system.family=null").has_operating_system, Some(false));
    assert_eq!(volumes("operating_system.architecture=not:null").has_operating_system, Some(true));
    let debian = volumes("operating_system.family=debian%20gnu/linux");
    assert_eq!(debian.has_operating_system, Some(true));
    assert!(debian.operating_systems.unwrap().contains(&"debian-12-amd64".to_owned()));
    assert!(volumes("operating_system.family=null&operating_system.architecture=amd64").nothing);
    assert!(volumes("attachment_state=unusable").nothing);
    assert_eq!(volumes("attachment_state=unattached").attached, Some(false));
}

#[test]
fn a_filter_on_what_no_instance_has_finds_nothing() {
    let instances = |raw| ask(raw, "2026-10-06", instance_list).unwrap();
    assert!(instances("dedicated_host.id=x").nothing);
    assert!(instances("availability.class=spot").nothing);
    assert!(!instances("availability.class=standard&vpc.id=r006-1").nothing);
    assert_eq!(
        ask("vpc.id=a%20b", "2026-10-06", instance_list),
        Err((ErrorCode::InvalidIdFormat, "vpc.id".to_owned()))
    );
}

#[test]
fn filters_at_their_longest() {
    assert!(images(&format!("name={}", "a".repeat(256))).is_ok());
    let error = images(&format!("name={}", "a".repeat(257)));
    assert_eq!(error, Err((ErrorCode::ValidationMaxValue, "name".to_owned())));
}
