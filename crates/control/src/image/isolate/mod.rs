//! Full re-encryption of an image: every chunk and node under a fresh key, no record shared.
//!
//! Who could open what the image was made of, such as its base's owner or a holder of the base's
//! key, can read the part that both share; after this nobody but the image's holder can read
//! anything of it. The bytes stay the same. The old tree goes with the store's collections, once
//! no volume is based on it.
//!
//! ```text
//! begin -> seal -> commit | manifest
//! ```
//!
//! The commit replaces the root that was read, or nothing: an image that was deleted meanwhile
//! stays deleted. The manifest follows it, so that it never names a root that is not the row's
//! or was not a moment ago.

mod job;

use base::{ImageId, JobId};
use jobs::{JobStatus, NewJob};
use model::{ImageStatus, Refusal};
use policy::{Action, InternalActor};

pub(crate) use self::job::IsolateJob;
use self::job::{KIND, State};
use crate::{Control, Error, RequestContext};

/// Where the re-encryption of an image stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageIsolation {
    /// `running`, `done` or `failed`.
    pub step: &'static str,
    /// Why it failed.
    pub failure: Option<String>,
    /// The root that it had before.
    pub from_root_id: Option<String>,
    /// The root that it has since.
    pub root_id: Option<String>,
    /// Bytes that the store took for it.
    pub stored: Option<base::ByteCount>,
}

impl Control {
    /// Begins the full re-encryption of an image, unless one is under way. The image stays as it
    /// is for everybody who uses it.
    ///
    /// # Errors
    /// When the image has no bytes yet or is going away; a stock image; when the caller may not
    /// update it.
    pub async fn image_isolate(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
    ) -> Result<ImageIsolation, Error> {
        let view = self.image_owned(ctx, id).await?;
        let image = &view.image;
        let permit = self.permit(ctx, Action::ImageUpdate, &image.head).await?;
        let rests = !matches!(
            image.status,
            ImageStatus::Pending | ImageStatus::Failed | ImageStatus::Deleting
        );
        let (true, Some(sealed)) = (rests, &image.sealed) else {
            let verb = "encrypted anew";
            return Err(
                Refusal::ImageState { image: id.clone(), status: image.status, verb }.into()
            );
        };
        let state = State::new(&sealed.root_id);
        let job = NewJob {
            id: JobId::mint("", self.entropy()),
            kind: KIND.to_owned(),
            account: Some(image.head.account.clone()),
            subject: id.to_string(),
            host: None,
            asked_by: ctx.asked_by(&permit),
            state_json: serde_json::to_string(&state).map_err(Error::internal)?,
        };
        self.store().region_job(Self::system(InternalActor::Job), job).await?;
        self.jobs_queued.notify_one();
        self.image_isolation(ctx, id).await
    }

    /// Where the newest re-encryption of an image stands.
    ///
    /// # Errors
    /// When there was none, or no such image; when the caller may not read it.
    pub async fn image_isolation(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
    ) -> Result<ImageIsolation, Error> {
        self.image(ctx, id).await?;
        let job = self.store().job_of(Self::system(InternalActor::Job), id.as_str(), KIND).await?;
        let job = job.ok_or_else(|| Error::NotFound {
            kind: "isolation of image",
            id: id.to_string(),
            field: None,
        })?;
        let state: State =
            serde_json::from_str(&job.progress.state_json).map_err(Error::internal)?;
        let step = match job.progress.status {
            JobStatus::Queued | JobStatus::Running => "running",
            JobStatus::Succeeded => "done",
            JobStatus::Failed | JobStatus::Cancelled => "failed",
        };
        let failure = job.progress.failure.map(|failure| failure.message);
        Ok(state.told(step, failure))
    }
}
