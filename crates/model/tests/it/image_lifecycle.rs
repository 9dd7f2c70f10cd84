//! The lifecycle of images: every status with every change, and the rules of the dates.

use base::Timestamp;
use ectype_model::{
    AllowedUse, IMAGE_TRANSITIONS, Image, ImageStatus, ImageTrigger, LifecycleChange, Refusal,
    SealedRef, Visibility, apply_due, deleting_failed, image_profiles, lifecycle_change,
    system_ends,
};

use crate::samples::{at, image};

const NOW: i64 = 1_000;

fn now() -> Timestamp {
    at(NOW)
}

/// The dates of an image before a change.
#[derive(Clone, Copy, Debug)]
struct Dates(Option<i64>, Option<i64>);

fn dated(status: ImageStatus, Dates(deprecation, obsolescence): Dates) -> Image {
    let mut image = image(status);
    image.deprecation_at = deprecation.map(at);
    image.obsolescence_at = obsolescence.map(at);
    image
}

fn dates(deprecation: Option<Option<i64>>, obsolescence: Option<Option<i64>>) -> LifecycleChange {
    LifecycleChange::Dates {
        deprecation_at: deprecation.map(|d| d.map(at)),
        obsolescence_at: obsolescence.map(|d| d.map(at)),
    }
}

/// The status after a change, or that it was refused; a refused image is as it was.
fn after(mut image: Image, change: &LifecycleChange) -> Result<ImageStatus, Refusal> {
    let before = image.clone();
    let result = lifecycle_change(&mut image, change, now());
    if result.is_err() {
        assert_eq!(image, before, "a refusal changes nothing");
    }
    result.map(|()| image.status)
}

/// S22: every status with every change is legal, or refused as the table says.
#[test]
fn every_status_and_change_is_legal_or_refused() {
    use ImageStatus::{
        Available, Deleting, Deprecated, Failed, Obsolete, PartiallyAvailable, Pending, Unusable,
    };
    let past = dates(Some(Some(NOW - 1)), None);
    let future = dates(Some(Some(NOW + 1)), Some(Some(NOW + 2)));
    let cleared = dates(Some(None), Some(None));
    for &status in ImageStatus::ALL {
        // The dates that an image of this status has.
        let held = match status {
            Deprecated => Dates(Some(NOW - 10), None),
            Obsolete => Dates(Some(NOW - 10), Some(NOW - 5)),
            Available | Deleting | Failed | PartiallyAvailable | Pending | Unusable => {
                Dates(None, None)
            }
        };
        let of = |change: &LifecycleChange| after(dated(status, held), change);
        let refused_lifecycle = |change: &LifecycleChange| {
            let refusal = of(change).unwrap_err();
            assert!(
                matches!(&refusal, Refusal::ImageLifecycle { status: s, .. } if *s == status),
                "{status} {change:?}: {refusal:?}"
            );
        };
        let refused_dates = |change: &LifecycleChange| {
            let refusal = of(change).unwrap_err();
            assert!(
                matches!(refusal, Refusal::ImageDates { .. }),
                "{status} {change:?}: {refusal:?}"
            );
        };
        match status {
            Available => {
                assert_eq!(of(&LifecycleChange::Deprecate), Ok(Deprecated));
                assert_eq!(of(&LifecycleChange::Obsolete), Ok(Obsolete));
            }
            Deprecated => {
                refused_lifecycle(&LifecycleChange::Deprecate);
                assert_eq!(of(&LifecycleChange::Obsolete), Ok(Obsolete));
            }
            Deleting | Failed | Obsolete | PartiallyAvailable | Pending | Unusable => {
                refused_lifecycle(&LifecycleChange::Deprecate);
                refused_lifecycle(&LifecycleChange::Obsolete);
            }
        }
        match status {
            Deleting | Failed => {
                for change in [&past, &future, &cleared] {
                    refused_lifecycle(change);
                }
            }
            Available | PartiallyAvailable | Pending | Unusable => {
                refused_dates(&past);
                assert_eq!(of(&future), Ok(status));
                assert_eq!(of(&cleared), Ok(status));
            }
            Deprecated | Obsolete => {
                refused_dates(&past);
                refused_dates(&future);
                assert_eq!(of(&cleared), Ok(Available));
            }
        }
    }
}

/// S22: `deprecate` and `obsolete` set their date to now.
#[test]
fn a_call_sets_the_date_to_now() {
    let mut image = image(ImageStatus::Available);
    lifecycle_change(&mut image, &LifecycleChange::Deprecate, now()).unwrap();
    assert_eq!((image.deprecation_at, image.obsolescence_at), (Some(now()), None));
    lifecycle_change(&mut image, &LifecycleChange::Obsolete, now()).unwrap();
    assert_eq!((image.deprecation_at, image.obsolescence_at), (Some(now()), Some(now())));
}

/// S22: a call is refused over what is scheduled: deprecate over any deprecation date, obsolete
/// over a future deprecation or any obsolescence date, but not over a deprecation that passed.
#[test]
fn a_call_over_a_schedule() {
    use LifecycleChange::{Deprecate, Obsolete};
    let available = ImageStatus::Available;
    let cases = [
        (available, Dates(Some(NOW + 1), None), Deprecate, false),
        (available, Dates(None, Some(NOW + 1)), Deprecate, true),
        (available, Dates(None, Some(NOW)), Deprecate, false),
        (available, Dates(Some(NOW + 1), None), Obsolete, false),
        (available, Dates(None, Some(NOW + 1)), Obsolete, false),
        (available, Dates(Some(NOW), None), Obsolete, true),
        (ImageStatus::Deprecated, Dates(Some(NOW - 1), None), Obsolete, true),
        (ImageStatus::Deprecated, Dates(Some(NOW - 1), Some(NOW + 1)), Obsolete, false),
    ];
    for (status, held, change, ok) in cases {
        let result = after(dated(status, held), &change);
        assert_eq!(result.is_ok(), ok, "{status} {held:?} {change:?}: {result:?}");
    }
}

/// S28: an obsolete image comes back by clearing its dates: to deprecated while the deprecation
/// date stands, to available otherwise.
#[test]
fn obsolete_is_reversible() {
    let obsolete = |held| dated(ImageStatus::Obsolete, held);
    let clear = dates(None, Some(None));
    let cases = [
        (obsolete(Dates(Some(NOW - 9), Some(NOW - 1))), &clear, ImageStatus::Deprecated),
        (obsolete(Dates(None, Some(NOW - 1))), &clear, ImageStatus::Available),
        // The deprecation date alone changes nothing while the image is obsolete.
        (
            obsolete(Dates(Some(NOW - 9), Some(NOW - 1))),
            &dates(Some(None), None),
            ImageStatus::Obsolete,
        ),
        (
            obsolete(Dates(Some(NOW - 9), Some(NOW - 1))),
            &dates(Some(None), Some(None)),
            ImageStatus::Available,
        ),
        (
            dated(ImageStatus::Deprecated, Dates(Some(NOW - 9), None)),
            &dates(Some(None), None),
            ImageStatus::Available,
        ),
    ];
    for (image, change, wanted) in cases {
        assert_eq!(after(image.clone(), change), Ok(wanted), "{image:?} {change:?}");
    }
}

/// S22: dates lie ahead, deprecation before obsolescence; one that has passed can only be
/// cleared, or sent again as it is.
#[test]
fn the_rules_of_the_dates() {
    let (available, none) = (ImageStatus::Available, Dates(None, None));
    let passed = Dates(Some(NOW - 1), None);
    let deprecated = ImageStatus::Deprecated;
    let cases = [
        (available, none, dates(Some(Some(NOW)), None), Some("deprecation_at")),
        (available, none, dates(Some(Some(NOW + 1)), None), None),
        (available, none, dates(None, Some(Some(NOW))), Some("obsolescence_at")),
        (available, none, dates(None, Some(Some(NOW + 1))), None),
        (available, none, dates(Some(Some(NOW + 2)), Some(Some(NOW + 2))), Some("obsolescence_at")),
        (available, none, dates(Some(Some(NOW + 2)), Some(Some(NOW + 3))), None),
        (
            available,
            Dates(Some(NOW + 5), None),
            dates(None, Some(Some(NOW + 4))),
            Some("obsolescence_at"),
        ),
        (available, Dates(Some(NOW + 5), None), dates(Some(Some(NOW + 9)), None), None),
        (deprecated, passed, dates(Some(Some(NOW + 1)), None), Some("deprecation_at")),
        (deprecated, passed, dates(Some(Some(NOW - 1)), None), None),
        (deprecated, passed, dates(Some(Some(NOW - 1)), Some(Some(NOW + 1))), None),
    ];
    for (status, held, change, refused) in cases {
        let field = match after(dated(status, held), &change) {
            Ok(_) => None,
            Err(Refusal::ImageDates { field, .. }) => Some(field),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(field, refused, "{status} {held:?} {change:?}");
    }
}

/// S22: a date that has come moves an image that has a lifecycle, once, and obsolete wins.
#[test]
fn due_dates_move_what_has_a_lifecycle() {
    let both = Dates(Some(NOW), Some(NOW));
    for &status in ImageStatus::ALL {
        let mut image = dated(status, both);
        let moves = matches!(status, ImageStatus::Available | ImageStatus::Deprecated);
        assert_eq!(apply_due(&mut image, now()), moves, "{status}");
        let wanted = if moves { ImageStatus::Obsolete } else { status };
        assert_eq!(image.status, wanted);
        assert!(!apply_due(&mut image, now()), "once");
    }
    let mut image = dated(ImageStatus::Available, Dates(Some(NOW), Some(NOW + 1)));
    assert!(apply_due(&mut image, now()));
    assert_eq!(image.status, ImageStatus::Deprecated);
    assert!(apply_due(&mut image, at(NOW + 1)));
    assert_eq!(image.status, ImageStatus::Obsolete);
}

/// S26, S27: instances are made of available, deprecated and partially available images only.
#[test]
fn what_instances_are_made_of() {
    let usable: Vec<_> =
        ImageStatus::ALL.iter().copied().filter(|s| image(*s).provisionable()).collect();
    assert_eq!(
        usable,
        [ImageStatus::Available, ImageStatus::Deprecated, ImageStatus::PartiallyAvailable]
    );
}

/// S25: what everyone sees is the provider's.
#[test]
fn public_images_are_stock() {
    let mut image = image(ImageStatus::Available);
    assert!(!image.stock());
    image.visibility = Visibility::Public;
    assert!(image.stock());
}

/// S22: the table decides; for every status and all dates, by date and by its end of making, it
/// says what the dates say, and every row is reachable.
#[test]
fn the_table_and_the_dates_agree() {
    let dates = [None, Some(NOW - 2), Some(NOW), Some(NOW + 2)];
    let mut seen = std::collections::HashSet::new();
    for &status in ImageStatus::ALL {
        for deprecation in dates {
            for obsolescence in dates {
                let mut image = dated(status, Dates(deprecation, obsolescence));
                let wanted = image.status_by_dates(now());
                let moved = apply_due(&mut image, now());
                let lives = matches!(
                    status,
                    ImageStatus::Available | ImageStatus::Deprecated | ImageStatus::Obsolete
                );
                assert_eq!(image.status, if lives { wanted } else { status });
                assert_eq!(moved, image.status != status);
                if lives {
                    seen.insert((status, ImageTrigger::Dates, image.status));
                }
            }
        }
    }
    for row in IMAGE_TRANSITIONS.iter().filter(|row| row.on == ImageTrigger::Dates) {
        let walked = seen.remove(&(row.from, row.on, row.to));
        assert!(walked || row.when.is_empty(), "{row:?} is reached by no dates");
    }
    assert!(seen.is_empty(), "moves without a row: {seen:?}");
}

/// Every status but `deleting` can be deleted, and nothing but making ends `pending`.
#[test]
fn the_table_has_each_way_out_and_in() {
    for &status in ImageStatus::ALL {
        let on = |trigger| {
            IMAGE_TRANSITIONS.iter().filter(move |row| row.from == status && row.on == trigger)
        };
        assert_eq!(on(ImageTrigger::Delete).count() == 1, status != ImageStatus::Deleting);
        let made = usize::from(status == ImageStatus::Pending);
        assert_eq!(on(ImageTrigger::MakingFailed).count(), made);
        assert_eq!(on(ImageTrigger::Made).count(), made * 3);
    }
}

/// An image whose deletion failed is what its dates say, or failed where it was never made.
#[test]
fn a_deletion_that_fails_leaves_the_image_as_it_was() {
    for (dates, status) in [
        (Dates(None, None), ImageStatus::Available),
        (Dates(Some(NOW - 1), None), ImageStatus::Deprecated),
        (Dates(Some(NOW - 2), Some(NOW - 1)), ImageStatus::Obsolete),
        (Dates(Some(NOW + 1), Some(NOW + 2)), ImageStatus::Available),
    ] {
        let mut image = dated(ImageStatus::Deleting, dates);
        assert!(deleting_failed(&mut image, now()));
        assert_eq!(image.status, ImageStatus::Failed, "it was never made");
        assert!(!deleting_failed(&mut image, now()));
        let mut image = dated(ImageStatus::Deleting, dates);
        image.sealed = Some(SealedRef { root_id: "root".to_owned(), sealed_root_key: Vec::new() });
        assert!(deleting_failed(&mut image, now()));
        assert_eq!(image.status, status, "{dates:?}");
    }
}

/// S25: the ends of a system date its stock images, and an end that has come counts from now.
#[test]
fn the_ends_of_a_system_move_its_stock_images() {
    let (none, past, future) = (None, Some(at(NOW - 5)), Some(at(NOW + 5)));
    let later = Some(at(NOW + 9));
    for (support, vendor, status, dates) in [
        (none, none, ImageStatus::Available, (none, none)),
        (future, later, ImageStatus::Available, (future, later)),
        (past, later, ImageStatus::Deprecated, (Some(now()), later)),
        (past, past, ImageStatus::Obsolete, (Some(now()), Some(now()))),
        (none, past, ImageStatus::Obsolete, (none, Some(now()))),
    ] {
        let mut image = dated(ImageStatus::Available, Dates(None, None));
        let moved = system_ends(&mut image, support, vendor, now());
        assert_eq!(moved, support.is_some() || vendor.is_some());
        assert_eq!((image.status, (image.deprecation_at, image.obsolescence_at)), (status, dates));
        assert!(!system_ends(&mut image, support, vendor, now()), "once");
    }
    let mut older = dated(ImageStatus::Deprecated, Dates(Some(NOW - 9), None));
    assert!(system_ends(&mut older, past, future, now()));
    assert_eq!((older.status, older.deprecation_at), (ImageStatus::Deprecated, Some(at(NOW - 9))));
}

/// The compatible profiles follow the expression; what an instance chooses beside it does not
/// count.
#[test]
fn an_image_runs_on_the_profiles_that_it_allows() {
    let of = |expression: &str| {
        let mut image = image(ImageStatus::Available);
        image.allowed_use =
            AllowedUse { instance: expression.to_owned(), ..AllowedUse::anything("2026-10-06") };
        image_profiles(&image).iter().map(|p| p.name).collect::<Vec<_>>()
    };
    assert_eq!(of("true").len(), ectype_model::catalog::INSTANCE_PROFILES.len());
    assert!(of("true").is_sorted());
    assert_eq!(of("vcpu.count > 16"), ["bx2-32x128"]);
    assert_eq!(of("vcpu.count == 16 && metadata_service.enabled"), ["bx2-16x64"]);
    assert!(of("gpu.count > 0").is_empty());
}
