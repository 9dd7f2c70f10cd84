//! The lifecycle of images: one table, both directions, by call and by date.
//!
//! The table is data: the store moves images by it, and clients get it as it is
//! (`GET /_ectype/v1/transitions`). Guards are judged on the dates that an image has after the
//! change that is asked for.

use base::Timestamp;

use super::{Image, ImageStatus};
use crate::{Refusal, text_enum};

text_enum! {
    /// What moves an image.
    ImageTrigger {
        /// Its bytes are sealed.
        Made = "made",
        /// It could not be made.
        MakingFailed = "making_failed",
        /// `POST …/deprecate`.
        Deprecate = "deprecate",
        /// `POST …/obsolete`.
        Obsolete = "obsolete",
        /// A date was set, was cleared, or has come.
        Dates = "dates",
        /// `DELETE`.
        Delete = "delete",
        /// It could not be deleted; nothing of it is gone.
        DeletingFailed = "deleting_failed",
    }
}

text_enum! {
    /// What must hold for a move.
    ImageGuard {
        /// No deprecation is dated.
        DeprecationUnset = "deprecation_at_unset",
        /// No deprecation lies ahead.
        DeprecationNotAhead = "deprecation_at_not_in_the_future",
        /// The deprecation's date has come.
        DeprecationCame = "deprecation_at_has_come",
        /// No obsolescence is dated.
        ObsolescenceUnset = "obsolescence_at_unset",
        /// The obsolescence's date has come.
        ObsolescenceCame = "obsolescence_at_has_come",
        /// The obsolescence's date has not come, if there is one.
        ObsolescenceNotCame = "obsolescence_at_has_not_come",
        /// Neither date has come.
        NothingCame = "no_date_has_come",
        /// It was never made.
        NoBytes = "has_no_bytes",
    }
}

impl ImageGuard {
    fn holds(self, image: &Image, now: Timestamp) -> bool {
        let (deprecation, obsolescence) = (image.deprecation_at, image.obsolescence_at);
        let came = |date: Option<Timestamp>| date.is_some_and(|at| at <= now);
        match self {
            Self::DeprecationUnset => deprecation.is_none(),
            Self::DeprecationNotAhead => deprecation.is_none() || came(deprecation),
            Self::DeprecationCame => came(deprecation),
            Self::ObsolescenceUnset => obsolescence.is_none(),
            Self::ObsolescenceCame => came(obsolescence),
            Self::ObsolescenceNotCame => !came(obsolescence),
            Self::NothingCame => !came(deprecation) && !came(obsolescence),
            Self::NoBytes => image.sealed.is_none(),
        }
    }

    /// Why a call was refused that this guard stopped.
    const fn why(self) -> &'static str {
        match self {
            Self::DeprecationUnset => {
                "a deprecation is already scheduled: clear deprecation_at first"
            }
            Self::DeprecationNotAhead => "a deprecation is scheduled: clear deprecation_at first",
            Self::ObsolescenceUnset => {
                "an obsolescence is already scheduled: clear obsolescence_at first"
            }
            Self::ObsolescenceNotCame => "its obsolescence date has passed",
            Self::DeprecationCame | Self::ObsolescenceCame | Self::NothingCame | Self::NoBytes => {
                "its dates say otherwise"
            }
        }
    }
}

/// A row: an image of this status moves, on this, to that, if all of these hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageTransition {
    /// Before.
    pub from: ImageStatus,
    /// What happens.
    pub on: ImageTrigger,
    /// After.
    pub to: ImageStatus,
    /// What must hold.
    pub when: &'static [ImageGuard],
}

macro_rules! transitions {
    ($($from:ident $on:ident => $to:ident $(when $($guard:ident)+)?;)*) => {
        &[$(ImageTransition {
            from: ImageStatus::$from,
            on: ImageTrigger::$on,
            to: ImageStatus::$to,
            when: &[$($(ImageGuard::$guard),+)?],
        },)*]
    };
}

/// The table. What has no row is refused; of several rows the first whose guards hold is taken.
pub const IMAGE_TRANSITIONS: &[ImageTransition] = transitions! {
    // Obsolete wins over a deprecation that came too.
    Pending Made => Obsolete when ObsolescenceCame;
    Pending Made => Deprecated when DeprecationCame;
    Pending Made => Available when NothingCame;
    Pending MakingFailed => Failed;

    Available Deprecate => Deprecated when DeprecationUnset ObsolescenceNotCame;
    Available Obsolete => Obsolete when DeprecationNotAhead ObsolescenceUnset;
    Deprecated Obsolete => Obsolete when DeprecationNotAhead ObsolescenceUnset;

    Available Dates => Obsolete when ObsolescenceCame;
    Available Dates => Deprecated when DeprecationCame;
    Available Dates => Available when NothingCame;
    Deprecated Dates => Obsolete when ObsolescenceCame;
    Deprecated Dates => Deprecated when DeprecationCame;
    Deprecated Dates => Available when NothingCame;
    Obsolete Dates => Obsolete when ObsolescenceCame;
    Obsolete Dates => Deprecated when DeprecationCame;
    Obsolete Dates => Available when NothingCame;
    // Their dates are kept, and apply once the image has a lifecycle again.
    PartiallyAvailable Dates => PartiallyAvailable;
    Pending Dates => Pending;
    Unusable Dates => Unusable;

    Available Delete => Deleting;
    Deprecated Delete => Deleting;
    Failed Delete => Deleting;
    Obsolete Delete => Deleting;
    PartiallyAvailable Delete => Deleting;
    Pending Delete => Deleting;
    Unusable Delete => Deleting;
    // It is as it was, and can be deleted again.
    Deleting DeletingFailed => Failed when NoBytes;
    Deleting DeletingFailed => Obsolete when ObsolescenceCame;
    Deleting DeletingFailed => Deprecated when DeprecationCame;
    Deleting DeletingFailed => Available when NothingCame;
};

/// Where `image`, with the dates it has now, goes on this trigger.
fn next(image: &Image, on: ImageTrigger, now: Timestamp) -> Result<ImageStatus, &'static str> {
    let mut why = match on {
        ImageTrigger::Made | ImageTrigger::MakingFailed => "it is not being made",
        ImageTrigger::Deprecate => "only an available image can be deprecated",
        ImageTrigger::Obsolete => "only an available or deprecated image can be made obsolete",
        ImageTrigger::Dates => "a failed or deleting image has no lifecycle",
        ImageTrigger::Delete => "it is being deleted",
        ImageTrigger::DeletingFailed => "it is not being deleted",
    };
    for row in IMAGE_TRANSITIONS.iter().filter(|row| row.from == image.status && row.on == on) {
        match row.when.iter().find(|guard| !guard.holds(image, now)) {
            None => return Ok(row.to),
            Some(guard) => why = guard.why(),
        }
    }
    Err(why)
}

/// A change of an image's lifecycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LifecycleChange {
    /// `POST …/deprecate`.
    Deprecate,
    /// `POST …/obsolete`.
    Obsolete,
    /// The dates of a PATCH.
    Dates {
        /// As in [`super::ImagePatch`].
        deprecation_at: Option<Option<Timestamp>>,
        /// As in [`super::ImagePatch`].
        obsolescence_at: Option<Option<Timestamp>>,
    },
}

/// Applies a lifecycle change to `image`, or says why not. Touches the dates and the status.
///
/// # Errors
/// [`Refusal::ImageLifecycle`] and [`Refusal::ImageDates`], as the table says.
pub fn lifecycle_change(
    image: &mut Image,
    change: &LifecycleChange,
    now: Timestamp,
) -> Result<(), Refusal> {
    let status = image.status;
    let refuse = |why| Refusal::ImageLifecycle { status, why };
    match change {
        LifecycleChange::Deprecate => {
            image.status = next(image, ImageTrigger::Deprecate, now).map_err(refuse)?;
            image.deprecation_at = Some(now);
        }
        LifecycleChange::Obsolete => {
            image.status = next(image, ImageTrigger::Obsolete, now).map_err(refuse)?;
            image.obsolescence_at = Some(now);
        }
        LifecycleChange::Dates { deprecation_at, obsolescence_at } => {
            change_dates(image, *deprecation_at, *obsolescence_at, now)?;
        }
    }
    Ok(())
}

fn change_dates(
    image: &mut Image,
    deprecation: Option<Option<Timestamp>>,
    obsolescence: Option<Option<Timestamp>>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let status = image.status;
    next(image, ImageTrigger::Dates, now).map_err(|why| Refusal::ImageLifecycle { status, why })?;
    let dates = [
        ("deprecation_at", deprecation, image.deprecation_at),
        ("obsolescence_at", obsolescence, image.obsolescence_at),
    ];
    for (field, wanted, held) in dates {
        let Some(Some(at)) = wanted else { continue };
        let passed = held.is_some_and(|at| at <= now);
        if passed && held == wanted.flatten() {
            continue;
        }
        if passed {
            return Err(Refusal::ImageDates {
                field,
                why: "it has passed and can only be cleared",
            });
        }
        if at <= now {
            return Err(Refusal::ImageDates { field, why: "it must be in the future" });
        }
    }
    let deprecation_at = deprecation.unwrap_or(image.deprecation_at);
    let obsolescence_at = obsolescence.unwrap_or(image.obsolescence_at);
    if let (Some(first), Some(last)) = (deprecation_at, obsolescence_at)
        && first >= last
    {
        return Err(Refusal::ImageDates {
            field: "obsolescence_at",
            why: "it must be after deprecation_at",
        });
    }
    image.deprecation_at = deprecation_at;
    image.obsolescence_at = obsolescence_at;
    apply_due(image, now);
    Ok(())
}

/// Sets the status that the dates give, for an image that has a lifecycle now. True if it moved.
pub fn apply_due(image: &mut Image, now: Timestamp) -> bool {
    // What has no row stays: it has no lifecycle.
    let next = next(image, ImageTrigger::Dates, now).unwrap_or(image.status);
    let moves = next != image.status;
    image.status = next;
    moves
}

/// An image that could not be deleted is what it was before. False if it was not being deleted.
pub fn deleting_failed(image: &mut Image, now: Timestamp) -> bool {
    match next(image, ImageTrigger::DeletingFailed, now) {
        Ok(status) => {
            image.status = status;
            true
        }
        Err(_) => false,
    }
}

/// The dates and the status of a stock image of a system with these ends (S25): deprecated from
/// the end of support, obsolete from the vendor's end; ends that have come count from now. A date
/// that it has stays if it is the earlier one. True if something changed.
pub fn system_ends(
    image: &mut Image,
    support: Option<Timestamp>,
    vendor: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let before = (image.status, image.deprecation_at, image.obsolescence_at);
    let earlier = |held: Option<Timestamp>, end: Option<Timestamp>| match (held, end) {
        (Some(held), Some(end)) => Some(held.min(end.max(now))),
        (held, end) => held.or(end.map(|end| end.max(now))),
    };
    image.deprecation_at = earlier(image.deprecation_at, support);
    image.obsolescence_at = earlier(image.obsolescence_at, vendor);
    apply_due(image, now);
    before != (image.status, image.deprecation_at, image.obsolescence_at)
}
