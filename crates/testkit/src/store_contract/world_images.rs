//! Ways to make images.

use base::{ByteCount, Clock as _, ImageId, JobId, VolumeId};
use meta::{ImageCommit, StoreError};
use model::{AllowedUse, Image, ImageEncryption, ImageStatus, ImageStatusReason, Visibility};
use policy::Action;

use super::world::{Capture, Tenant, World, sealed, system};

impl World {
    /// A pending image of nothing yet.
    pub fn new_image(&self, tenant: &Tenant, text: &str) -> Image {
        Image {
            head: self.head(tenant, ImageId::mint("r006-", &*self.entropy), text),
            visibility: Visibility::Private,
            status: ImageStatus::Pending,
            status_reasons: vec![ImageStatusReason::ImageRequestQueued],
            operating_system: "to be replaced".to_owned(),
            source_volume: None,
            encryption: ImageEncryption::None,
            deprecation_at: None,
            obsolescence_at: None,
            capacity: ByteCount(0),
            logical: None,
            stored: None,
            allowed_use: AllowedUse::anything("2020-01-01"),
            sealed: None,
            wrapped_data_key: vec![9, 0, 9],
        }
    }

    /// A finished stock image.
    pub fn new_stock(&self, text: &str, operating_system: &str) -> Image {
        let mut image = self.new_image(&self.provider, text);
        image.visibility = Visibility::Public;
        image.status = ImageStatus::Available;
        image.status_reasons.clear();
        image.operating_system = operating_system.to_owned();
        image.capacity = ByteCount::from_gb(100);
        image.logical = Some(ByteCount::from_gb(1));
        image.stored = Some(ByteCount(5_000));
        image.sealed = Some(sealed(&format!("root-{text}")));
        image
    }

    /// A finished private image of the first account that no volume was captured for.
    #[must_use]
    pub fn adoptable(&self, text: &str) -> Image {
        let mut image = self.new_stock(text, "debian-12-amd64");
        image.head = self.head(&self.a, image.head.id, text);
        image.visibility = Visibility::Private;
        image
    }

    /// Writes a stock image.
    pub async fn stock_put(&self, image: Image) {
        let change = self.change(&self.provider, "is.image.image.create", &image.head.id);
        self.store.image_stock_add(system(), image, change).await.unwrap();
    }

    /// Asks for an image of a volume.
    pub async fn image_create(
        &self,
        tenant: &Tenant,
        image: Image,
        source: &VolumeId,
    ) -> Result<JobId, StoreError> {
        let job = self.job(tenant, "image-capture", &image.head.id);
        let id = job.id.clone();
        let change = self.change(tenant, "is.image.image.create", &image.head.id);
        let permit = tenant.may_make(Action::ImageCreate);
        self.store
            .image_create(&permit, &self.region, image, source, true, job, change)
            .await
            .map(|()| id)
    }

    /// An image that is being made, its job taken.
    pub async fn capture(&self, tenant: &Tenant, source: &VolumeId, text: &str) -> Capture {
        let image = self.new_image(tenant, text);
        let id = image.head.id.clone();
        let job = self.image_create(tenant, image, source).await.unwrap();
        let fence = self.claim_of(&job).await;
        Capture { image: id, volume: source.clone(), fence }
    }

    /// What a finished capture would write.
    #[must_use]
    pub fn commit(&self, capture: &Capture) -> ImageCommit {
        ImageCommit {
            image: capture.image.clone(),
            sealed: sealed(&format!("root-of-{}", capture.image)),
            logical: ByteCount(5_000_000),
            stored: ByteCount(1_000_000),
            rebase: None,
            at: self.clock.region(),
        }
    }

    /// A finished image, and its source volume free again.
    pub async fn image(&self, tenant: &Tenant, source: &VolumeId, text: &str) -> ImageId {
        let capture = self.capture(tenant, source, text).await;
        let crn = format!("crn:image:{}", capture.image);
        let change = self.change_begin(tenant, "is.image.image.create", &crn);
        let commit = self.commit(&capture);
        self.store.image_commit(system(), &capture.fence, commit, change).await.unwrap();
        self.store.image_settled(system(), &capture.fence, source).await.unwrap();
        self.finish(&capture.fence).await;
        capture.image
    }

    /// The status of an image.
    pub async fn image_status(&self, id: &ImageId) -> ImageStatus {
        self.store.image_any(system(), id).await.unwrap().image.status
    }
}
