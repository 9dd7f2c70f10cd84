//! An instance of Key Protect, and what it has besides keys.

use base::{AccountId, Crn, KmsKeyId, RegionName, ResourceGroupId, ServiceInstanceId, Timestamp};

use crate::text_enum;

/// Where the Key Protect API is below a region's address.
pub const KEY_PROTECT_ENDPOINT: &str = "/api/v2";

/// An instance of a service beside VPC: today always of Key Protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInstance {
    /// Its GUID.
    pub id: ServiceInstanceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its resource group.
    pub group: ResourceGroupId,
    /// Its name; not unique.
    pub name: String,
    /// IAM id of whoever made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts the writes to its row.
    pub revision: u64,
}

impl ServiceInstance {
    /// Its CRN.
    #[must_use]
    pub fn crn(&self, region: &RegionName) -> Crn {
        key_protect_crn(region, &self.account, &self.id, "", "")
    }
}

/// A CRN of Key Protect: of an instance, or of a `kind` in it.
#[must_use]
pub fn key_protect_crn(
    region: &RegionName,
    account: &AccountId,
    instance: &ServiceInstanceId,
    kind: &str,
    resource: &str,
) -> Crn {
    Crn {
        service: "kms".to_owned(),
        location: region.as_str().to_owned(),
        account: Some(account.clone()),
        instance: instance.to_string(),
        kind: kind.to_owned(),
        resource: resource.to_owned(),
    }
}

text_enum! {
    /// Policies of an instance, which new keys begin with.
    InstancePolicyKind {
        /// New keys need two to be deleted.
        DualAuthDelete = "dualAuthDelete",
        /// New generated root keys are rotated every so many months.
        Rotation = "rotation",
        /// Which keys may be made and brought.
        KeyCreateImportAccess = "keyCreateImportAccess",
    }
}

/// A policy of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePolicy {
    /// Which.
    pub kind: InstancePolicyKind,
    /// Whether it counts.
    pub enabled: bool,
    /// Months of a rotation; for key creation the sum of `CREATE_ROOT` and so on.
    pub detail: u32,
    /// Who set it first.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Who set it last.
    pub updated_by: String,
    /// When.
    pub updated_at: Timestamp,
}

impl InstancePolicy {
    /// Root keys may be generated.
    pub const CREATE_ROOT: u32 = 1;
    /// Standard keys may be generated.
    pub const CREATE_STANDARD: u32 = 2;
    /// Root keys may be brought.
    pub const IMPORT_ROOT: u32 = 4;
    /// Standard keys may be brought.
    pub const IMPORT_STANDARD: u32 = 8;
    /// Keys are brought by import token only.
    pub const ENFORCE_TOKEN: u32 = 16;

    /// Whether this policy lets such a key be made.
    #[must_use]
    pub const fn lets_make(&self, extractable: bool, imported: bool) -> bool {
        if !self.enabled || !matches!(self.kind, InstancePolicyKind::KeyCreateImportAccess) {
            return true;
        }
        let needed = match (extractable, imported) {
            (false, false) => Self::CREATE_ROOT,
            (true, false) => Self::CREATE_STANDARD,
            (false, true) => Self::IMPORT_ROOT,
            (true, true) => Self::IMPORT_STANDARD,
        };
        self.detail & needed != 0 && !(imported && self.detail & Self::ENFORCE_TOKEN != 0)
    }
}

/// The key ring that every instance has without being asked.
pub const DEFAULT_RING: &str = "default";

/// A key ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsRing {
    /// Its name, unique in its instance.
    pub id: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// A resource that a root key protects: an image or a volume whose data key it wraps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsRegistration {
    /// The key.
    pub key: KmsKeyId,
    /// The key's name.
    pub key_name: String,
    /// CRN of the resource.
    pub resource: Crn,
    /// When it was made.
    pub created_at: Timestamp,
    /// The resource's data key as it is wrapped, which has the version of the key.
    pub wrapped: Vec<u8>,
}
