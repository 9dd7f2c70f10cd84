//! Volumes: create, read, change, delete.

use base::{ByteCount, Crn, ResourceGroupId, VolumeId, ZoneName};
use jobs::NewJob;
use meta::{Page, Paged, VolumeFilter};
use model::{
    AllowedUse, Metric, ResourceName, UsageChange, UsageRecord, Volume, VolumeEncryption,
    VolumePatch, VolumeStatus, VolumeStorage, VolumeView,
    catalog::{VolumeProfile, volume_profile},
};
use policy::Action;

use super::VolumeCreate;
use crate::{Control, Error, RequestContext, storage::volume_crn};

/// The facts of a new volume that its creator has decided.
pub(crate) struct VolumeDraft {
    pub(crate) name: Option<ResourceName>,
    pub(crate) group: ResourceGroupId,
    pub(crate) zone: ZoneName,
    pub(crate) profile: &'static VolumeProfile,
    pub(crate) capacity: ByteCount,
    pub(crate) iops: Option<u32>,
    pub(crate) bandwidth: Option<u32>,
    pub(crate) user_tags: Vec<String>,
    /// Operating system and allowed use; boot volumes only.
    pub(crate) boot: Option<(String, AllowedUse)>,
}

impl Control {
    /// The volume profile that `field` of a request names.
    pub(crate) fn volume_profile(
        name: &str,
        field: &'static str,
    ) -> Result<&'static VolumeProfile, Error> {
        volume_profile(name).ok_or_else(|| Error::Invalid {
            field,
            code: "bad_field",
            why: format!("There is no volume profile {name}."),
        })
    }

    /// A new volume row with a data key of its own; nothing is written yet.
    pub(crate) async fn volume_draft(
        &self,
        ctx: &RequestContext,
        draft: VolumeDraft,
    ) -> Result<Volume, Error> {
        let gb = draft.capacity.gb_ceil();
        draft.profile.check_capacity(gb, draft.boot.is_some())?;
        let iops = draft.profile.iops(gb, draft.iops, draft.boot.is_some())?;
        let id = VolumeId::mint(self.region().id_prefix(), self.entropy());
        let crn = Crn::vpc(draft.zone.as_str(), &ctx.caller.account, "volume", id.as_str());
        let wrapped_data_key = self
            .parts
            .storage
            .data_key_mint(&crn, &ctx.caller.account)
            .await
            .map_err(Error::unavailable)?;
        let name = self.name_or_made(draft.name.as_ref());
        let (operating_system, allowed_use) = draft.boot.unzip();
        Ok(Volume {
            head: self.head(ctx, id, draft.group, name, self.now()),
            zone: draft.zone,
            profile: draft.profile.name.to_owned(),
            capacity: draft.capacity,
            iops,
            bandwidth: draft.profile.bandwidth_of(iops, draft.bandwidth)?,
            status: VolumeStatus::Available,
            busy: false,
            encryption: VolumeEncryption::ProviderManaged,
            operating_system,
            source_image: None,
            allowed_use,
            user_tags: draft.user_tags,
            storage: VolumeStorage {
                host: self.config.host.clone(),
                generation: 1,
                epoch: 0,
                base: None,
                wrapped_data_key,
            },
        })
    }

    /// Usage of a volume begins.
    pub(crate) fn volume_usage(&self, volume: &Volume) -> UsageChange {
        UsageChange::Begin(UsageRecord {
            id: base::UsageId::mint("", self.entropy()),
            account: volume.head.account.clone(),
            group: volume.head.group.clone(),
            crn: volume_crn(volume).to_string(),
            metric: Metric::VolumeGigabytes,
            quantity: volume.capacity.gb_ceil(),
            from: self.now(),
            until: None,
        })
    }

    /// Makes a data volume.
    ///
    /// # Errors
    /// An unknown profile, a size or speed out of bounds, a taken name, the limit.
    pub async fn volume_create(
        &self,
        ctx: &RequestContext,
        want: VolumeCreate,
    ) -> Result<VolumeView, Error> {
        Self::no_root_key(want.encryption_key.as_deref())?;
        let profile = Self::volume_profile(&want.profile, "profile")?;
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::VolumeCreate, &group).await?;
        let draft = VolumeDraft {
            name: want.name,
            group,
            zone: want.zone,
            profile,
            capacity: want.capacity,
            iops: want.iops,
            bandwidth: want.bandwidth,
            user_tags: want.user_tags,
            boot: None,
        };
        let volume = self.volume_draft(ctx, draft).await?;
        let id = volume.head.id.clone();
        let usage = vec![self.volume_usage(&volume)];
        let zone = volume.zone.clone();
        let change = self.change_with(
            ctx,
            Action::VolumeCreate,
            "volume",
            &volume.head,
            zone.as_str(),
            usage,
        );
        self.store().volume_create(&permit, volume, change).await?;
        self.volume(ctx, &id).await
    }

    /// Customer root keys come with the key service.
    pub(crate) fn no_root_key(key: Option<&str>) -> Result<(), Error> {
        match key {
            None => Ok(()),
            Some(_) => Err(Error::NotImplemented { what: "Encryption with a customer root key" }),
        }
    }

    /// A volume.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn volume(&self, ctx: &RequestContext, id: &VolumeId) -> Result<VolumeView, Error> {
        let scope = self.scope(ctx, Action::VolumeRead).await?;
        Ok(self.store().volume(&scope, id).await?)
    }

    /// Volumes.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn volumes(
        &self,
        ctx: &RequestContext,
        filter: VolumeFilter,
        page: Page,
    ) -> Result<Paged<VolumeView>, Error> {
        let scope = self.scope(ctx, Action::VolumeList).await?;
        Ok(self.store().volumes(&scope, &filter, &page).await?)
    }

    /// Changes a volume. `revision` is the one that an `If-Match` was compared with. One that
    /// grows under a guest is `updating` until the guest was shown its new size.
    ///
    /// # Errors
    /// A taken name, a size, speed or profile out of bounds, a state that forbids it, a change by
    /// another since.
    pub async fn volume_update(
        &self,
        ctx: &RequestContext,
        id: &VolumeId,
        revision: Option<u64>,
        patch: VolumePatch,
    ) -> Result<VolumeView, Error> {
        let view = self.volume(ctx, id).await?;
        let head = &view.volume.head;
        let permit = self.permit(ctx, Action::VolumeUpdate, head).await?;
        if patch == VolumePatch::default() {
            return Ok(view);
        }
        let zone = view.volume.zone.as_str();
        let usage = match patch.capacity {
            Some(capacity) if capacity > view.volume.capacity => {
                let end =
                    UsageChange::End { crn: volume_crn(&view.volume).to_string(), at: self.now() };
                let grown = Volume { capacity, ..view.volume.clone() };
                vec![end, self.volume_usage(&grown)]
            }
            Some(_) | None => Vec::new(),
        };
        let change = self.change_with(ctx, Action::VolumeUpdate, "volume", head, zone, usage);
        let asked_by = ctx.asked_by(&permit);
        let job = self.volume_job(&view.volume, super::grow_job::KIND, &asked_by);
        let revision = revision.unwrap_or(head.revision);
        self.store().volume_update(&permit, id, revision, patch, job, change).await?;
        self.jobs_queued.notify_one();
        self.volume(ctx, id).await
    }

    /// Deletes an unattached volume: it is `pending_deletion` until its bytes are gone.
    ///
    /// # Errors
    /// When it is attached or busy, there is none, or the caller may not.
    pub async fn volume_delete(&self, ctx: &RequestContext, id: &VolumeId) -> Result<(), Error> {
        let view = self.volume(ctx, id).await?;
        let head = &view.volume.head;
        let permit = self.permit(ctx, Action::VolumeDelete, head).await?;
        let job = self.volume_delete_job(&view.volume, &ctx.asked_by(&permit));
        let usage =
            vec![UsageChange::End { crn: volume_crn(&view.volume).to_string(), at: self.now() }];
        let zone = view.volume.zone.as_str();
        let change = self.change_with(ctx, Action::VolumeDelete, "volume", head, zone, usage);
        self.store().volume_delete(&permit, id, job, change).await?;
        self.jobs_queued.notify_one();
        Ok(())
    }

    pub(crate) fn volume_delete_job(&self, volume: &Volume, asked_by: &str) -> NewJob {
        self.volume_job(volume, super::delete_job::KIND, asked_by)
    }

    fn volume_job(&self, volume: &Volume, kind: &str, asked_by: &str) -> NewJob {
        NewJob {
            id: base::JobId::mint("", self.entropy()),
            kind: kind.to_owned(),
            account: Some(volume.head.account.clone()),
            subject: volume.head.id.to_string(),
            host: Some(volume.storage.host.clone()),
            asked_by: asked_by.to_owned(),
            state_json: "{}".to_owned(),
        }
    }
}
