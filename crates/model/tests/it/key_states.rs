//! The states of a key of Key Protect, and the waits between them.

use std::time::Duration;

use base::{AccountId, KmsKeyId, ResourceGroupId, SeededEntropy, ServiceInstanceId, Timestamp};
use ectype_model::{
    EARLY_WAIT, KmsKey, KmsKeyState, KmsPolicy, KmsRefusal, PURGE_AT_AGE, PURGE_WAIT, RESTORE_MAX,
    ROTATE_WAIT, SET_FOR_DELETION_MAX, version_id,
};

fn at(seconds: u64) -> Timestamp {
    Timestamp::parse("2026-11-24T10:00:00Z").unwrap().plus(Duration::from_secs(seconds))
}

fn key() -> KmsKey {
    let entropy = SeededEntropy::new(1);
    KmsKey {
        id: KmsKeyId::parse(&base::uuid_of(&entropy)).unwrap(),
        account: AccountId::mint("", &entropy),
        instance: ServiceInstanceId::mint("", &entropy),
        group: ResourceGroupId::mint("", &entropy),
        ring: "default".to_owned(),
        name: "k".to_owned(),
        description: String::new(),
        extractable: false,
        imported: false,
        state: KmsKeyState::Active,
        state_since: at(0),
        version: 1,
        created_at: at(0),
        created_by: "me".to_owned(),
        updated_at: at(0),
        rotated_at: None,
        expires_at: None,
        deleted: None,
        dual_auth: None,
        deletion_set: None,
        rotation: None,
        aliases: Vec::new(),
        revision: 1,
    }
}

/// B7: the table of key states, row by row.
#[test]
fn every_state_allows_what_its_row_says_and_nothing_else() {
    let expired = KmsKey { expires_at: Some(at(10)), ..key() };
    let suspended = key().disabled(at(5)).unwrap();
    let destroyed = key().deleted("me", at(5)).unwrap();
    let now = at(100);
    let rows = [
        (key(), [true, true, true, true, false, true, false]),
        (suspended, [false, false, false, false, true, true, false]),
        (expired, [false, true, true, false, false, true, false]),
        (destroyed, [false, false, false, false, false, false, true]),
    ];
    for (key, allowed) in rows {
        let seen = [
            key.check_wrap(now).is_ok(),
            key.check_unwrap(now).is_ok(),
            key.check_rotate(false, now).is_ok(),
            key.clone().disabled(now).is_ok(),
            key.clone().enabled(now).is_ok(),
            key.clone().deleted("me", now).is_ok(),
            key.clone().restored(now).is_ok(),
        ];
        assert_eq!(seen, allowed, "{:?}", key.state_at(now));
    }
}

#[test]
fn waits_at_both_sides_of_their_limits() {
    let after = |wait: Duration| at(5).plus(wait);
    let before = |wait: Duration| at(4).plus(wait);
    let suspended = key().disabled(at(5)).unwrap();
    assert!(matches!(
        suspended.clone().enabled(before(EARLY_WAIT)),
        Err(KmsRefusal::TooEarly { .. })
    ));
    assert!(suspended.enabled(after(EARLY_WAIT)).is_ok());
    let gone = key().deleted("me", at(5)).unwrap();
    assert!(gone.clone().restored(before(EARLY_WAIT)).is_err());
    assert_eq!(gone.clone().restored(after(EARLY_WAIT)).unwrap().state, KmsKeyState::Active);
    assert!(gone.clone().restored(after(RESTORE_MAX)).is_ok());
    let late = gone.clone().restored(at(6).plus(RESTORE_MAX));
    assert_eq!(late, Err(KmsRefusal::RestoreExpired));
    assert!(gone.check_purge(before(PURGE_WAIT)).is_err());
    assert!(gone.check_purge(after(PURGE_WAIT)).is_ok());
    assert!(!gone.purges_itself(before(PURGE_AT_AGE)));
    assert!(gone.purges_itself(after(PURGE_AT_AGE)));
    assert!(key().check_purge(at(9)).is_err());
    let rotated = KmsKey { rotated_at: Some(at(5)), ..key() };
    assert_eq!(rotated.check_rotate(false, before(ROTATE_WAIT)), Err(KmsRefusal::RotatedLately));
    assert!(rotated.check_rotate(false, after(ROTATE_WAIT)).is_ok());
}

#[test]
fn two_are_needed_where_the_policy_says_so() {
    let policy = Some(KmsPolicy { value: true, by: "me".to_owned(), at: at(0) });
    let key = KmsKey { dual_auth: policy, ..key() };
    let refused = |key: &KmsKey, by: &str, now| key.clone().deleted(by, now).unwrap_err();
    assert_eq!(refused(&key, "me", at(1)), KmsRefusal::Authorizations);
    let set = key.set_for_deletion("me", at(1)).unwrap();
    assert_eq!(refused(&set, "me", at(2)), KmsRefusal::Authorizations);
    let late = at(1).plus(SET_FOR_DELETION_MAX);
    assert_eq!(refused(&set, "you", late), KmsRefusal::Authorizations);
    assert!(set.clone().deleted("you", at(2)).is_ok());
    let unset = set.unset_for_deletion(at(3)).unwrap();
    assert_eq!(refused(&unset, "you", at(4)), KmsRefusal::Authorizations);
    let plain = self::key();
    assert_eq!(plain.set_for_deletion("me", at(1)), Err(KmsRefusal::NotDualAuth));
}

#[test]
fn standard_keys_take_no_part_in_what_root_keys_do() {
    let standard = KmsKey { extractable: true, ..key() };
    let refused = Err(KmsRefusal::RootRequired);
    assert_eq!(standard.check_wrap(at(1)), refused);
    assert_eq!(standard.check_unwrap(at(1)), refused);
    assert_eq!(standard.check_rotate(false, at(1)), refused);
    assert!(standard.clone().disabled(at(1)).is_err());
    assert!(standard.check_rotation_policy().is_err());
    let imported = KmsKey { imported: true, ..key() };
    assert_eq!(imported.check_rotate(false, at(1)), Err(KmsRefusal::PayloadRequired));
    assert_eq!(key().check_rotate(true, at(1)), Err(KmsRefusal::PayloadRefused));
    assert!(imported.check_rotation_policy().is_err());
}

#[test]
fn a_policy_rotates_a_generated_key_after_its_months() {
    let policy = |months| Some(KmsPolicy { value: (true, months), by: "me".to_owned(), at: at(7) });
    let key = KmsKey { rotation: policy(2), ..key() };
    assert_eq!(key.rotates_at(), Some(at(7 + 60 * 24 * 60 * 60)));
    assert_eq!(key.disabled(at(9)).unwrap().rotates_at(), None);
}

#[test]
fn versions_have_ids_of_their_own_and_the_first_has_the_keys() {
    let key = key();
    let ids: std::collections::HashSet<_> = (1..=1_000).map(|n| version_id(&key.id, n)).collect();
    assert_eq!(ids.len(), 1_000);
    assert_eq!(version_id(&key.id, 1), key.id.as_str());
    assert!(ids.iter().all(|id| id.len() == 36));
}
