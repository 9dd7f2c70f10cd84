//! `/v3/resources/search`.

use control::PageKey;
use wire::{Fields, PageToken, request, response};

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

pub(crate) async fn search(call: Call) -> Answer {
    let body = if call.body.iter().all(u8::is_ascii_whitespace) {
        serde_json::Map::new()
    } else {
        call.json()?
    };
    let want = request::search(&call.query, &Fields::root(&body))?;
    if call.is_elsewhere(want.account.as_deref()) {
        return Reply::ok(&response::search_result(&[], None, want.limit, None));
    }
    let after = want.after.as_ref();
    let after = after.map(|t| PageKey { created_at: t.created_at, id: t.id.clone() });
    let (found, next) =
        call.control().search(&call.ctx, &want.query, after.as_ref(), want.limit).await?;
    let next = next.map(|key| PageToken { created_at: key.created_at, id: key.id });
    let cursor = next.map(|place| want.cursor(&place));
    Reply::ok(&response::search_result(&found, want.fields.as_deref(), want.limit, cursor))
}
