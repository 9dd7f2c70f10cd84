//! Usage: intervals of billed state, written beside the change that begins or ends them.

use base::{AccountId, ResourceGroupId, Timestamp, UsageId};

use crate::text_enum;

text_enum! {
    /// What is counted.
    Metric {
        /// Gigabytes of an image, while it exists.
        ImageGigabytes = "image_gigabyte_hours",
        /// Gigabytes of a volume, while it exists.
        VolumeGigabytes = "volume_gigabyte_hours",
        /// vCPUs of an instance, while it is started.
        InstanceVcpus = "instance_vcpu_hours",
        /// Gigabytes of memory of an instance, while it is started.
        InstanceMemory = "instance_memory_gigabyte_hours",
    }
}

/// One interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    /// Its id.
    pub id: UsageId,
    /// Who pays.
    pub account: AccountId,
    /// Resource group of the resource.
    pub group: ResourceGroupId,
    /// CRN of the resource.
    pub crn: String,
    /// What is counted.
    pub metric: Metric,
    /// How much of it.
    pub quantity: u64,
    /// Region time at which it began.
    pub from: Timestamp,
    /// Region time at which it ended; none while it goes on.
    pub until: Option<Timestamp>,
}

/// What a change does to usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageChange {
    /// An interval begins.
    Begin(UsageRecord),
    /// Every open interval of the resource ends.
    End {
        /// CRN of the resource.
        crn: String,
        /// Region time.
        at: Timestamp,
    },
}
