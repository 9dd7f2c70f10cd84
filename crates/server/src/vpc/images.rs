//! `/v1/images`.

use axum::http::StatusCode;
use base::ImageId;
use control::{ImageCreate, ImageFilter};
use model::{ImagePatch, ImageView, Refusal};
use wire::{Fields, List, Named, request, response};

use crate::{
    call::{ATTEMPTS_MAX, Call, changes_too_often, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "images", items: "images" };

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

fn id(call: &Call) -> Result<ImageId, Failure> {
    Ok(call.id("id", "image")?)
}

fn render(call: &Call, status: StatusCode, view: &ImageView) -> Answer {
    Reply::json(status, &response::image(&call.render(), view, &call.app.zones))
}
