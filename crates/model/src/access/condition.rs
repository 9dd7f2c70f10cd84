//! The rule of a policy: when it counts, or on what besides its attributes.

use serde::{Deserialize, Serialize};

use super::terms::{
    Attribute, AttributeValue, CONDITION_DEPTH_MAX, CONDITIONS_MAX, Operator, TermsError,
    check_value, shown,
};

/// The key of the time of day.
pub const FIELD_TIME: &str = "{{environment.attributes.current_time}}";
/// The key of the moment.
pub const FIELD_DATE_TIME: &str = "{{environment.attributes.current_date_time}}";
/// The key of the day.
const FIELD_DATE: &str = "{{environment.attributes.current_date}}";
/// The key of the day of the week.
pub const FIELD_DAY: &str = "{{environment.attributes.day_of_week}}";
/// How keys of the resource begin; they end in `}}`.
pub const RESOURCE_FIELD: &str = "{{resource.attributes.";

/// A condition, or several joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// One comparison.
    One(Attribute),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
}

/// What a pattern allows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Once,
    WeeklyAllDay,
    WeeklyHours,
    Resource,
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "time-based-conditions:once" => Some(Self::Once),
            "time-based-conditions:weekly:all-day" => Some(Self::WeeklyAllDay),
            "time-based-conditions:weekly:custom-hours" | "time-based-conditions:weekly" => {
                Some(Self::WeeklyHours)
            }
            "attribute-based-condition:resource:literal-and-wildcard" => Some(Self::Resource),
            _ => None,
        }
    }

    fn allows(self, key: &str) -> bool {
        match self {
            Self::Once => key == FIELD_DATE_TIME || key == FIELD_DATE,
            Self::WeeklyAllDay => key == FIELD_DAY,
            Self::WeeklyHours => key == FIELD_DAY || key == FIELD_TIME,
            Self::Resource => {
                (key.starts_with(RESOURCE_FIELD) || key.starts_with("{{environment.attributes."))
                    && key.ends_with("}}")
            }
        }
    }
}

impl Condition {
    /// Every comparison in it.
    fn leaves<'a>(&'a self, out: &mut Vec<&'a Attribute>) {
        match self {
            Self::One(attribute) => out.push(attribute),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|p| p.leaves(out)),
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::All(parts) | Self::Any(parts) => {
                1 + parts.iter().map(Self::depth).max().unwrap_or(0)
            }
        }
    }

    /// Refuses a rule that does not fit its pattern or cannot be read.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self, pattern: &str) -> Result<(), TermsError> {
        let Some(kind) = Pattern::parse(pattern) else {
            return Err(TermsError::new("pattern", format!("{} is not known.", shown(pattern))));
        };
        let refuse = |why: String| Err(TermsError::new("rule", why));
        let mut leaves = Vec::new();
        self.leaves(&mut leaves);
        if leaves.is_empty() || leaves.len() > CONDITIONS_MAX {
            return refuse(format!("A rule has 1 to {CONDITIONS_MAX} conditions."));
        }
        if self.depth() > CONDITION_DEPTH_MAX {
            return refuse(format!("Conditions are nested at most {CONDITION_DEPTH_MAX} deep."));
        }
        for leaf in leaves {
            check_value("rule", leaf)?;
            if !kind.allows(&leaf.key) {
                return refuse(format!("{} does not belong to the pattern.", shown(&leaf.key)));
            }
            if !readable(leaf, kind) {
                return refuse(format!(
                    "{}: {} cannot be compared with that value.",
                    shown(&leaf.key),
                    leaf.operator
                ));
            }
        }
        Ok(())
    }
}

fn readable(leaf: &Attribute, pattern: Pattern) -> bool {
    if pattern == Pattern::Resource {
        return leaf.operator.is_text();
    }
    let texts = match &leaf.value {
        AttributeValue::Text(text) => std::slice::from_ref(text),
        AttributeValue::Many(texts) => texts,
        AttributeValue::Flag(_) => return false,
    };
    use Operator as O;
    let read: fn(&str) -> bool = match (leaf.key.as_str(), leaf.operator) {
        (FIELD_DAY, O::DayOfWeekEquals | O::DayOfWeekAnyOf) => |t| day_of_week(t).is_some(),
        (
            FIELD_TIME,
            O::TimeLessThan
            | O::TimeLessThanOrEquals
            | O::TimeGreaterThan
            | O::TimeGreaterThanOrEquals,
        ) => |t| time_of_day(t).is_some(),
        (
            FIELD_DATE_TIME,
            O::DateTimeLessThan
            | O::DateTimeLessThanOrEquals
            | O::DateTimeGreaterThan
            | O::DateTimeGreaterThanOrEquals,
        ) => |t| base::Timestamp::parse(t).is_ok(),
        (
            FIELD_DATE | FIELD_DATE_TIME,
            O::DateLessThan
            | O::DateLessThanOrEquals
            | O::DateGreaterThan
            | O::DateGreaterThanOrEquals,
        ) => |t| base::Timestamp::parse(t).is_ok(),
        _ => return false,
    };
    texts.iter().all(|text| read(text))
}

/// A day of the week at an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOffset {
    /// 0 is Monday.
    pub day: u8,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// A time of the day at an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTime {
    /// Seconds since midnight.
    pub seconds: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// Reads `1+00:00`: Monday is 1, Sunday 7 or 0.
#[must_use]
pub fn day_of_week(text: &str) -> Option<DayOffset> {
    let day = text.bytes().next().filter(u8::is_ascii_digit)? - b'0';
    let offset = offset_of(text.get(1..)?)?;
    (day <= 7).then_some(DayOffset { day: (day + 6) % 7, offset })
}

/// Reads `09:00:00+00:00`; seconds may be left out.
#[must_use]
pub fn time_of_day(text: &str) -> Option<DayTime> {
    let zone = text.find(['+', '-', 'Z'])?;
    let offset = offset_of(text.get(zone..)?)?;
    let mut parts = text.get(..zone)?.split(':');
    let (hours, minutes) = (two_digits(parts.next()?, 23)?, two_digits(parts.next()?, 59)?);
    let seconds = parts.next().map_or(Some(0), |s| two_digits(s, 59))?;
    if parts.next().is_some() {
        return None;
    }
    Some(DayTime { seconds: i64::from(hours * 3_600 + minutes * 60 + seconds), offset })
}

fn two_digits(text: &str, max: u32) -> Option<u32> {
    let ok = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if ok { text.parse().ok().filter(|n| *n <= max) } else { None }
}

fn offset_of(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = two_digits(hours, 14)? * 3_600 + two_digits(minutes, 59)? * 60;
    i32::try_from(seconds).ok().map(|s| s * sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(key: &str, operator: Operator, value: &str) -> Condition {
        let value = match operator {
            Operator::DayOfWeekAnyOf => {
                AttributeValue::Many(value.split(' ').map(str::to_owned).collect())
            }
            _ => AttributeValue::Text(value.to_owned()),
        };
        Condition::One(Attribute { key: key.to_owned(), operator, value })
    }

    const HOURS: &str = "time-based-conditions:weekly:custom-hours";
    const ONCE: &str = "time-based-conditions:once";

    #[test]
    fn business_hours_are_readable() {
        let hours = Condition::All(vec![
            leaf(FIELD_DAY, Operator::DayOfWeekAnyOf, "1+00:00 5+00:00"),
            leaf(FIELD_TIME, Operator::TimeGreaterThanOrEquals, "09:00:00+00:00"),
            leaf(FIELD_TIME, Operator::TimeLessThanOrEquals, "17:00:00-05:30"),
        ]);
        assert_eq!(hours.check(HOURS), Ok(()));
        assert!(hours.check(ONCE).is_err(), "weekly keys under once");
        assert!(hours.check("time-based-conditions:yearly").is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (key, operator, value) in [
            (FIELD_DAY, Operator::DayOfWeekEquals, "8+00:00"),
            (FIELD_DAY, Operator::DayOfWeekEquals, "monday"),
            (FIELD_DAY, Operator::TimeLessThan, "09:00:00+00:00"),
            (FIELD_TIME, Operator::TimeLessThan, "24:00:00+00:00"),
            (FIELD_TIME, Operator::TimeLessThan, "09:00:00"),
            (FIELD_TIME, Operator::TimeLessThan, "9:0+0:0"),
            (FIELD_TIME, Operator::StringEquals, "09:00:00+00:00"),
            ("{{environment.attributes.weather}}", Operator::StringEquals, "rain"),
        ] {
            assert!(leaf(key, operator, value).check(HOURS).is_err(), "{key} {value}");
        }
        assert!(leaf(FIELD_DATE_TIME, Operator::DateTimeLessThan, "soon").check(ONCE).is_err());
        let good = leaf(FIELD_DATE_TIME, Operator::DateTimeLessThan, "2026-11-24T10:00:00+01:00");
        assert_eq!(good.check(ONCE), Ok(()));
    }

    #[test]
    fn conditions_at_both_sides_of_their_number_and_depth() {
        let one = leaf(FIELD_DAY, Operator::DayOfWeekEquals, "1+00:00");
        let many = |n: usize| Condition::Any(vec![one.clone(); n]).check(HOURS);
        assert_eq!(many(CONDITIONS_MAX), Ok(()));
        assert!(many(CONDITIONS_MAX + 1).is_err());
        assert!(many(0).is_err());
        let mut nested = one;
        for _ in 0..CONDITION_DEPTH_MAX {
            nested = Condition::All(vec![nested]);
        }
        assert_eq!(nested.check(HOURS), Ok(()));
        assert!(Condition::All(vec![nested]).check(HOURS).is_err());
    }

    #[test]
    fn days_and_times_have_an_offset() {
        assert_eq!(day_of_week("7+00:00"), Some(DayOffset { day: 6, offset: 0 }));
        assert_eq!(day_of_week("0Z"), Some(DayOffset { day: 6, offset: 0 }));
        assert_eq!(day_of_week("1-01:30"), Some(DayOffset { day: 0, offset: -5_400 }));
        assert_eq!(time_of_day("23:59+14:00"), Some(DayTime { seconds: 86_340, offset: 50_400 }));
        for bad in ["", "é", "1é", "1+", "1+15:00", "1 00:00"] {
            assert_eq!(day_of_week(bad), None, "{bad}");
        }
    }
}
