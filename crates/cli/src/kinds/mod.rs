//! Kinds of resources: where they are, how they are listed, and what of them is shown.
//!
//! It refuses to know commands. Invariant: a kind's columns are IBM's, in IBM's order. Next to
//! read: `images`.

mod compute;
mod images;
mod key_protect;
mod networks;
mod platform;
mod storage;

pub(crate) use compute::{
    INSTANCE, INSTANCE_ACTION, INSTANCE_INITIALIZATION, INSTANCE_PROFILE, INSTANCE_TEMPLATE, KEY,
    NETWORK_ATTACHMENT, NETWORK_INTERFACE, REGION, VOLUME_ATTACHMENT, ZONE,
};
pub(crate) use images::{
    EXPORT_JOB, IMAGE, IMAGE_BARE_METAL_PROFILE, IMAGE_PROFILE, OPERATING_SYSTEM,
};
pub(crate) use key_protect::{KEY_RING, ROOT_KEY};
pub(crate) use networks::{
    ADDRESS_PREFIX, FLOATING_IP, NETWORK_ACL, NETWORK_ACL_RULE, PUBLIC_GATEWAY, RESERVED_IP, ROUTE,
    ROUTING_TABLE, SECURITY_GROUP, SECURITY_GROUP_RULE, SECURITY_GROUP_TARGET, SUBNET,
    VIRTUAL_NETWORK_INTERFACE, VPC,
};
pub(crate) use platform::{
    ACCESS_GROUP, API_KEY, GROUP_MEMBER, POLICY, RESOURCE_GROUP, SERVICE_ID, SERVICE_INSTANCE, USER,
};
pub(crate) use storage::{SNAPSHOT, VOLUME, VOLUME_PROFILE};

/// A kind of resource.
#[derive(Debug)]
pub(crate) struct Kind {
    /// In lower case, as sentences have it.
    pub noun: &'static str,
    pub plural: &'static str,
    /// Where all of them are; `{}` is the id of the parent.
    pub path: &'static str,
    /// The field of a list's answer that holds them.
    pub key: &'static str,
    /// The field that a path names one by.
    pub id: &'static str,
    pub parent: Option<&'static Kind>,
    pub service: Service,
    /// Lists take `name`.
    pub by_name: bool,
    /// Lists take `resource_group.id`, and a new one has a resource group.
    pub grouped: bool,
    /// A flag that names what a name is unique within, with where that stands in one of a kind.
    pub within: Option<(&'static str, &'static str)>,
    pub columns: &'static [Column],
    /// Empty: all that there is, in the order of names.
    pub details: &'static [Row],
    /// Some are everybody's, and in none of the caller's resource groups.
    pub shared: bool,
    /// It is gone later than the answer to its deletion.
    pub slow_end: bool,
}

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Vpc,
    Iam,
    ResourceManager,
    ResourceController,
    Tagging,
    Search,
    Users,
    Keys,
}

/// A column of a list.
#[derive(Debug)]
pub(crate) struct Column(pub &'static str, pub See);

/// What names another resource.
const ID_NAME: &[Column] = &[Column("ID", See::At("/id")), Column("Name", See::At("/name"))];
/// Why a status is what it is.
const REASONS: &[Column] = &[
    Column("Code", See::At("/code")),
    Column("Message", See::At("/message")),
    Column("More info", See::At("/more_info")),
];

/// A row of the details.
#[derive(Debug)]
pub(crate) enum Row {
    /// A key and its value.
    Value(&'static str, See),
    /// A key, and a table of an object or of several.
    Grid(&'static str, &'static str, &'static [Column]),
}

/// What is seen of a resource.
#[derive(Debug)]
pub(crate) enum See {
    /// What a pointer names.
    At(&'static str),
    /// The first of these that is there.
    First(&'static [&'static str]),
    /// Of each in an array; commas between.
    Each(&'static str, &'static str),
    /// Two with a slash between.
    Pair(&'static str, &'static str),
    /// The beginning of a long text.
    Short(&'static str),
    /// A profile's fixed value, range or choice.
    Range(&'static str),
    /// What a pointer names, when another has not our account.
    Other(&'static str),
}

impl Kind {
    pub const fn new(
        noun: &'static str,
        plural: &'static str,
        path: &'static str,
        key: &'static str,
    ) -> Self {
        Self {
            noun,
            plural,
            path,
            key,
            id: "id",
            parent: None,
            service: Service::Vpc,
            by_name: false,
            grouped: false,
            within: None,
            columns: &[],
            details: &[],
            slow_end: false,
            shared: false,
        }
    }

    pub const fn of(mut self, parent: &'static Self) -> Self {
        self.parent = Some(parent);
        self
    }

    pub const fn named(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    pub const fn at(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    pub const fn by_name(mut self) -> Self {
        self.by_name = true;
        self
    }

    pub const fn grouped(mut self) -> Self {
        self.grouped = true;
        self
    }

    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    pub const fn within(mut self, flag: &'static str, pointer: &'static str) -> Self {
        self.within = Some((flag, pointer));
        self
    }

    pub const fn seen(mut self, columns: &'static [Column]) -> Self {
        self.columns = columns;
        self
    }

    pub const fn told(mut self, details: &'static [Row]) -> Self {
        self.details = details;
        self
    }

    pub const fn slow_end(mut self) -> Self {
        self.slow_end = true;
        self
    }

    /// Where all of them are.
    pub fn all_of(&self, parent: Option<&str>) -> String {
        self.path.replace("{}", parent.unwrap_or_default())
    }

    /// Where one of them is.
    pub fn one_of(&self, parent: Option<&str>, id: &str) -> String {
        format!("{}/{id}", self.all_of(parent).trim_end_matches('/'))
    }
}
