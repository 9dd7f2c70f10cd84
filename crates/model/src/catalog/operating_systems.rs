//! Operating systems that images can hold, and the ends of their support, as their vendors publish
//! them: for Debian the end of long-term support counts.

use base::Timestamp;

/// An operating system, with the fields of IBM's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatingSystem {
    /// Unique name, such as `debian-12-amd64`.
    pub name: &'static str,
    /// Name for people.
    pub display_name: &'static str,
    /// Family, such as `Debian GNU/Linux`.
    pub family: &'static str,
    /// Vendor.
    pub vendor: &'static str,
    /// Version.
    pub version: &'static str,
    /// `amd64`, as QEMU guests here are.
    pub architecture: &'static str,
    /// How first-boot data is read.
    pub user_data_format: &'static str,
    /// Custom images may name it.
    pub allow_user_image_creation: bool,
    /// Only on dedicated hosts.
    pub dedicated_host_only: bool,
    /// The day from which its stock images are deprecated: general support ends. `YYYY-MM-DD`.
    pub support_ends: Option<&'static str>,
    /// The day from which they are obsolete: its vendor ends it. `YYYY-MM-DD`.
    pub vendor_ends: Option<&'static str>,
}

impl OperatingSystem {
    const fn until(
        self,
        support_ends: Option<&'static str>,
        vendor_ends: Option<&'static str>,
    ) -> Self {
        Self { support_ends, vendor_ends, ..self }
    }

    /// When general support ends.
    #[must_use]
    pub fn support_ends_at(&self) -> Option<Timestamp> {
        self.support_ends.and_then(midnight)
    }

    /// When its vendor ends it.
    #[must_use]
    pub fn vendor_ends_at(&self) -> Option<Timestamp> {
        self.vendor_ends.and_then(midnight)
    }
}

fn midnight(day: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{day}T00:00:00Z")).ok()
}

const fn linux(
    name: &'static str,
    display_name: &'static str,
    family: &'static str,
    vendor: &'static str,
    version: &'static str,
) -> OperatingSystem {
    OperatingSystem {
        name,
        display_name,
        family,
        vendor,
        version,
        architecture: "amd64",
        user_data_format: "cloud_init",
        allow_user_image_creation: true,
        dedicated_host_only: false,
        support_ends: None,
        vendor_ends: None,
    }
}

/// All of them, by name.
pub const OPERATING_SYSTEMS: &[OperatingSystem] = &[
    linux("almalinux-9-amd64", "AlmaLinux 9.x (amd64)", "AlmaLinux", "AlmaLinux", "9.x")
        .until(Some("2027-05-31"), Some("2032-05-31")),
    linux("centos-stream-9-amd64", "CentOS Stream 9.x (amd64)", "CentOS", "CentOS", "Stream 9")
        .until(None, Some("2027-05-31")),
    linux(
        "debian-11-amd64",
        "Debian GNU/Linux 11.x Bullseye (amd64)",
        "Debian GNU/Linux",
        "Debian",
        "11.x Bullseye",
    )
    .until(Some("2024-08-14"), Some("2026-08-31")),
    linux(
        "debian-12-amd64",
        "Debian GNU/Linux 12.x Bookworm (amd64)",
        "Debian GNU/Linux",
        "Debian",
        "12.x Bookworm",
    )
    .until(Some("2028-06-30"), None),
    linux(
        "debian-13-amd64",
        "Debian GNU/Linux 13.x Trixie (amd64)",
        "Debian GNU/Linux",
        "Debian",
        "13.x Trixie",
    )
    .until(Some("2030-06-30"), None),
    linux(
        "ectype-linux-1-amd64",
        "Ectype Linux 1 (amd64)",
        "Ectype Linux",
        "Ectype",
        "1 (Debian 12 kernel and userland)",
    ),
    linux(
        "fedora-coreos-stable-amd64",
        "Fedora CoreOS Stable (amd64)",
        "Fedora CoreOS",
        "Fedora",
        "Stable",
    ),
    linux("rocky-linux-9-amd64", "Rocky Linux 9.x (amd64)", "Rocky Linux", "Rocky", "9.x")
        .until(Some("2027-05-31"), Some("2032-05-31")),
    linux(
        "ubuntu-22-04-amd64",
        "Ubuntu Linux 22.04 LTS Jammy Jellyfish (amd64)",
        "Ubuntu Linux",
        "Canonical",
        "22.04 LTS Jammy Jellyfish",
    )
    .until(Some("2027-06-01"), Some("2032-05-01")),
    linux(
        "ubuntu-24-04-amd64",
        "Ubuntu Linux 24.04 LTS Noble Numbat (amd64)",
        "Ubuntu Linux",
        "Canonical",
        "24.04 LTS Noble Numbat",
    )
    .until(Some("2029-05-31"), Some("2034-05-01")),
];

/// The operating system of that name.
#[must_use]
pub fn operating_system(name: &str) -> Option<&'static OperatingSystem> {
    OPERATING_SYSTEMS.iter().find(|os| os.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_ends_are_dates_in_order() {
        assert!(OPERATING_SYSTEMS.is_sorted_by_key(|os| os.name));
        for os in OPERATING_SYSTEMS {
            assert_eq!(os.support_ends.is_some(), os.support_ends_at().is_some(), "{}", os.name);
            assert_eq!(os.vendor_ends.is_some(), os.vendor_ends_at().is_some(), "{}", os.name);
            if let (Some(first), Some(last)) = (os.support_ends_at(), os.vendor_ends_at()) {
                assert!(first < last, "{}", os.name);
            }
        }
    }
}
