//! The rule of a policy, read once: when it counts, or on what besides.
//!
//! What cannot be read never holds: a rule then gives nothing.

use base::Timestamp;
use model::{
    Attribute, AttributeValue, Condition, DayOffset, FIELD_DATE_TIME, FIELD_DAY, FIELD_TIME,
    Operator, RESOURCE_FIELD, day_of_week, time_of_day,
};

use crate::text::TextTest;

const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    All(Box<[When]>),
    Any(Box<[When]>),
    /// On one of these days.
    Days(Box<[DayOffset]>),
    /// The time of day, compared with seconds since midnight at an offset.
    Time(Compare, i64, i32),
    /// The moment, compared in microseconds.
    Moment(Compare, i64),
    /// The day, compared in days since 1970 in UTC.
    Day(Compare, i64),
    /// An attribute of the resource.
    Resource(Box<str>, TextTest),
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn of(operator: Operator) -> Option<Self> {
        use Operator as O;
        Some(match operator {
            O::TimeLessThan | O::DateLessThan | O::DateTimeLessThan => Self::Less,
            O::TimeLessThanOrEquals | O::DateLessThanOrEquals | O::DateTimeLessThanOrEquals => {
                Self::LessOrEqual
            }
            O::TimeGreaterThan | O::DateGreaterThan | O::DateTimeGreaterThan => Self::Greater,
            O::TimeGreaterThanOrEquals
            | O::DateGreaterThanOrEquals
            | O::DateTimeGreaterThanOrEquals => Self::GreaterOrEqual,
            O::StringEquals
            | O::StringMatch
            | O::StringExists
            | O::StringEqualsAnyOf
            | O::StringMatchAnyOf
            | O::DayOfWeekEquals
            | O::DayOfWeekAnyOf => return None,
        })
    }

    const fn holds(self, now: i64, value: i64) -> bool {
        match self {
            Self::Less => now < value,
            Self::LessOrEqual => now <= value,
            Self::Greater => now > value,
            Self::GreaterOrEqual => now >= value,
        }
    }
}

impl When {
    pub(crate) fn of(condition: &Condition) -> Self {
        match condition {
            Condition::All(parts) => Self::All(parts.iter().map(Self::of).collect()),
            Condition::Any(parts) => Self::Any(parts.iter().map(Self::of).collect()),
            Condition::One(attribute) => Self::one(attribute).unwrap_or(Self::Never),
        }
    }

    fn one(of: &Attribute) -> Option<Self> {
        if let Some(key) = of.key.strip_prefix(RESOURCE_FIELD) {
            let key = key.strip_suffix("}}")?;
            return Some(Self::Resource(key.into(), TextTest::of(of)?));
        }
        let texts = match &of.value {
            AttributeValue::Text(text) => std::slice::from_ref(text),
            AttributeValue::Many(texts) => texts,
            AttributeValue::Flag(_) => return None,
        };
        if of.key == FIELD_DAY {
            let days: Option<Vec<_>> = texts.iter().map(|t| day_of_week(t)).collect();
            return Some(Self::Days(days?.into()));
        }
        let compare = Compare::of(of.operator)?;
        let [text] = texts else { return None };
        if of.key == FIELD_TIME {
            let time = time_of_day(text)?;
            return Some(Self::Time(compare, time.seconds, time.offset));
        }
        let moment = Timestamp::parse(text).ok()?;
        match of.operator {
            Operator::DateTimeLessThan
            | Operator::DateTimeLessThanOrEquals
            | Operator::DateTimeGreaterThan
            | Operator::DateTimeGreaterThanOrEquals
                if of.key == FIELD_DATE_TIME =>
            {
                Some(Self::Moment(compare, moment.micros()))
            }
            Operator::DateLessThan
            | Operator::DateLessThanOrEquals
            | Operator::DateGreaterThan
            | Operator::DateGreaterThanOrEquals => {
                Some(Self::Day(compare, moment.seconds().div_euclid(DAY_SECONDS)))
            }
            _ => None,
        }
    }

    /// Whether it holds now; `attribute` gives what the resource is told by.
    pub(crate) fn holds<'a>(
        &self,
        now: Timestamp,
        attribute: &dyn Fn(&str) -> Option<&'a str>,
    ) -> bool {
        let local = |offset: i32| now.micros().div_euclid(MICROS) + i64::from(offset);
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(now, attribute)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(now, attribute)),
            Self::Days(days) => days.iter().any(|day| {
                // 1 January 1970 was a Thursday; Monday is 0.
                let today = (local(day.offset).div_euclid(DAY_SECONDS) + 3).rem_euclid(7);
                today == i64::from(day.day)
            }),
            Self::Time(compare, seconds, offset) => {
                compare.holds(local(*offset).rem_euclid(DAY_SECONDS), *seconds)
            }
            Self::Moment(compare, micros) => compare.holds(now.micros(), *micros),
            Self::Day(compare, day) => compare.holds(local(0).div_euclid(DAY_SECONDS), *day),
            Self::Resource(key, test) => test.passes(attribute(key)),
            Self::Never => false,
        }
    }

    /// Whether it speaks of the resource, so that a list cannot be judged as a whole.
    pub(crate) fn is_of_the_resource(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_of_the_resource),
            Self::Resource(..) => true,
            Self::Days(_) | Self::Time(..) | Self::Moment(..) | Self::Day(..) | Self::Never => {
                false
            }
        }
    }
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

    fn holds(condition: &Condition, now: &str) -> bool {
        When::of(condition).holds(Timestamp::parse(now).unwrap(), &|_| None)
    }

    #[test]
    fn business_hours() {
        let hours = Condition::All(vec![
            leaf(FIELD_DAY, Operator::DayOfWeekAnyOf, "1+00:00 2+00:00 3+00:00 4+00:00 5+00:00"),
            leaf(FIELD_TIME, Operator::TimeGreaterThanOrEquals, "09:00:00+00:00"),
            leaf(FIELD_TIME, Operator::TimeLessThanOrEquals, "17:00:00+00:00"),
        ]);
        // 24 November 2026 is a Tuesday.
        assert!(holds(&hours, "2026-11-24T09:00:00Z"));
        assert!(holds(&hours, "2026-11-24T17:00:00Z"));
        assert!(!holds(&hours, "2026-11-24T08:59:59Z"));
        assert!(!holds(&hours, "2026-11-24T17:00:01Z"));
        assert!(!holds(&hours, "2026-11-28T12:00:00Z"), "a Saturday");
        assert!(!holds(&hours, "2026-11-29T12:00:00Z"), "a Sunday");
    }

    #[test]
    fn an_offset_moves_the_day() {
        let monday = leaf(FIELD_DAY, Operator::DayOfWeekEquals, "1+09:00");
        assert!(holds(&monday, "2026-11-22T15:00:00Z"), "Monday 0:00 in Tokyo");
        assert!(!holds(&monday, "2026-11-22T14:59:59Z"));
    }

    #[test]
    fn once_begins_and_ends() {
        let once = Condition::All(vec![
            leaf(FIELD_DATE_TIME, Operator::DateTimeGreaterThanOrEquals, "2026-11-24T10:00:00Z"),
            leaf(FIELD_DATE_TIME, Operator::DateTimeLessThan, "2026-11-24T12:00:00+01:00"),
        ]);
        assert!(holds(&once, "2026-11-24T10:00:00Z"));
        assert!(!holds(&once, "2026-11-24T11:00:00Z"));
        assert!(!holds(&once, "2026-11-24T09:59:59Z"));
    }

    #[test]
    fn what_cannot_be_read_never_holds() {
        for (key, operator, value) in [
            (FIELD_TIME, Operator::TimeLessThan, "noon"),
            ("{{environment.attributes.weather}}", Operator::StringEquals, "rain"),
            (FIELD_DATE_TIME, Operator::TimeLessThan, "2026-11-24T10:00:00Z"),
        ] {
            assert!(!holds(&leaf(key, operator, value), "2026-11-24T10:00:00Z"), "{key}");
        }
    }

    #[test]
    fn a_rule_may_speak_of_the_resource() {
        let rule = leaf("{{resource.attributes.path}}", Operator::StringMatch, "home/*");
        let when = When::of(&rule);
        assert!(when.is_of_the_resource());
        let now = Timestamp::default();
        assert!(when.holds(now, &|key| (key == "path").then_some("home/x")));
        assert!(!when.holds(now, &|_| None));
    }
}
