//! The lifecycle of images: every status with every change, and the rules of the dates.

use base::Timestamp;
use ectype_model::{
    Image, ImageStatus, LifecycleChange, Refusal, Visibility, apply_due, lifecycle_change,
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
