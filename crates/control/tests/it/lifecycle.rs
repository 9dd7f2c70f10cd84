//! Lifecycles of images under the region's clock: S22, S25 to S29.

use std::time::Duration;

use base::{Clock, ImageId, SeededEntropy, Timestamp};
use ectype_control::ImageCreate;
use model::{ImagePatch, ImageStatus, Refusal};

use crate::{
    disk::Disk,
    stage::{stock_add, stock_by_name},
    world::{World, image_of, of_image, refusal},
};

const HOUR: Duration = Duration::from_secs(3_600);

async fn status(world: &World, id: &ImageId) -> ImageStatus {
    world.image(id).await.image.status
}

async fn patch(world: &World, id: &ImageId, patch: ImagePatch) -> ImageStatus {
    world.region().image_update(world.ctx(), id, patch).await.unwrap().image.status
}

/// The clock passes a date, and the scheduler sees it.
async fn pass(world: &World, by: Duration, id: &ImageId, wanted: ImageStatus) {
    world.clock.advance(by);
    let workers = world.region().work();
    for _ in 0..200 {
        if status(world, id).await == wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    workers.stop(Duration::from_secs(5)).await;
    assert_eq!(status(world, id).await, wanted);
}

fn in_hours(world: &World, hours: u32) -> Timestamp {
    world.clock.region().plus(HOUR * hours)
}

/// Whether an instance can be made of it; makes one if so.
async fn boots(world: &World, id: &ImageId) -> Result<(), Refusal> {
    let want = world.wish(&world.facts.a, of_image(id));
    match world.create(want).await {
        Ok(_) => {
            world.settle().await;
            Ok(())
        }
        Err(error) => Err(refusal::<()>(Err(error))),
    }
}

/// S22, S26, S27, S28: at once, forwards and backwards; what is deprecated boots, what is obsolete
/// does not and says that its status is why.
#[tokio::test]
async fn an_image_goes_to_deprecated_and_obsolete_and_back() {
    let (world, _, disk, id) = World::with_image().await;
    let region = world.region();
    region.image_deprecate(world.ctx(), &id).await.unwrap();
    assert_eq!(status(&world, &id).await, ImageStatus::Deprecated);
    boots(&world, &id).await.unwrap();

    region.image_obsolete(world.ctx(), &id).await.unwrap();
    assert_eq!(status(&world, &id).await, ImageStatus::Obsolete);
    let why = boots(&world, &id).await.unwrap_err();
    let obsolete = ImageStatus::Obsolete;
    assert!(matches!(why, Refusal::ImageNotProvisionable { status, .. } if status == obsolete));
    assert!(why.to_string().contains("status obsolete"), "{why}");
    assert!(matches!(
        refusal(region.image_obsolete(world.ctx(), &id).await),
        Refusal::ImageLifecycle { .. }
    ));

    let back = ImagePatch { obsolescence_at: Some(None), ..ImagePatch::default() };
    assert_eq!(patch(&world, &id, back).await, ImageStatus::Deprecated);
    let back = ImagePatch { deprecation_at: Some(None), ..ImagePatch::default() };
    assert_eq!(patch(&world, &id, back).await, ImageStatus::Available);
    boots(&world, &id).await.unwrap();
    disk.same_as(&world.image_disk(&id).await, "the image").unwrap();
}

/// S22: at a set date, by the region's clock; also from obsolete to available at one stroke.
#[tokio::test]
async fn an_image_moves_when_its_dates_come() {
    let (world, _, _, id) = World::with_image().await;
    let dates = ImagePatch {
        deprecation_at: Some(Some(in_hours(&world, 1))),
        obsolescence_at: Some(Some(in_hours(&world, 2))),
        ..ImagePatch::default()
    };
    assert_eq!(patch(&world, &id, dates).await, ImageStatus::Available);
    pass(&world, HOUR / 2, &id, ImageStatus::Available).await;
    pass(&world, HOUR / 2, &id, ImageStatus::Deprecated).await;
    pass(&world, HOUR, &id, ImageStatus::Obsolete).await;
    // S29: what is not deleted is billed.
    assert!(world.usage(&id).await.iter().all(|record| record.until.is_none()));
    let back = ImagePatch {
        deprecation_at: Some(None),
        obsolescence_at: Some(None),
        ..ImagePatch::default()
    };
    assert_eq!(patch(&world, &id, back).await, ImageStatus::Available);
}

/// S22: a date that passed while no server ran is applied by the next one, once, with one event.
#[tokio::test]
async fn a_date_that_passes_during_downtime_is_applied_once() {
    let (world, _, _, id) = World::with_image().await;
    let dates =
        ImagePatch { deprecation_at: Some(Some(in_hours(&world, 1))), ..ImagePatch::default() };
    patch(&world, &id, dates).await;
    let before = world.events("is.image.image.update").await.len();
    world.clock.advance(HOUR * 2);
    world.reopen().await;
    assert_eq!(status(&world, &id).await, ImageStatus::Available, "nobody has looked yet");
    pass(&world, Duration::ZERO, &id, ImageStatus::Deprecated).await;
    pass(&world, HOUR, &id, ImageStatus::Deprecated).await;
    assert_eq!(world.events("is.image.image.update").await.len(), before + 1);
}

/// S22: dates that come while an image is being made apply when it is; obsolete wins.
#[tokio::test]
async fn dates_that_pass_while_an_image_is_pending_apply_when_it_is_made() {
    for (deprecation, obsolescence, wanted) in [
        (Some(1), None, ImageStatus::Deprecated),
        (Some(1), Some(2), ImageStatus::Obsolete),
        (Some(100), None, ImageStatus::Available),
    ] {
        let (world, vm, _) = World::with_stopped().await;
        let at = |hours: Option<u32>| hours.map(|hours| in_hours(&world, hours));
        let want = ImageCreate {
            deprecation_at: at(deprecation),
            obsolescence_at: at(obsolescence),
            ..image_of(&vm.volume)
        };
        let image = world.region().image_create(world.ctx(), want).await.unwrap().image.head.id;
        world.clock.advance(HOUR * 3);
        assert_eq!(status(&world, &image).await, ImageStatus::Pending);
        world.settle().await;
        assert_eq!(status(&world, &image).await, wanted);
    }
}

/// S22: dates of a new image lie in the future and in order.
#[tokio::test]
async fn a_new_images_dates_that_are_past_or_out_of_order_are_refused() {
    let (world, vm, _) = World::with_stopped().await;
    let now = world.clock.region();
    let later = |seconds| now.plus(Duration::from_secs(seconds));
    for (deprecation_at, obsolescence_at) in [
        (Some(now), None),
        (None, Some(now)),
        (Some(later(5)), Some(later(5))),
        (Some(later(6)), Some(later(5))),
    ] {
        let want = ImageCreate { deprecation_at, obsolescence_at, ..image_of(&vm.volume) };
        let why = refusal(world.region().image_create(world.ctx(), want).await);
        assert!(matches!(why, Refusal::ImageDates { .. }), "{why}");
    }
    assert!(!world.volume(&vm.volume).await.volume.busy);
}

/// S25: a new version of a stock image makes the older one of its operating system deprecated;
/// both boot, and neither is the account's to change.
#[tokio::test]
async fn a_new_stock_image_deprecates_the_older_one() {
    let world = World::new().await;
    let newer = Disk::noisy(&SeededEntropy::new(77), 20);
    let second = stock_add(&world.region(), &world.path(""), "stock-2", &newer).await;
    let first = stock_by_name(&world.region(), "stock-1").await.image;
    assert_eq!(first.head.id, world.facts.stock);
    assert_eq!(first.status, ImageStatus::Deprecated);
    assert_eq!(status(&world, &second).await, ImageStatus::Available);

    world.facts.stock_disk.same_as(&world.image_disk(&first.head.id).await, "the older").unwrap();
    newer.same_as(&world.image_disk(&second).await, "the newer").unwrap();
    boots(&world, &first.head.id).await.unwrap();
    boots(&world, &second).await.unwrap();
    let region = world.region();
    let ctx = world.ctx();
    for why in [
        refusal(region.image_delete(ctx, &second).await),
        refusal(region.image_obsolete(ctx, &second).await),
        refusal(region.image_update(ctx, &second, ImagePatch::default()).await),
    ] {
        assert!(matches!(why, Refusal::ImagePublic { .. }), "{why}");
    }
}
