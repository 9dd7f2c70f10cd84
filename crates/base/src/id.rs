//! Typed ids. An id is opaque: it is parsed at the door or minted here, and nothing else.
//!
//! IBM's shapes: regional ids `r006-<uuid>`, zonal ids `0717-<uuid>`, instances `0717_<uuid>`,
//! accounts and resource groups 32 hexadecimal digits.

use std::fmt;

use crate::Entropy;

/// Longest id that is accepted.
const ID_LEN_MAX: usize = 64;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct IdError;

fn checked(text: &str) -> Result<Box<str>, IdError> {
    let ok = !text.is_empty()
        && text.len() <= ID_LEN_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.');
    if ok { Ok(text.into()) } else { Err(IdError) }
}

/// A random version-4 UUID as text.
pub fn uuid_of(entropy: &dyn Entropy) -> String {
    let mut b = [0_u8; 16];
    entropy.fill(&mut b);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let hex = |part: &[u8]| part.iter().map(|x| format!("{x:02x}")).collect::<String>();
    let parts = [&b[..4], &b[4..6], &b[6..8], &b[8..10], &b[10..]];
    parts.map(hex).join("-")
}

/// 32 random hexadecimal digits.
pub fn hex_of(entropy: &dyn Entropy) -> String {
    uuid_of(entropy).replace('-', "")
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads an id.
            ///
            /// # Errors
            /// When the text is empty, too long, or has other than letters, digits, `-`, `_`, `.`.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                checked(text).map(Self)
            }

            /// A new id: `prefix` (such as `r006-`) and a random UUID; without a prefix,
            /// 32 hexadecimal digits.
            pub fn mint(prefix: &str, entropy: &dyn Entropy) -> Self {
                let text = if prefix.is_empty() {
                    hex_of(entropy)
                } else {
                    format!("{prefix}{}", uuid_of(entropy))
                };
                Self(text.into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    )*};
}

ids! {
    /// An account: 32 hexadecimal digits.
    AccountId;
    /// A principal's IAM id: `IBMid-…`, `iam-ServiceId-…`.
    PrincipalId;
    /// An API key of IAM.
    ApiKeyId;
    /// A key that signs tokens (`kid`).
    TokenKeyId;
    /// A policy of IAM: a UUID.
    PolicyId;
    /// A custom role of an account: a UUID.
    RoleId;
    /// An access group: `AccessGroupId-…`.
    AccessGroupId;
    /// A rule by which federated users join an access group: `ClaimRule-…`.
    AccessGroupRuleId;
    /// A resource group: 32 hexadecimal digits.
    ResourceGroupId;
    /// A VPC.
    VpcId;
    /// A network ACL.
    AclId;
    /// A rule of a network ACL.
    AclRuleId;
    /// A security group.
    SecurityGroupId;
    /// A rule of a security group.
    SecurityGroupRuleId;
    /// A routing table.
    RoutingTableId;
    /// An address prefix of a VPC.
    AddressPrefixId;
    /// A subnet.
    SubnetId;
    /// A reserved IP of a subnet.
    ReservedIpId;
    /// A network interface of an instance, or a network attachment, which old clients see as one.
    NicId;
    /// A virtual network interface.
    VniId;
    /// What security groups apply to: a network interface or a virtual network interface.
    TargetId;
    /// A floating IP.
    FloatingIpId;
    /// A public gateway.
    PublicGatewayId;
    /// An SSH key.
    KeyId;
    /// A volume.
    VolumeId;
    /// An instance template.
    InstanceTemplateId;
    /// A volume attachment.
    AttachmentId;
    /// An instance.
    InstanceId;
    /// An action asked of an instance.
    InstanceActionId;
    /// An image.
    ImageId;
    /// A durable job.
    JobId;
    /// An event record.
    EventId;
    /// A usage record.
    UsageId;
    /// An instance of a service beside VPC, such as Key Protect: its GUID.
    ServiceInstanceId;
    /// A key of Key Protect, root or standard: a UUID.
    KmsKeyId;
}

impl PrincipalId {
    /// The region's operator, who is in no account.
    #[must_use]
    pub fn operator() -> Self {
        Self("ectype-operator".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn a_minted_id_has_its_prefix_and_a_uuid() {
        let id = ImageId::mint("r006-", &SeededEntropy::new(1));
        let uuid = id.as_str().strip_prefix("r006-").unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert_eq!(ImageId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn an_account_id_is_32_hexadecimal_digits() {
        let id = AccountId::mint("", &SeededEntropy::new(1));
        assert_eq!(id.as_str().len(), 32);
        assert!(id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn ids_at_the_length_limit() {
        assert!(VolumeId::parse(&"a".repeat(ID_LEN_MAX)).is_ok());
        assert!(VolumeId::parse(&"a".repeat(ID_LEN_MAX + 1)).is_err());
    }

    #[test]
    fn odd_characters_are_refused() {
        for text in ["", "a/b", "a b", "é", "a\n", "'"] {
            assert!(VolumeId::parse(text).is_err(), "{text:?}");
        }
    }
}
