//! Lineage, and the ends of stock images' systems.

use std::time::Duration;

use base::{Clock as _, ImageId};
use meta::SystemEnds;
use model::{Image, ImageStatus, LineageItem};

use super::{
    FreshStore,
    world::{OS, World, system},
};
use crate::not_found;

fn names(items: &[LineageItem]) -> Vec<&str> {
    items.iter().map(|item| item.name.as_str()).collect()
}

/// The line of an image goes back over images that are gone, and lists what the account made of
/// it; another account's are not listed, nor is its image found.
pub async fn an_image_knows_its_line(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let stock = w.new_stock("stock", OS);
    w.stock_put(stock.clone()).await;
    let of = async |parent: &ImageId, text: &str| {
        let mut new = w.new_instance(&w.a, &net, text);
        new.instance.image = Some((parent.clone(), "parent".to_owned()));
        new.volumes[0].source_image = new.instance.image.clone();
        let made = w.instance_put(&w.a, new).await;
        let fence = w.claim_of(&made.job).await;
        w.instance_becomes(&made.id, model::InstanceStatus::Stopped).await;
        w.finish(&fence).await;
        w.image(&w.a, &made.volume, &format!("of-{text}")).await
    };
    let first = of(&stock.head.id, "one").await;
    let second = of(&first, "two").await;
    let read = async |id: &ImageId| w.store.image_lineage(&w.a.sees_each(), id, 10).await.unwrap();

    let line = read(&second).await;
    let ancestors: Vec<_> = line.ancestors.iter().map(|a| (a.name.as_str(), a.deleted)).collect();
    assert_eq!(ancestors, [("of-one", false), ("stock", false)]);
    assert_eq!(line.ancestors[1].account, w.provider.account);
    assert_eq!((line.images.total, line.volumes.total, line.instances.total), (0, 0, 0));
    let line = read(&first).await;
    assert_eq!(names(&line.images.items), ["of-two"]);
    assert_eq!(
        (names(&line.volumes.items), names(&line.instances.items)),
        (vec!["two-boot"], vec!["two"])
    );
    let none = w.store.image_lineage(&w.b.sees_each(), &stock.head.id, 10).await.unwrap();
    assert_eq!((none.images.total, none.volumes.total, none.instances.total), (0, 0, 0));
    not_found!(w.store.image_lineage(&w.b.sees_each(), &first, 10).await);

    super::images::delete_image(&w, &first).await;
    let line = read(&second).await;
    let ancestors: Vec<_> = line.ancestors.iter().map(|a| (a.name.as_str(), a.deleted)).collect();
    assert_eq!(ancestors, [("of-one", true), ("stock", false)], "what is gone keeps its place");
    let limited = w.store.image_lineage(&w.a.sees_each(), &stock.head.id, 0).await.unwrap();
    assert_eq!((limited.volumes.items.len(), limited.volumes.total), (0, 1));
}

/// S25: the end of a system moves all its stock images in one transaction, each with an event.
pub async fn the_end_of_a_system_moves_its_stock_images(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (old, new) = (w.new_stock("old", OS), w.new_stock("new", OS));
    let other = w.new_stock("other", "rocky-linux-9-amd64");
    for image in [&old, &new, &other] {
        w.stock_put(image.clone()).await;
    }
    let events = w.events(&w.provider).await;
    let end = async |ends: SystemEnds| {
        let now = w.tick();
        let of = |image: &Image| (image.operating_system == OS).then_some(ends);
        let change = |image: &Image| w.change(&w.provider, "is.image.image.update", &image.head.id);
        w.store.images_stock_end(system(), &of, now, &change).await.unwrap()
    };
    let status = async |image: &Image| w.image_status(&image.head.id).await;
    let soon = w.clock.region().plus(Duration::from_secs(1_000));
    let changed = end(SystemEnds { support: Some(soon), vendor: None }).await;
    let changed: Vec<_> = changed.iter().map(|image| image.head.name.as_str()).collect();
    assert_eq!(changed, ["new"], "the older one is deprecated already");
    assert_eq!(status(&new).await, ImageStatus::Available);
    assert_eq!(w.store.image_due_next(system()).await.unwrap(), Some(soon));
    let now = w.clock.region();
    end(SystemEnds { support: Some(now), vendor: None }).await;
    assert_eq!(status(&new).await, ImageStatus::Deprecated);
    let ended = end(SystemEnds { support: None, vendor: Some(now) }).await;
    assert_eq!(ended.len(), 2);
    for image in [&old, &new] {
        assert_eq!(status(image).await, ImageStatus::Obsolete);
    }
    assert_eq!(status(&other).await, ImageStatus::Available);
    assert_eq!(w.events(&w.provider).await, events + 4);
    assert!(end(SystemEnds { support: None, vendor: Some(now) }).await.is_empty(), "once");
}
