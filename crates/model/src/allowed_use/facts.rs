//! What expressions are about: the variables, and their values for one instance.

use std::fmt;

use super::{judge::Value, kinds::Kind};
use crate::{Instance, MetadataProtocol, MetadataService, catalog::instance_profile};

/// What an expression is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// A virtual server instance.
    Instance,
    /// A bare metal server. There are none here: such an expression is only read.
    BareMetalServer,
}

const INSTANCE: &[(&str, Kind)] = &[
    ("enable_secure_boot", Kind::Bool),
    ("gpu.count", Kind::Int),
    ("gpu.manufacturer", Kind::Text),
    ("gpu.memory", Kind::Int),
    ("gpu.model", Kind::Text),
    ("metadata_service.enabled", Kind::Bool),
    ("metadata_service.protocol", Kind::Text),
    ("vcpu.count", Kind::Int),
];

const BARE_METAL_SERVER: &[(&str, Kind)] = &[("enable_secure_boot", Kind::Bool)];

impl Over {
    const fn table(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Instance => INSTANCE,
            Self::BareMetalServer => BARE_METAL_SERVER,
        }
    }

    /// The variables, by name.
    pub fn variables(self) -> impl Iterator<Item = &'static str> {
        self.table().iter().map(|(name, _)| *name)
    }

    pub(super) fn kind(self, name: &str) -> Option<Kind> {
        self.table().iter().find(|(known, _)| *known == name).map(|(_, kind)| kind.clone())
    }
}

/// What is judged of an instance. Secure boot and GPUs are not offered here: off and none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceFacts<'a> {
    /// Name of its profile, for messages.
    pub profile: &'a str,
    /// Virtual CPUs of its profile.
    pub vcpus: u32,
    /// Its metadata service answers.
    pub metadata_enabled: bool,
    /// And how.
    pub metadata_protocol: MetadataProtocol,
}

impl<'a> InstanceFacts<'a> {
    /// Of an instance with this profile and metadata service.
    #[must_use]
    pub fn new(profile: &'a str, metadata: &MetadataService) -> Self {
        Self {
            profile,
            vcpus: instance_profile(profile).map_or(0, |profile| profile.vcpus),
            metadata_enabled: metadata.enabled,
            metadata_protocol: metadata.protocol,
        }
    }

    /// Of an instance.
    #[must_use]
    pub fn of(instance: &'a Instance) -> Self {
        Self::new(&instance.profile, &instance.metadata_service)
    }

    pub(super) fn value(&self, over: Over, name: &str) -> Option<Value<'_>> {
        over.kind(name)?;
        Some(match name {
            "enable_secure_boot" => Value::Bool(false),
            "gpu.count" | "gpu.memory" => Value::Int(0),
            "gpu.manufacturer" | "gpu.model" => Value::Text("".into()),
            "metadata_service.enabled" => Value::Bool(self.metadata_enabled),
            "metadata_service.protocol" => Value::Text(self.metadata_protocol.as_str().into()),
            "vcpu.count" => Value::Int(i64::from(self.vcpus)),
            _ => return None,
        })
    }
}

impl fmt::Display for InstanceFacts<'_> {
    /// What differs between instances.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "profile {} with vcpu.count {}, metadata_service.enabled {}, \
             metadata_service.protocol {}",
            self.profile, self.vcpus, self.metadata_enabled, self.metadata_protocol
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_a_value_of_its_kind() {
        let facts = InstanceFacts {
            profile: "bx2-2x8",
            vcpus: 2,
            metadata_enabled: true,
            metadata_protocol: MetadataProtocol::Https,
        };
        for (name, kind) in INSTANCE {
            let value = facts.value(Over::Instance, name).unwrap();
            assert_eq!(&value.kind(), kind, "{name}");
        }
        assert_eq!(facts.value(Over::BareMetalServer, "vcpu.count"), None);
    }
}
