//! `/v1/images`.

use axum::http::StatusCode;
use base::ImageId;
use control::{ImageCreate, ImageFilter};
use model::{ImagePatch, ImageView, Refusal, image_profiles};
use wire::{Fields, List, Named, PageRequest, request, response};

use crate::{
    call::{ATTEMPTS_MAX, Call, changes_too_often, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "images", items: "images" };
/// Items of the lists of compatible profiles.
const INSTANCE_PROFILES: &str = "instance_profiles";
const BARE_METAL_SERVER_PROFILES: &str = "bare_metal_server_profiles";

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::image_list(&call.asked(), &call.query)?;
    let filter = ImageFilter {
        group: want.group,
        name: want.name,
        statuses: want.statuses,
        visibility: want.visibility,
        operating_systems: want.operating_systems,
        remote: want.remote,
        owner: want.owner,
    };
    let found = call.control().images(&call.ctx, filter, page_of(&want.page)).await?;
    let (r, zones) = (call.render(), &call.app.zones);
    let items = found.items.iter().map(|view| response::image(&r, view, zones)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::image_prototype(&call.asked(), &Fields::root(&body))?;
    let source = match want.source {
        Named::Here(id) => id,
        Named::Elsewhere(volume) => {
            return Err(wire::error::refusal(&Refusal::SourceVolumeElsewhere { volume }).into());
        }
    };
    let command = ImageCreate {
        name: want.name,
        group: want.group,
        source,
        encryption_key: None,
        deprecation_at: want.deprecation_at,
        obsolescence_at: want.obsolescence_at,
        allowed_use: want.allowed_use,
    };
    let view = call.control().image_create(&call.ctx, command).await?;
    render(&call, StatusCode::CREATED, &view)
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().image(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &view)
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::image_patch(&call.asked(), &Fields::root(&body))?;
    for _ in 0..ATTEMPTS_MAX {
        let allowed_use = match want.allowed_use.clone() {
            None => None,
            Some(parts) => {
                let old = call.control().image(&call.ctx, &id).await?;
                Some(parts.onto(&old.image.allowed_use))
            }
        };
        let patch = ImagePatch {
            name: want.name.clone(),
            deprecation_at: want.deprecation_at,
            obsolescence_at: want.obsolescence_at,
            allowed_use,
        };
        match call.control().image_update(&call.ctx, &id, patch).await {
            Err(control::Error::Changed { .. }) => {}
            done => return render(&call, StatusCode::OK, &done?),
        }
    }
    Err(changes_too_often())
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().image_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn deprecate(call: Call) -> Answer {
    call.control().image_deprecate(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn obsolete(call: Call) -> Answer {
    call.control().image_obsolete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

/// The instance profiles that the image runs on, by name.
pub(crate) async fn instance_profiles(call: Call) -> Answer {
    let id = id(&call)?;
    let image = call.control().image(&call.ctx, &id).await?.image;
    let path = format!("images/{id}/{INSTANCE_PROFILES}");
    let page = PageRequest::parse(&path, &call.query)?;
    let all = image_profiles(&image);
    let found = page.slice(&all, |profile| profile.name);
    let r = call.render();
    let items = found.items.iter().map(|p| response::instance_profile_reference(&r, p)).collect();
    let list = List { path: &path, items: INSTANCE_PROFILES };
    call.collection(list, &page, items, found.next.as_ref(), all.len() as u64)
}

/// The bare metal profiles that the image runs on: the region has none.
pub(crate) async fn bare_metal_server_profiles(call: Call) -> Answer {
    let id = id(&call)?;
    call.control().image(&call.ctx, &id).await?;
    let path = format!("images/{id}/{BARE_METAL_SERVER_PROFILES}");
    let page = PageRequest::parse(&path, &call.query)?;
    call.nothing(List { path: &path, items: BARE_METAL_SERVER_PROFILES }, &page)
}

fn id(call: &Call) -> Result<ImageId, Failure> {
    Ok(call.id("id", "image")?)
}

fn render(call: &Call, status: StatusCode, view: &ImageView) -> Answer {
    Reply::json(status, &response::image(&call.render(), view, &call.app.zones))
}
