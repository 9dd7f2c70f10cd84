//! Roles: of the platform, and of services.
//!
//! Which actions a role holds is in the one table of `action`. Here are the roles' names, and the
//! services that have them.

use std::fmt;

use model::CustomRole;

use crate::Action;

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $name:literal, $services:expr, $about:literal;)*) => {
        /// A role that the region knows by itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role { $($(#[$doc])* $variant,)* }

        impl Role {
            /// Every role; those of the platform first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The last part of its CRN.
            const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What users see.
            #[must_use]
            pub const fn display_name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is for.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The services that have it; none for a role of the platform.
            const fn services(self) -> &'static [&'static str] {
                match self { $(Self::$variant => $services,)* }
            }
        }
    };
}

const ALL_SERVICES: &[&str] = &["is", "kms", "cloud-object-storage"];

roles! {
    /// Everything a platform has, access for others included.
    Administrator = "Administrator", "Administrator", &[],
        "Does everything on the resources, and gives access to them.";
    /// Makes, changes and deletes.
    Editor = "Editor", "Editor", &[],
        "Makes, changes, uses and deletes the resources.";
    /// Uses what is there.
    Operator = "Operator", "Operator", &[],
        "Uses the resources that are there, and looks at them.";
    /// Looks.
    Viewer = "Viewer", "Viewer", &[],
        "Looks at the resources and changes nothing.";
    /// Of a service: all that the service itself offers.
    Manager = "Manager", "Manager", ALL_SERVICES,
        "Does all that the service itself offers.";
    /// Of a service: reads and writes.
    Writer = "Writer", "Writer", ALL_SERVICES,
        "Reads and writes within the service.";
    /// Of a service: reads.
    Reader = "Reader", "Reader", ALL_SERVICES,
        "Reads within the service.";
    /// Of VPC: consoles of instances.
    ConsoleAdministrator = "VirtualServerConsoleAdmin", "Console Administrator", &["is"],
        "Reads and uses the consoles of instances.";
    /// Of VPC: spoofing of addresses.
    IpSpoofingOperator = "IPSpoofingOperator", "IP Spoofing Operator", &["is"],
        "Turns the check of source addresses on and off.";
    /// Of VPC: client VPNs.
    VpnClient = "VPNClient", "Users of the VPN server need this role to connect to the VPN server", &["is"],
        "Connects to client VPN servers.";
    /// Reads configuration.
    ConfigurationReader = "ConfigReader", "Service Configuration Reader", &["is", "kms"],
        "Reads the configuration of resources for governance.";
    /// Of Key Protect: reads, and wraps and unwraps.
    ReaderPlus = "ReaderPlus", "ReaderPlus", &["kms"],
        "Reads keys and their material.";
    /// Of Key Protect: deletes for good.
    KeyPurge = "KeyPurge", "KeyPurge", &["kms"],
        "Deletes for good the keys that are deleted.";
    /// Gives on what it was given.
    AuthorizationDelegator = "AuthorizationDelegator", "Authorization Delegator", &["kms"],
        "Lets other services use what this service was let in to.";
    /// Of Object Storage: writes objects.
    ObjectWriter = "ObjectWriter", "Object Writer", &["cloud-object-storage"],
        "Writes objects into buckets.";
    /// Of Object Storage: reads objects.
    ObjectReader = "ObjectReader", "Object Reader", &["cloud-object-storage"],
        "Reads objects, without lists of them.";
    /// Of Object Storage: reads and lists objects.
    ContentReader = "ContentReader", "Content Reader", &["cloud-object-storage"],
        "Reads and lists objects.";
}

impl Role {
    /// The four of the platform.
    pub const PLATFORM: [Self; 4] =
        [Self::Administrator, Self::Editor, Self::Operator, Self::Viewer];

    /// Whether it is one of the platform's four.
    #[must_use]
    pub const fn is_platform(self) -> bool {
        self.services().is_empty()
    }

    /// Its CRN.
    #[must_use]
    pub fn crn(self) -> String {
        let kind = if self.is_platform() { "role" } else { "serviceRole" };
        format!("crn:v1:bluemix:public:iam::::{kind}:{}", self.id())
    }

    /// The role of a CRN. VPC's own roles are spelled under `iam` and under `is`.
    #[must_use]
    pub fn parse(crn: &str) -> Option<Self> {
        let rest = crn.strip_prefix("crn:v1:bluemix:public:")?;
        let found = |kind: &str, id: &str| {
            let platform = match kind {
                "role" => true,
                "serviceRole" => false,
                _ => return None,
            };
            Self::ALL.iter().copied().find(|r| r.id() == id && r.is_platform() == platform)
        };
        if let Some((kind, id)) = rest.strip_prefix("iam::::").and_then(|r| r.split_once(':')) {
            return found(kind, id);
        }
        let (kind, id) = rest.strip_prefix("is::::")?.split_once(':')?;
        found(kind, id).filter(|role| role.services() == ["is"])
    }

    /// The roles that a service has of its own.
    pub fn of_service(service: &str) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| role.services().contains(&service))
    }

    /// The names of the actions that it holds on a service.
    #[must_use]
    pub fn actions_on(self, service: &str) -> Vec<&'static str> {
        let there = |action: Action| match action.place() {
            None => true,
            Some(place) => place.service == service || action.is_carried(),
        };
        let held = Action::ALL.iter().filter(|a| a.roles().has(self) && there(**a));
        held.map(|a| a.as_str()).collect()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.display_name())
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleSet(u32);

impl RoleSet {
    /// No role.
    pub const NONE: Self = Self(0);

    /// These and `role`.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u32)
    }

    /// Whether `role` is one of them.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u32) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one role is in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The first of `roles` that no role of the region or of the account has as its CRN.
#[must_use]
pub fn unknown_role<'a>(roles: &'a [String], custom: &[CustomRole]) -> Option<&'a str> {
    let known = |crn: &str| Role::parse(crn).is_some() || custom.iter().any(|r| r.crn() == crn);
    roles.iter().map(String::as_str).find(|crn| !known(crn))
}

/// Whether a custom role of `service` may hold the action: one of the service's own, or one that
/// every platform role carries.
#[must_use]
pub fn action_fits(service: &str, action: &str) -> bool {
    let Some(action) = Action::parse(action) else { return false };
    match action.place() {
        None => true,
        Some(place) => place.service == service || action.is_carried(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_crn_that_reads_back() {
        for &role in Role::ALL {
            assert_eq!(Role::parse(&role.crn()), Some(role), "{role}");
        }
        assert_eq!(Role::Viewer.crn(), "crn:v1:bluemix:public:iam::::role:Viewer");
        assert_eq!(Role::Reader.crn(), "crn:v1:bluemix:public:iam::::serviceRole:Reader");
    }

    #[test]
    fn roles_of_vpc_are_spelled_two_ways_and_others_one() {
        let of = |text: &str| Role::parse(&format!("crn:v1:bluemix:public:{text}"));
        assert_eq!(of("is::::serviceRole:VPNClient"), Some(Role::VpnClient));
        for odd in [
            "is::::serviceRole:Reader",
            "is::::role:Viewer",
            "iam::::serviceRole:Viewer",
            "iam::::role:Reader",
            "iam::::role:viewer",
            "iam::::role:",
            "kms::::serviceRole:KeyPurge",
        ] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }

    #[test]
    fn services_have_roles_of_their_own() {
        let of = |service| Role::of_service(service).map(Role::display_name).collect::<Vec<_>>();
        assert!(of("is").contains(&"Console Administrator"));
        assert!(of("kms").contains(&"ReaderPlus"));
        assert!(of("cloud-object-storage").contains(&"Object Writer"));
        assert!(of("is").iter().all(|name| *name != "Viewer"));
        assert!(Role::Viewer.actions_on("is").contains(&"is.image.image.list"));
        assert!(!Role::Viewer.actions_on("kms").contains(&"is.image.image.list"));
    }

    #[test]
    fn a_custom_role_holds_actions_of_its_service() {
        assert!(action_fits("is", "is.image.image.list"));
        assert!(action_fits("is", "global-search-tagging.tag.attach-user-tag"));
        assert!(!action_fits("kms", "is.image.image.list"));
        assert!(!action_fits("is", "iam.policy.create"));
        assert!(!action_fits("is", "is.image.image.paint"));
    }
}
