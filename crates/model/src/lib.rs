//! The region's resources, their status tables, its catalogue and its records.
//!
//! It refuses to know HTTP, SQL, files and processes. Its invariant: which status may follow
//! which, and which request a state forbids, is decided by the tables and pure functions here
//! and nowhere else.
//!
//! Next to read: `image` for the heart of it, then `policy` and `meta`.

pub mod catalog;

mod access;
mod account;
mod allowed_use;
mod event;
mod fault;
mod firewall;
mod firewall_wanted;
mod floating_ip;
mod floating_refusal;
mod identity;
mod image;
mod instance;
mod instance_template;
mod key_protect;
mod limits;
mod lineage;
mod name;
mod network;
mod refusal;
mod search;
mod ssh_key;
mod tag;
mod usage;
mod view;
mod vni;
mod vni_refusal;
mod volume;
mod volume_change;

pub use access::{
    ATTRIBUTES_MAX, AccessGroup, AccessPolicy, Attribute, AttributeValue, CONDITION_DEPTH_MAX,
    CONDITIONS_MAX, ClaimCondition, Condition, CustomRole, DayOffset, DayTime, FIELD_DATE_TIME,
    FIELD_DAY, FIELD_TIME, GroupMember, GroupRule, MemberKind, Operator, POLICY_ROLES_MAX,
    PolicyKind, PolicyState, PolicyTerms, RESOURCE_FIELD, RULES_MAX_HOURS, TermsError,
    VALUE_LEN_MAX, VALUES_MAX, day_of_week, time_of_day,
};
pub use account::{Account, ResourceGroup, TokenKey};
pub use allowed_use::{
    AllowedUse, EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, Expression, ExpressionError,
    InstanceFacts, NoResult, Over,
};
pub use event::{Event, EventDraft, Initiator, Outcome, Severity, Target};
pub use fault::{ForceStatus, Forced, check_force_image, check_force_volume};
pub use firewall::{
    Acl, AclRule, IpRange, Protocol, RuleRemote, SecurityGroup, SecurityGroupRule, Traffic,
    TrafficError, TrafficPatch,
};
pub use firewall_wanted::{
    AclCreate, AclRuleCreate, AclRuleUpdate, AclRules, RemoteWanted, SecurityGroupCreate,
    SecurityGroupRuleCreate, SecurityGroupRuleUpdate,
};
pub use floating_ip::{
    FLOATING_SOURCE, FloatingIp, FloatingIpView, FloatingNicRef, FloatingTarget, FloatingTargetRef,
    OPEN_PORTS_MAX, OPEN_RANGE_MAX, OpenPort, PublicGateway, PublicGatewayView, floating_pool,
    lets_out, open_ports,
};
pub use floating_refusal::FloatingRefusal;
pub use identity::{
    ApiKey, HistoryRecord, Principal, PrincipalKind, ProfilePart, ProfilePartKind, Session,
    WhenLeaked, entity_tag,
};
pub use image::{
    IMAGE_TRANSITIONS, Image, ImageEncryption, ImageGuard, ImagePatch, ImageStatus,
    ImageStatusReason, ImageTransition, ImageTrigger, LifecycleChange, SealedRef, SourceVolume,
    Visibility, apply_due, check_source, deleting_failed, image_profiles, lifecycle_change,
    system_ends,
};
pub use instance::{
    ActionCourse, ActionKind, ActionStatus, HostFailurePolicy, Instance, InstanceAction,
    InstancePatch, InstanceStatus, InstanceStatusReason, LifecycleState, MetadataProtocol,
    MetadataService, instance_transition,
};
pub use instance_template::InstanceTemplate;
pub use key_protect::{
    DEFAULT_RING, DeletionSet, EARLY_WAIT, InstancePolicy, InstancePolicyKind,
    KEY_PROTECT_ENDPOINT, KmsKey, KmsKeyState, KmsPolicy, KmsPolicyWant, KmsRefusal,
    KmsRegistration, KmsRing, KmsSearch, KmsSort, KmsSortBy, PURGE_AT_AGE, PURGE_WAIT, RESTORE_MAX,
    ROTATE_WAIT, SET_FOR_DELETION_MAX, ServiceInstance, key_protect_crn, version_id,
};
pub use limits::{LIMITS, Limit};
pub use lineage::{Ancestor, ImageLineage, LineageItem, Lineages};
pub use name::{NAME_LEN_MAX, NameError, ResourceName, generated_name};
pub use network::{
    AddressPrefix, IpHolder, IpOrder, IpOwner, IpRequest, IpSort, Nic, NicPatch, ReservedIp,
    RoutingTable, Subnet, SubnetPatch, Vpc,
};
pub use refusal::Refusal;
pub use search::{
    Found, Piece, QUERY_BYTES_MAX, QUERY_DEPTH_MAX, QUERY_TERMS_MAX, SEARCH_LIMIT_MAX, SearchError,
    SearchField, SearchQuery, SearchTest, TERM_WILDCARDS_MAX, Wildcard,
};
pub use ssh_key::{SshKey, SshKeyType};
pub use tag::{TAG_LEN_MAX, Tag, TagError, TagKind, TagMode, TagPattern, tags_attached};
pub use usage::{Metric, UsageChange, UsageRecord};
pub use view::{
    AclView, AttachmentView, FloatingIpRef, GroupTarget, ImageView, InstanceView, InterfaceRef,
    IpReference, IpTarget, NicView, Reference, ReservedIpView, RoutingTableView, SecurityGroupView,
    SubnetView, VniMember, VniRef, VniView, VolumeView, VpcView,
};
pub use vni::{
    NetworkAttachment, NetworkAttachmentCreate, StateFiltering, Vni, VniCreate, VniPatch, VniWanted,
};
pub use vni_refusal::VniRefusal;
pub use volume::{
    Attachment, AttachmentKind, AttachmentStatus, Volume, VolumeEncryption, VolumePatch,
    VolumeStatus, VolumeStorage,
};
pub use volume_change::{VolumeShape, volume_shape};

use base::{AccountId, ResourceGroupId, Timestamp};

/// What every resource of an account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<Id> {
    /// Its id.
    pub id: Id,
    /// Whose it is.
    pub account: AccountId,
    /// Its resource group; it never moves to another.
    pub group: ResourceGroupId,
    /// Its name, unique for its type in account and region (or in its parent).
    pub name: ResourceName,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// Counts the writes to its row; a write names the revision it saw.
    pub revision: u64,
}

/// Declares an enum whose values have one text each, on the wire and in the database.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The value as IBM spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value of that spelling.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use text_enum;
