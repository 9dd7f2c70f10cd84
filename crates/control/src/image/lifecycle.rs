//! Reads, changes and deletions of images, and the scheduler of due dates.

use base::{Crn, ImageId, JobId};
use jobs::NewJob;
use meta::{Change, ImageFilter, Page, Paged};
use model::{
    Image, ImageLineage, ImagePatch, ImageView, LifecycleChange, Metric, Outcome, Refusal,
    UsageChange, UsageRecord,
};
use policy::{Action, InternalActor};

use super::delete_job;
use crate::{Control, Error, RequestContext};

impl Control {
    /// An image: the caller's own, or a stock one.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn image(&self, ctx: &RequestContext, id: &ImageId) -> Result<ImageView, Error> {
        let scope = self.scope(ctx, Action::ImageRead).await?;
        Ok(self.store().image(&scope, id).await?)
    }

    /// What an image was made of, and what of the caller's account was made of it; at most
    /// `limit` of each kind.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn image_lineage(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
        limit: u32,
    ) -> Result<ImageLineage, Error> {
        self.scope(ctx, Action::ImageRead).await?;
        let scopes = self.scopes(ctx).await?;
        Ok(self.store().image_lineage(&scopes, id, limit).await?)
    }

    /// Images: the caller's own and the stock ones.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn images(
        &self,
        ctx: &RequestContext,
        filter: ImageFilter,
        page: Page,
    ) -> Result<Paged<ImageView>, Error> {
        let scope = self.scope(ctx, Action::ImageList).await?;
        Ok(self.store().images(&scope, &filter, &page).await?)
    }

    /// The caller's own image; a stock one is the provider's.
    pub(super) async fn image_owned(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
    ) -> Result<ImageView, Error> {
        let view = self.image(ctx, id).await?;
        if view.image.stock() {
            return Err(Refusal::ImagePublic { image: id.clone() }.into());
        }
        Ok(view)
    }

    /// Changes name, dates or allowed use; an empty patch changes nothing.
    ///
    /// # Errors
    /// The lifecycle's rules, a taken name, a stock image; when the caller may not.
    pub async fn image_update(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
        patch: ImagePatch,
    ) -> Result<ImageView, Error> {
        let view = self.image_owned(ctx, id).await?;
        let head = &view.image.head;
        let permit = self.permit(ctx, Action::ImageUpdate, head).await?;
        if patch.deprecation_at.is_some() {
            self.permit(ctx, Action::ImageDeprecate, head).await?;
        }
        if patch.obsolescence_at.is_some() {
            self.permit(ctx, Action::ImageObsolete, head).await?;
        }
        if patch.allowed_use.is_some() {
            self.permit(ctx, Action::ImageManageAllowedUse, head).await?;
        }
        if patch == ImagePatch::default() {
            return Ok(view);
        }
        let region = self.region().as_str();
        let change = self.change(ctx, Action::ImageUpdate, "image", head, region);
        let (revision, now) = (head.revision, self.now());
        Ok(self.store().image_update(&permit, id, revision, patch, now, change).await?)
    }

    /// Deprecates an image at once (S22, S26).
    ///
    /// # Errors
    /// The lifecycle's rules, a stock image; when the caller may not.
    pub async fn image_deprecate(&self, ctx: &RequestContext, id: &ImageId) -> Result<(), Error> {
        self.image_move(ctx, id, Action::ImageDeprecate, LifecycleChange::Deprecate).await
    }

    /// Makes an image obsolete at once (S22, S27, S28).
    ///
    /// # Errors
    /// The lifecycle's rules, a stock image; when the caller may not.
    pub async fn image_obsolete(&self, ctx: &RequestContext, id: &ImageId) -> Result<(), Error> {
        self.image_move(ctx, id, Action::ImageObsolete, LifecycleChange::Obsolete).await
    }

    async fn image_move(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
        action: Action,
        what: LifecycleChange,
    ) -> Result<(), Error> {
        let view = self.image_owned(ctx, id).await?;
        let permit = self.permit(ctx, action, &view.image.head).await?;
        let region = self.region().as_str();
        let change = self.change(ctx, action, "image", &view.image.head, region);
        Ok(self.store().image_lifecycle(&permit, id, what, self.now(), change).await?)
    }

    /// Deletes an image; a pending one is cancelled. It is `deleting` until it is gone.
    ///
    /// # Errors
    /// When it is deleting already, a stock image, there is none; when the caller may not.
    pub async fn image_delete(&self, ctx: &RequestContext, id: &ImageId) -> Result<(), Error> {
        let view = self.image_owned(ctx, id).await?;
        let head = &view.image.head;
        let permit = self.permit(ctx, Action::ImageDelete, head).await?;
        let job = NewJob {
            id: JobId::mint("", self.entropy()),
            kind: delete_job::KIND.to_owned(),
            account: Some(head.account.clone()),
            subject: id.to_string(),
            host: None,
            asked_by: ctx.asked_by(&permit),
            state_json: "{}".to_owned(),
        };
        let usage =
            vec![UsageChange::End { crn: self.image_crn(&view.image).to_string(), at: self.now() }];
        let region = self.region().as_str();
        let change = self.change_with(ctx, Action::ImageDelete, "image", head, region, usage);
        self.store().image_delete(&permit, id, job, change).await?;
        self.jobs_queued.notify_one();
        Ok(())
    }

    pub(crate) fn image_crn(&self, image: &Image) -> Crn {
        Crn::vpc(self.region().as_str(), &image.head.account, "image", image.head.id.as_str())
    }

    /// Usage of an image begins: gigabytes of its logical bytes, rounded up.
    pub(crate) fn image_usage(&self, image: &Image, logical: base::ByteCount) -> UsageChange {
        UsageChange::Begin(UsageRecord {
            id: base::UsageId::mint("", self.entropy()),
            account: image.head.account.clone(),
            group: image.head.group.clone(),
            crn: self.image_crn(image).to_string(),
            metric: Metric::ImageGigabytes,
            quantity: logical.gb_ceil(),
            from: self.now(),
            until: None,
        })
    }

    /// Applies the dates that have come; how many images moved.
    pub(crate) async fn images_due(&self, limit: u32) -> Result<usize, Error> {
        let permit = Self::system(InternalActor::Scheduler);
        let now = self.now();
        let region = self.region().as_str();
        let change = |image: &Image| -> Change {
            self.region_change(
                Action::ImageUpdate.as_str(),
                Outcome::Success,
                "image",
                &image.head,
                region,
                Vec::new(),
            )
        };
        let moved = self.store().images_due(permit, now, limit, &change).await?;
        for view in &moved {
            tracing::info!(image = %view.image.head.id, status = %view.image.status, "due date");
        }
        Ok(moved.len())
    }
}
