//! `POST /images` by source volume: who may, what it may be made of, and the job that makes it.

use base::{ByteCount, Crn, ImageId, JobId, ResourceGroupId, Timestamp, VolumeId};
use jobs::NewJob;
use model::{
    AllowedUse, Image, ImageEncryption, ImageStatus, ImageStatusReason, ImageView, ResourceName,
    SourceVolume, Visibility, VolumeView, check_source,
};
use policy::{Action, InternalActor, Permit};

use super::capture;
use crate::{Control, Error, RequestContext};

/// What a caller wants.
#[derive(Clone, Debug)]
pub struct ImageCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// The boot volume.
    pub source: VolumeId,
    /// CRN of a customer's root key.
    pub encryption_key: Option<String>,
    /// When it becomes deprecated.
    pub deprecation_at: Option<Timestamp>,
    /// When it becomes obsolete.
    pub obsolescence_at: Option<Timestamp>,
    /// What it may be used for; the volume's when none.
    pub allowed_use: Option<AllowedUse>,
}

impl Control {
    /// Begins an image of a boot volume: it is `pending` when this returns, and the volume busy.
    ///
    /// # Errors
    /// S13 to S17 by name, dates out of order, a taken name, the limit; when the caller may not.
    pub async fn image_create(
        &self,
        ctx: &RequestContext,
        want: ImageCreate,
    ) -> Result<ImageView, Error> {
        Self::no_root_key(want.encryption_key.as_deref())?;
        let now = self.now();
        check_dates(want.deprecation_at, want.obsolescence_at, now)?;
        let source =
            self.volume(ctx, &want.source).await.map_err(|e| e.named_by("source_volume"))?;
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::ImageCreate, &group).await?;
        self.permit(ctx, Action::VolumeOperate, &source.volume.head).await?;
        if want.deprecation_at.is_some() {
            self.permit_new(ctx, Action::ImageDeprecate, &group).await?;
        }
        if want.obsolescence_at.is_some() {
            self.permit_new(ctx, Action::ImageObsolete, &group).await?;
        }
        if want.allowed_use.is_some() {
            self.permit_new(ctx, Action::ImageManageAllowedUse, &group).await?;
        }
        // The store decides again in its transaction; here it spares a refused caller the keys.
        self.image_source_check(&source).await?;
        let inherit = want.allowed_use.is_none();
        let image = self.image_draft(ctx, group, &source, want).await?;
        let id = image.head.id.clone();
        let (job, operation) = self.capture_job(&image, &source, &permit, ctx).await?;
        let region = self.region().as_str();
        let change = self.change(ctx, Action::ImageCreate, "image", &image.head, region);
        self.progress.queued(&id);
        let created = self
            .store()
            .image_create(
                &permit,
                self.region(),
                image,
                &source.volume.head.id,
                inherit,
                job,
                change,
            )
            .await;
        if let Err(refused) = created {
            self.operation_end(operation).await;
            return Err(refused.into());
        }
        self.jobs_queued.notify_one();
        Ok(self.store().image_any(Self::system(InternalActor::Job), &id).await?)
    }

    async fn image_source_check(&self, source: &VolumeView) -> Result<(), Error> {
        let instance = match source.attachments.first() {
            None => None,
            Some(view) => {
                // Whether it is stopped is the volume's business: no leave to see it is needed.
                let permit = Self::system(InternalActor::Job);
                let owner = self.store().instance_any(permit, &view.attachment.instance).await?;
                Some((view.attachment.kind, owner.instance))
            }
        };
        let attached = instance.as_ref().map(|(kind, instance)| (*kind, instance));
        Ok(check_source(self.region(), &source.volume, attached)?)
    }

    async fn image_draft(
        &self,
        ctx: &RequestContext,
        group: ResourceGroupId,
        source: &VolumeView,
        want: ImageCreate,
    ) -> Result<Image, Error> {
        let id = ImageId::mint(self.region().id_prefix(), self.entropy());
        let crn = Crn::vpc(self.region().as_str(), &ctx.caller.account, "image", id.as_str());
        let wrapped_data_key = self
            .parts
            .storage
            .data_key_mint(&crn, &ctx.caller.account)
            .await
            .map_err(Error::unavailable)?;
        let name = self.name_or_made(want.name.as_ref());
        let volume = &source.volume;
        Ok(Image {
            head: self.head(ctx, id, group, name, self.now()),
            visibility: Visibility::Private,
            status: ImageStatus::Pending,
            status_reasons: vec![ImageStatusReason::ImageRequestQueued],
            operating_system: volume.operating_system.clone().unwrap_or_default(),
            source_volume: Some(SourceVolume {
                id: volume.head.id.clone(),
                name: volume.head.name.to_string(),
                zone: volume.zone.clone(),
                deleted: false,
            }),
            encryption: ImageEncryption::None,
            deprecation_at: want.deprecation_at,
            obsolescence_at: want.obsolescence_at,
            capacity: volume.capacity,
            logical: None::<ByteCount>,
            stored: None,
            allowed_use: want
                .allowed_use
                .or_else(|| volume.allowed_use.clone())
                .unwrap_or_else(|| AllowedUse::anything(&ctx.api_version)),
            sealed: None,
            wrapped_data_key,
        })
    }

    async fn capture_job(
        &self,
        image: &Image,
        source: &VolumeView,
        permit: &Permit,
        ctx: &RequestContext,
    ) -> Result<(NewJob, u64), Error> {
        let id = JobId::mint("", self.entropy());
        let sequence = self.operation_begin(Some(&id)).await.map_err(Error::unavailable)?;
        let state = capture::State::new(&source.volume, sequence);
        let job = NewJob {
            id,
            kind: capture::KIND.to_owned(),
            account: Some(image.head.account.clone()),
            subject: image.head.id.to_string(),
            host: Some(source.volume.storage.host.clone()),
            asked_by: ctx.asked_by(permit),
            state_json: serde_json::to_string(&state).map_err(Error::internal)?,
        };
        Ok((job, sequence))
    }
}

/// Dates of a new image lie in the future and in order.
fn check_dates(
    deprecation: Option<Timestamp>,
    obsolescence: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), model::Refusal> {
    let refuse = |field, why| Err(model::Refusal::ImageDates { field, why });
    if deprecation.is_some_and(|at| at <= now) {
        return refuse("deprecation_at", "it must be in the future");
    }
    if obsolescence.is_some_and(|at| at <= now) {
        return refuse("obsolescence_at", "it must be in the future");
    }
    match (deprecation, obsolescence) {
        (Some(first), Some(last)) if first >= last => {
            refuse("obsolescence_at", "it must be after deprecation_at")
        }
        _ => Ok(()),
    }
}
