//! The `version` and `generation` that each request carries, and what depends on the version.

use std::fmt;

use crate::{ApiError, ErrorCode};

/// The first version there was.
pub const OLDEST_VERSION: &str = "2019-01-01";
/// The newest version that this program knows. IBM's Python SDK sends it.
pub const NEWEST_VERSION: &str = "2026-10-06";

/// An API version: a date. Everything that differs between versions is a method here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    year: u16,
    month: u8,
    day: u8,
}

impl ApiVersion {
    /// Reads the `version` of a query.
    ///
    /// A date is in the future only when it is past both `today` and [`NEWEST_VERSION`]: a
    /// machine whose clock is behind still serves today's SDKs.
    ///
    /// # Errors
    /// `missing_version`, `invalid_version`, `invalid_version_range`, `version_not_supported`.
    pub fn parse(text: Option<&str>, today: &str) -> Result<Self, ApiError> {
        let refuse = |code, message: String| Err(ApiError::parameter(code, "version", message));
        let Some(text) = text.filter(|t| !t.is_empty()) else {
            return refuse(
                ErrorCode::MissingVersion,
                "The query parameter version is required, as a date such as 2026-10-06.".to_owned(),
            );
        };
        let Some(version) = Self::date(text) else {
            return refuse(
                ErrorCode::InvalidVersion,
                "The version is not a date of the form YYYY-MM-DD.".to_owned(),
            );
        };
        if text < OLDEST_VERSION {
            let message =
                format!("The version {version} is before the first one, {OLDEST_VERSION}.");
            return refuse(ErrorCode::InvalidVersionRange, message);
        }
        if text > today && text > NEWEST_VERSION {
            let message = format!("The version {version} is in the future; today is {today}.");
            return refuse(ErrorCode::VersionNotSupported, message);
        }
        Ok(version)
    }

    /// Reads a date of the form `YYYY-MM-DD` that the calendar has.
    #[must_use]
    pub fn date(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, b)| match at {
                4 | 7 => *b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shape {
            return None;
        }
        let year: u16 = text[..4].parse().ok()?;
        let month: u8 = text[5..7].parse().ok()?;
        let day: u8 = text[8..].parse().ok()?;
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }

    /// The newest version; for the region's own rendering and for tests.
    #[must_use]
    pub const fn newest() -> Self {
        Self { year: 2026, month: 10, day: 6 }
    }

    const fn from(self, year: u16, month: u8, day: u8) -> bool {
        let since = (year as u32) << 16 | (month as u32) << 8 | day as u32;
        (self.year as u32) << 16 | (self.month as u32) << 8 | self.day as u32 >= since
    }

    /// Addresses are `primary_ip` objects; `primary_ipv4_address` before.
    #[must_use]
    pub const fn has_primary_ip(self) -> bool {
        self.from(2022, 3, 29)
    }

    /// Images of others have `remote.account`; every image had `owner_type` before.
    #[must_use]
    pub const fn has_image_remote(self) -> bool {
        self.from(2025, 6, 30)
    }

    /// A rule's protocol `all` is called `icmp_tcp_udp`.
    #[must_use]
    pub const fn has_protocol_icmp_tcp_udp(self) -> bool {
        self.from(2025, 12, 9)
    }

    /// Instance profiles are paginated; they came all at once before.
    #[must_use]
    pub const fn paginates_instance_profiles(self) -> bool {
        self.from(2026, 4, 7)
    }

    /// `supported_vcpu_count` of instance profiles is gone; `vcpu_count` may be an enum.
    #[must_use]
    pub const fn has_vcpu_count_enum(self) -> bool {
        self.from(2026, 9, 1)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Checks the `generation` of a query.
///
/// # Errors
/// `missing_generation_parameter`, `invalid_generation_parameter`.
pub fn check_generation(text: Option<&str>) -> Result<(), ApiError> {
    match text.filter(|t| !t.is_empty()) {
        Some("2") => Ok(()),
        Some(_) => Err(ApiError::parameter(
            ErrorCode::InvalidGeneration,
            "generation",
            "The query parameter generation must be 2.",
        )),
        None => Err(ApiError::parameter(
            ErrorCode::MissingGeneration,
            "generation",
            "The query parameter generation is required and must be 2.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-11-24";

    fn code(text: Option<&str>) -> ErrorCode {
        ApiVersion::parse(text, TODAY).unwrap_err().code
    }

    #[test]
    fn a_version_is_a_date_between_the_first_and_today() {
        for ok in ["2019-01-01", "2022-03-29", "2024-02-29", TODAY] {
            assert_eq!(ApiVersion::parse(Some(ok), TODAY).unwrap().to_string(), ok);
        }
        assert_eq!(code(None), ErrorCode::MissingVersion);
        assert_eq!(code(Some("")), ErrorCode::MissingVersion);
        assert_eq!(code(Some("2018-12-31")), ErrorCode::InvalidVersionRange);
        assert_eq!(code(Some("2026-11-25")), ErrorCode::VersionNotSupported);
    }

    #[test]
    fn what_is_not_a_date_is_no_version() {
        for bad in [
            "1",
            "2026-1-01",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "2026-01-00",
            "2026-01-32",
            "20260101",
            "2026/01/01",
            "２026-01-01",
            "2026-01-01x",
        ] {
            assert_eq!(code(Some(bad)), ErrorCode::InvalidVersion, "{bad}");
        }
    }

    #[test]
    fn a_clock_that_is_behind_still_serves_the_newest_known_version() {
        assert!(ApiVersion::parse(Some(NEWEST_VERSION), "2024-01-01").is_ok());
        assert!(ApiVersion::parse(Some("2026-10-07"), "2024-01-01").is_err());
        assert_eq!(ApiVersion::newest().to_string(), NEWEST_VERSION);
    }

    #[test]
    fn each_gate_opens_on_its_day() {
        let on = |text| ApiVersion::date(text).unwrap();
        assert!(!on("2022-03-28").has_primary_ip() && on("2022-03-29").has_primary_ip());
        assert!(!on("2025-06-29").has_image_remote() && on("2025-06-30").has_image_remote());
        assert!(!on("2025-12-08").has_protocol_icmp_tcp_udp());
        assert!(on("2025-12-09").has_protocol_icmp_tcp_udp());
        assert!(!on("2026-04-06").paginates_instance_profiles());
        assert!(on("2026-04-07").paginates_instance_profiles());
        assert!(!on("2026-08-31").has_vcpu_count_enum() && on("2026-09-01").has_vcpu_count_enum());
    }

    #[test]
    fn the_generation_is_two() {
        assert!(check_generation(Some("2")).is_ok());
        assert_eq!(check_generation(None).unwrap_err().code, ErrorCode::MissingGeneration);
        for bad in ["1", "two", "2.0", " 2"] {
            let error = check_generation(Some(bad)).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidGeneration);
        }
    }
}
