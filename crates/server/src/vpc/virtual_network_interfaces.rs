//! `/v1/virtual_network_interfaces` and their reserved IPs.

use axum::http::StatusCode;
use base::{ReservedIpId, VniId};
use control::VniFilter;
use model::{IpOrder, IpReference, LifecycleState, VniView};
use wire::{Fields, List, PageRequest, PageToken, etag_of_vni, request, response};

use crate::{
    call::{ATTEMPTS_MAX, Call, changes_too_often, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> =
    List { path: "virtual_network_interfaces", items: "virtual_network_interfaces" };

fn id(call: &Call) -> Result<VniId, Failure> {
    Ok(call.id("id", "virtual network interface")?)
}

fn ids(call: &Call) -> Result<(VniId, ReservedIpId), Failure> {
    Ok((id(call)?, call.id("ip_id", "reserved ip")?))
}

fn render(call: &Call, status: StatusCode, view: &VniView) -> Answer {
    let state = LifecycleState::Stable;
    let shown = response::virtual_network_interface(&call.render(), view, state);
    Ok(Reply::json(status, &shown)?.with_etag(etag_of_vni(view)))
}

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::grouped_list(LIST.path, &call.asked(), &call.query)?;
    let filter = VniFilter { group: want.group };
    let found = call.control().vnis(&call.ctx, filter, page_of(&want.page)).await?;
    let (r, state) = (call.render(), LifecycleState::Stable);
    let show = |view| response::virtual_network_interface(&r, view, state);
    let items = found.items.iter().map(show).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::vni_prototype(&call.asked(), &Fields::root(&body))?;
    let view = call.control().vni_create(&call.ctx, want).await?;
    render(&call, StatusCode::CREATED, &view)
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().vni(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &view)
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let patch = request::vni_patch(&Fields::root(&body))?;
    for _ in 0..ATTEMPTS_MAX {
        let old = call.control().vni(&call.ctx, &id).await?;
        call.check_if_match(&etag_of_vni(&old), false)?;
        let seen = old.vni.head.revision;
        match call.control().vni_update(&call.ctx, &id, seen, patch.clone()).await {
            Err(control::Error::Changed { .. }) => {}
            done => return render(&call, StatusCode::OK, &done?),
        }
    }
    Err(changes_too_often())
}

/// 202 with what it was: it is gone when this returns.
pub(crate) async fn delete(call: Call) -> Answer {
    let id = id(&call)?;
    let old = call.control().vni(&call.ctx, &id).await?;
    call.check_if_match(&etag_of_vni(&old), false)?;
    let view = call.control().vni_delete(&call.ctx, &id).await?;
    let state = LifecycleState::Deleting;
    let shown = response::virtual_network_interface(&call.render(), &view, state);
    Reply::json(StatusCode::ACCEPTED, &shown)
}

/// Few enough to be sorted here; a page goes on behind the last one's place in the order.
pub(crate) async fn ip_list(call: Call) -> Answer {
    let id = id(&call)?;
    let path = format!("virtual_network_interfaces/{id}/ips");
    let page = PageRequest::parse(&path, &call.query)?;
    let sort = request::ip_sort(&call.query, &["address", "name"])?;
    let view = call.control().vni(&call.ctx, &id).await?;
    let key = |ip: &IpReference| match sort.by {
        IpOrder::Name => ip.ip.name.clone(),
        IpOrder::Address | IpOrder::CreatedAt => format!("{:010}", u32::from(ip.address)),
    };
    let mut all: Vec<(String, &IpReference)> = view.ips.iter().map(|ip| (key(ip), ip)).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    if sort.descending {
        all.reverse();
    }
    let total = all.len() as u64;
    if let Some(after) = &page.after {
        all.retain(|(key, _)| if sort.descending { key < &after.id } else { key > &after.id });
    }
    let limit = page.limit as usize;
    let more = all.len() > limit;
    all.truncate(limit);
    let last = all.last().filter(|_| more);
    let next = last.map(|(key, _)| PageToken { created_at: 0, id: key.clone() });
    let r = call.render();
    let items = all.iter().map(|(_, ip)| response::vni_ip(&r, &view, ip)).collect();
    let list = List { path: &path, items: "ips" };
    call.collection(list, &page, items, next.as_ref(), total)
}

pub(crate) async fn ip_get(call: Call) -> Answer {
    let (id, ip) = ids(&call)?;
    let (ip, view) = call.control().vni_ip(&call.ctx, &id, &ip).await?;
    Reply::ok(&response::vni_ip(&call.render(), &view, &ip))
}

pub(crate) async fn ip_add(call: Call) -> Answer {
    let (id, ip) = ids(&call)?;
    let (ip, view) = call.control().vni_ip_add(&call.ctx, &id, &ip).await?;
    Reply::ok(&response::vni_ip(&call.render(), &view, &ip))
}

pub(crate) async fn ip_remove(call: Call) -> Answer {
    let (id, ip) = ids(&call)?;
    call.control().vni_ip_remove(&call.ctx, &id, &ip).await?;
    Ok(Reply::empty())
}
