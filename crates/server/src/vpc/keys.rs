//! `/v1/keys`.

use base::KeyId;
use control::KeyCreate;
use wire::{Fields, List, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "keys", items: "keys" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::key_list(&call.query)?;
    let name = want.name.as_deref();
    let found = call.control().keys(&call.ctx, name, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|(key, group)| response::key(&r, key, group)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::key_prototype(&call.asked(), &Fields::root(&body))?;
    let command = KeyCreate {
        name: want.name,
        group: want.group,
        kind: want.kind,
        public_key: want.public_key,
    };
    let (key, group) = call.control().key_create(&call.ctx, command).await?;
    Reply::created(&response::key(&call.render(), &key, &group))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (key, group) = call.control().key(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::key(&call.render(), &key, &group))
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let name = request::rename(&Fields::root(&body))?;
    let (key, group) = call.control().key_rename(&call.ctx, &id, name).await?;
    Reply::ok(&response::key(&call.render(), &key, &group))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().key_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

fn id(call: &Call) -> Result<KeyId, Failure> {
    Ok(call.id("id", "key")?)
}
