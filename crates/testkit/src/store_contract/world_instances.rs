//! Ways to make volumes and instances.

use base::{
    AttachmentId, ByteCount, Clock as _, InstanceActionId, InstanceId, JobId, NicId, ReservedIpId,
    VolumeId,
};
use meta::{Change, NewInstance, StoreError};
use model::{
    ActionKind, ActionStatus, AllowedUse, Attachment, AttachmentKind, AttachmentStatus,
    HostFailurePolicy, Instance, InstanceAction, InstanceStatus, IpRequest, LifecycleState,
    MetadataService, Nic, Volume, VolumeEncryption, VolumeStatus, VolumeStorage,
};
use policy::Action;

use super::world::{HOST, Made, Net, OS, Tenant, World, name, system};

impl World {
    /// A boot volume of 100 GB.
    pub fn new_volume(&self, tenant: &Tenant, text: &str) -> Volume {
        Volume {
            head: self.head(tenant, VolumeId::mint("r006-", &*self.entropy), text),
            zone: self.zone(),
            profile: "general-purpose".to_owned(),
            capacity: ByteCount::from_gb(100),
            iops: 3_000,
            bandwidth: 393,
            status: VolumeStatus::Available,
            busy: false,
            encryption: VolumeEncryption::ProviderManaged,
            operating_system: Some(OS.to_owned()),
            source_image: None,
            allowed_use: Some(AllowedUse::anything("2026-10-06")),
            user_tags: vec!["env:test".to_owned()],
            storage: VolumeStorage {
                host: HOST.to_owned(),
                generation: 0,
                epoch: 0,
                base: None,
                wrapped_data_key: vec![0, 1, 2, 255],
            },
        }
    }

    /// A data volume of 10 GB.
    pub fn new_data_volume(&self, tenant: &Tenant, text: &str) -> Volume {
        let mut volume = self.new_volume(tenant, text);
        volume.capacity = ByteCount::from_gb(10);
        volume.operating_system = None;
        volume.allowed_use = None;
        volume.user_tags.clear();
        volume
    }

    /// Writes an unattached volume.
    pub async fn volume_put(&self, tenant: &Tenant, volume: Volume) -> VolumeId {
        let id = volume.head.id.clone();
        let change = self.change(tenant, "is.volume.volume.create", &id);
        let permit = tenant.may_make(Action::VolumeCreate);
        self.store.volume_create(&permit, volume, change).await.unwrap();
        id
    }

    /// An attachment.
    pub fn new_attachment(
        &self,
        instance: &InstanceId,
        volume: &VolumeId,
        position: u32,
    ) -> Attachment {
        Attachment {
            id: AttachmentId::mint("0717-", &*self.entropy),
            name: name(&format!("attachment-{position}")),
            instance: instance.clone(),
            volume: volume.clone(),
            kind: if position == 0 { AttachmentKind::Boot } else { AttachmentKind::Data },
            status: AttachmentStatus::Attached,
            delete_volume_on_instance_delete: position == 0,
            position,
            created_at: self.clock.region(),
        }
    }

    /// An instance with one new boot volume and one interface.
    pub fn new_instance(&self, tenant: &Tenant, net: &Net, text: &str) -> NewInstance {
        let e = &*self.entropy;
        let head = self.head(tenant, InstanceId::mint("0717_", e), text);
        let volume = self.new_volume(tenant, &format!("{text}-boot"));
        let attachment = self.new_attachment(&head.id, &volume.head.id, 0);
        let nic = Nic {
            head: self.head(tenant, NicId::mint("0717-", e), "eth0"),
            instance: head.id.clone(),
            subnet: net.subnet.head.id.clone(),
            primary_ip: ReservedIpId::mint("0717-", e),
            security_groups: vec![net.security_group.clone()],
            allow_ip_spoofing: false,
            primary: true,
            mac: "02:00:00:00:00:01".to_owned(),
        };
        let job = self.job(tenant, "instance-start", &head.id);
        NewInstance {
            instance: Instance {
                head,
                zone: self.zone(),
                vpc: net.vpc.head.id.clone(),
                profile: "bx2-2x8".to_owned(),
                image: None,
                status: InstanceStatus::Pending,
                status_reasons: Vec::new(),
                lifecycle_state: LifecycleState::Pending,
                keys: Vec::new(),
                user_data: Some("#!/bin/sh\n".to_owned()),
                metadata_service: MetadataService::default(),
                host_failure: HostFailurePolicy::Restart,
                total_volume_bandwidth: 1_000,
                host: HOST.to_owned(),
            },
            volumes: vec![volume],
            attachments: vec![attachment],
            nics: vec![(nic, IpRequest::Any { name: None })],
            network_attachments: Vec::new(),
            job,
        }
    }

    /// Writes an instance; it is pending and its job waits to be taken.
    pub async fn instance_put(&self, tenant: &Tenant, new: NewInstance) -> Made {
        let made = Made {
            id: new.instance.head.id.clone(),
            volume: new.attachments[0].volume.clone(),
            job: new.job.id.clone(),
        };
        let change = self.change(tenant, "is.instance.instance.create", &made.id);
        let permit = tenant.may_make(Action::InstanceCreate);
        self.store.instance_create(&permit, new, change).await.unwrap();
        made
    }

    /// Moves an instance to a status.
    pub async fn instance_becomes(&self, id: &InstanceId, status: InstanceStatus) {
        self.store
            .instance_status_set(
                system(),
                id,
                InstanceStatus::ALL,
                status,
                Vec::new(),
                LifecycleState::Stable,
                Change::default(),
            )
            .await
            .unwrap();
    }

    /// An instance that was started and stopped; no job is left.
    pub async fn stopped(&self, tenant: &Tenant, net: &Net, text: &str) -> Made {
        let made = self.instance_put(tenant, self.new_instance(tenant, net, text)).await;
        let fence = self.claim_of(&made.job).await;
        self.instance_becomes(&made.id, InstanceStatus::Stopped).await;
        self.finish(&fence).await;
        made
    }

    /// Something asked of an instance.
    pub fn new_action(&self, instance: &InstanceId, kind: ActionKind) -> InstanceAction {
        InstanceAction {
            id: InstanceActionId::mint("action-", &*self.entropy),
            instance: instance.clone(),
            kind,
            force: false,
            status: ActionStatus::Pending,
            created_at: self.tick(),
            started_at: None,
            completed_at: None,
        }
    }

    /// Takes an action; returns it with its job.
    pub async fn act(
        &self,
        tenant: &Tenant,
        instance: &InstanceId,
        kind: ActionKind,
    ) -> Result<(InstanceAction, JobId), StoreError> {
        let job = self.job(tenant, "instance-action", instance);
        let id = job.id.clone();
        let change = self.change(tenant, "is.instance.instance.operate", instance);
        let action = self.new_action(instance, kind);
        let permit = tenant.may(Action::InstanceOperate, instance);
        let action = self.store.instance_action(&permit, action, job, change).await?;
        Ok((action, id))
    }
}
