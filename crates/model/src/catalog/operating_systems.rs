//! Operating systems that images can hold.

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
    }
}

/// All of them, by name.
pub const OPERATING_SYSTEMS: &[OperatingSystem] = &[
    linux("almalinux-9-amd64", "AlmaLinux 9.x (amd64)", "AlmaLinux", "AlmaLinux", "9.x"),
    linux("centos-stream-9-amd64", "CentOS Stream 9.x (amd64)", "CentOS", "CentOS", "Stream 9"),
    linux(
        "debian-11-amd64",
        "Debian GNU/Linux 11.x Bullseye (amd64)",
        "Debian GNU/Linux",
        "Debian",
        "11.x Bullseye",
    ),
    linux(
        "debian-12-amd64",
        "Debian GNU/Linux 12.x Bookworm (amd64)",
        "Debian GNU/Linux",
        "Debian",
        "12.x Bookworm",
    ),
    linux(
        "debian-13-amd64",
        "Debian GNU/Linux 13.x Trixie (amd64)",
        "Debian GNU/Linux",
        "Debian",
        "13.x Trixie",
    ),
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
    linux("rocky-linux-9-amd64", "Rocky Linux 9.x (amd64)", "Rocky Linux", "Rocky", "9.x"),
    linux(
        "ubuntu-22-04-amd64",
        "Ubuntu Linux 22.04 LTS Jammy Jellyfish (amd64)",
        "Ubuntu Linux",
        "Canonical",
        "22.04 LTS Jammy Jellyfish",
    ),
    linux(
        "ubuntu-24-04-amd64",
        "Ubuntu Linux 24.04 LTS Noble Numbat (amd64)",
        "Ubuntu Linux",
        "Canonical",
        "24.04 LTS Noble Numbat",
    ),
];

/// The operating system of that name.
#[must_use]
pub fn operating_system(name: &str) -> Option<&'static OperatingSystem> {
    OPERATING_SYSTEMS.iter().find(|os| os.name == name)
}
