//! `allowed_use`: judged where an instance is made or changed.

use meta::{Change, InstanceFilter, NewInstance, StoreError};
use model::{
    AllowedUse, ImagePatch, InstancePatch, MetadataProtocol, MetadataService, Refusal, ResourceName,
};
use policy::Action;

use super::{
    FreshStore,
    world::{World, name, page},
};
use crate::refused;

fn only(expression: &str) -> AllowedUse {
    AllowedUse { instance: expression.to_owned(), ..AllowedUse::anything("2026-10-06") }
}

async fn put(w: &World, new: NewInstance) -> Result<(), StoreError> {
    let permit = w.a.may_make(Action::InstanceCreate);
    w.store.instance_create(&permit, new, Change::default()).await
}

/// A new instance must be what its image and its boot volume allow; a refused one leaves nothing.
pub async fn a_new_instance_is_judged(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let source = w.stopped(&w.a, &net, "source").await;
    let image = w.image(&w.a, &source.volume, "copy").await;
    let revision = w.store.image(&w.a.sees(), &image).await.unwrap().image.head.revision;
    let patch = ImagePatch { allowed_use: Some(only("vcpu.count > 2")), ..ImagePatch::default() };
    let (permit, now) = (w.a.may(Action::ImageUpdate, &image), w.tick());
    w.store.image_update(&permit, &image, revision, patch, now, Change::default()).await.unwrap();
    let made = |text: &str, profile: &str, of_volume: &str| {
        let mut new = w.new_instance(&w.a, &net, text);
        new.instance.image = Some((image.clone(), "copy".to_owned()));
        new.instance.profile = profile.to_owned();
        new.volumes[0].allowed_use = Some(only(of_volume));
        new
    };
    let by_image = put(&w, made("small", "bx2-2x8", "true")).await;
    refused!(by_image, StoreError::Refused(Refusal::NotAllowedUse { of: "image", .. }));
    let by_volume = put(&w, made("middle", "bx2-4x16", "vcpu.count > 4")).await;
    refused!(by_volume, StoreError::Refused(Refusal::NotAllowedUse { of: "boot volume", .. }));
    let listed = w.store.instances(&w.a.sees(), &InstanceFilter::default(), &page(10)).await;
    assert_eq!(listed.unwrap().total, 1, "only the source is there");
    put(&w, made("large", "bx2-8x32", "vcpu.count > 4")).await.unwrap();

    // A volume that exists is judged by itself; the image that it was made of is not asked.
    let mut kept = w.new_volume(&w.a, "kept");
    kept.allowed_use = Some(only("metadata_service.enabled"));
    kept.source_image = Some((image.clone(), "copy".to_owned()));
    let kept = w.volume_put(&w.a, kept).await;
    let boots = |text: &str, enabled: bool| {
        let mut new = w.new_instance(&w.a, &net, text);
        new.instance.image = Some((image.clone(), "copy".to_owned()));
        new.instance.metadata_service.enabled = enabled;
        new.volumes.clear();
        new.attachments[0].volume = kept.clone();
        new
    };
    let off = put(&w, boots("off", false)).await;
    refused!(off, StoreError::Refused(Refusal::NotAllowedUse { of: "boot volume", .. }));
    put(&w, boots("on", true)).await.unwrap();
}

/// A resize and a change of the metadata service must stay within what the boot volume allows;
/// other changes are not judged.
pub async fn a_changed_instance_is_judged(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let volume = w.store.volume(&w.a.sees(), &made.volume).await.unwrap().volume;
    assert_eq!(volume.allowed_use, Some(AllowedUse::anything("2026-10-06")));
    let mut strict = w.new_instance(&w.a, &net, "strict");
    strict.volumes[0].allowed_use =
        Some(only("vcpu.count in [2, 4] && metadata_service.protocol == 'http'"));
    let made = w.instance_put(&w.a, strict).await;
    let fence = w.claim_of(&made.job).await;
    w.instance_becomes(&made.id, model::InstanceStatus::Stopped).await;
    w.finish(&fence).await;
    let change = |patch: InstancePatch| {
        let w = &w;
        let id = &made.id;
        async move {
            let view = w.store.instance(&w.a.sees(), id).await.unwrap();
            let (permit, revision) =
                (w.a.may(Action::InstanceUpdate, id), view.instance.head.revision);
            w.store.instance_update(&permit, id, revision, patch, Change::default()).await
        }
    };
    let resize =
        |profile: &str| InstancePatch { profile: Some(profile.to_owned()), ..Default::default() };
    let renamed = |text: &str| -> Option<ResourceName> { Some(name(text)) };
    let with_name = InstancePatch { name: renamed("renamed"), ..resize("bx2-8x32") };
    let large = change(with_name).await;
    refused!(large, StoreError::Refused(Refusal::NotAllowedUse { of: "boot volume", .. }));
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    assert_eq!(view.instance.head.name, name("strict"), "nothing of a refused change is kept");
    change(resize("bx2-4x16")).await.unwrap();
    let https = MetadataService { protocol: MetadataProtocol::Https, ..Default::default() };
    let https = InstancePatch { metadata_service: Some(https), ..Default::default() };
    refused!(change(https).await, StoreError::Refused(Refusal::NotAllowedUse { .. }));
    change(InstancePatch { name: renamed("other"), ..Default::default() }).await.unwrap();
}
