//! Rows of instances, and the views of everything an answer shows of them.

use std::collections::HashMap;

use base::{AccountId, ImageId, InstanceId, KeyId, ZoneName};
use model::{
    HostFailurePolicy, Instance, InstanceStatus, InstanceStatusReason, InstanceView,
    LifecycleState, MetadataProtocol, MetadataService, Reference,
};
use policy::Scope;

use super::{
    attachment::{self, End},
    counter::Counter,
    head::{head, not_found},
    list::{Conditions, marks, paged, place},
    nic,
    session::Session,
    sight::{self, columns},
    value::{Row, Value, binds},
    volume::image_reference,
};
use crate::{InstanceFilter, Page, Paged, StoreError};

const SELECT: &str =
    "SELECT n.id, n.account_id, n.group_id, n.name, n.created_at, n.revision, n.zone, n.vpc_id,
       n.profile, n.image_id, n.image_name, n.status, n.status_reasons, n.lifecycle_state,
       n.user_data, n.metadata_enabled, n.metadata_protocol, n.metadata_hop_limit,
       n.host_failure, n.total_volume_bandwidth, n.host_id, g.name, p.name, i.name,
       n.image_account_id
     FROM instances n LEFT JOIN resource_groups g ON g.id = n.group_id
     LEFT JOIN vpcs p ON p.id = n.vpc_id LEFT JOIN images i ON i.id = n.image_id";

fn instance(row: &mut Row) -> Result<Instance, StoreError> {
    Ok(Instance {
        head: head(row)?,
        zone: ZoneName::stored(row.text()?),
        vpc: row.id()?,
        profile: row.text()?,
        image: match (row.opt_id::<ImageId>()?, row.opt_text()?) {
            (Some(id), Some(name)) => Some((id, name)),
            (None, None) => None,
            _ => return Err(row.damaged("half an image")),
        },
        status: row.word(InstanceStatus::parse)?,
        status_reasons: row.words(InstanceStatusReason::parse)?,
        lifecycle_state: row.word(LifecycleState::parse)?,
        user_data: row.opt_text()?,
        metadata_service: MetadataService {
            enabled: row.bool()?,
            protocol: row.word(MetadataProtocol::parse)?,
            response_hop_limit: row.count()?,
        },
        host_failure: row.word(HostFailurePolicy::parse)?,
        total_volume_bandwidth: row.count()?,
        host: row.text()?,
        keys: Vec::new(),
    })
}

/// A view without keys, attachments and interfaces.
fn view(row: Row) -> Result<InstanceView, StoreError> {
    let mut row = row.of("instances");
    let instance = instance(&mut row)?;
    let (group_name, vpc_name) = (row.text()?, row.text()?);
    let (name_now, account): (_, Option<AccountId>) = (row.opt_text()?, row.opt_id()?);
    Ok(InstanceView {
        group_name,
        vpc: Reference { id: instance.vpc.clone(), name: vpc_name, deleted: false },
        image: image_reference(instance.image.as_ref(), name_now, account),
        attachments: Vec::new(),
        nics: Vec::new(),
        instance,
    })
}

async fn keys_fill(
    session: &mut Session,
    instances: &mut [&mut Instance],
) -> Result<(), StoreError> {
    if instances.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = instances.iter().map(|n| (&n.head.id).into()).collect();
    let rows = session
        .all(
            format!(
                "SELECT instance_id, key_id FROM instance_keys WHERE instance_id IN ({})
                 ORDER BY instance_id, position",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    let mut by_instance: HashMap<String, Vec<KeyId>> = HashMap::new();
    for row in rows {
        let mut row = row.of("instance_keys");
        by_instance.entry(row.text()?).or_default().push(row.id()?);
    }
    for instance in instances {
        instance.keys = by_instance.remove(instance.head.id.as_str()).unwrap_or_default();
    }
    Ok(())
}

async fn fill(session: &mut Session, views: &mut [InstanceView]) -> Result<(), StoreError> {
    let ids = views.iter().map(|view| (&view.instance.head.id).into()).collect();
    let mut attachments = attachment::of(session, End::Instance, ids).await?;
    let ids: Vec<InstanceId> = views.iter().map(|view| view.instance.head.id.clone()).collect();
    let mut nics = nic::of_instances(session, &ids.iter().collect::<Vec<_>>()).await?;
    for (view, id) in views.iter_mut().zip(&ids) {
        view.attachments = attachments.extract_if(.., |a| &a.attachment.instance == id).collect();
        view.nics = nics.extract_if(.., |n| &n.nic.instance == id).collect();
    }
    let mut instances: Vec<&mut Instance> = views.iter_mut().map(|v| &mut v.instance).collect();
    keys_fill(session, &mut instances).await
}

/// An instance of one account, or (none) of any.
pub(crate) async fn get(
    session: &mut Session,
    account: Option<&AccountId>,
    id: &InstanceId,
) -> Result<InstanceView, StoreError> {
    let mut conditions = Conditions::default();
    conditions.and("n.id = ?", binds![id]).and_eq("n.account_id", account);
    let rows = conditions.all(session, SELECT, "n.id").await?;
    let row = rows.into_iter().next().ok_or_else(|| not_found("instance", id))?;
    let mut found = [view(row)?];
    fill(session, &mut found).await?;
    let [view] = found;
    Ok(view)
}

/// The row of an instance, without its keys.
pub(crate) async fn row(session: &mut Session, id: &InstanceId) -> Result<Instance, StoreError> {
    let row = session.one(format!("{SELECT} WHERE n.id = $1"), binds![id]).await?;
    Ok(view(row.ok_or_else(|| not_found("instance", id))?)?.instance)
}

/// Refuses an instance that is not the account's.
pub(crate) async fn check(
    session: &mut Session,
    account: &AccountId,
    id: &InstanceId,
) -> Result<(), StoreError> {
    let there = session
        .any("SELECT 1 FROM instances WHERE id = $1 AND account_id = $2", binds![id, account])
        .await?;
    if there { Ok(()) } else { Err(not_found("instance", id)) }
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &InstanceFilter,
    page: &Page,
) -> Result<Paged<InstanceView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("n.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("n"))
        .and_eq("n.group_id", filter.group.as_ref())
        .and_eq("n.name", filter.name.as_deref())
        .and_eq("n.vpc_id", filter.vpc.as_ref());
    if let Some(name) = &filter.vpc_name {
        conditions.and(
            "n.vpc_id IN (SELECT id FROM vpcs WHERE account_id = ? AND name = ?)",
            binds![scope.account(), name],
        );
    }
    if let Some(subnet) = &filter.subnet {
        conditions.and(
            "EXISTS (SELECT 1 FROM nics x WHERE x.instance_id = n.id AND x.subnet_id = ?)",
            binds![subnet],
        );
    }
    let narrowed = filter != &InstanceFilter::default();
    let all = (&conditions, "instances n");
    let total = sight::total(session, scope, Counter::Instances, narrowed, all).await?;
    let rows = conditions.page(session, SELECT, "n", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut views = paged(views, page, total, |view| place(&view.instance.head));
    fill(session, &mut views.items).await?;
    Ok(views)
}

/// Instances of a host that are not stopped.
pub(crate) async fn of_host(
    session: &mut Session,
    host: &str,
) -> Result<Vec<Instance>, StoreError> {
    let rows = session
        .all(
            format!("{SELECT} WHERE n.host_id = $1 AND n.status <> 'stopped' ORDER BY n.id"),
            binds![host],
        )
        .await?;
    let mut views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    for part in views.chunks_mut(100) {
        let mut instances: Vec<&mut Instance> =
            part.iter_mut().map(|view| &mut view.instance).collect();
        keys_fill(session, &mut instances).await?;
    }
    Ok(views.into_iter().map(|view| view.instance).collect())
}

/// Public keys of an instance, as they were when it was made.
pub(crate) async fn ssh_keys(
    session: &mut Session,
    id: &InstanceId,
) -> Result<Vec<String>, StoreError> {
    let rows = session
        .all(
            "SELECT public_key FROM instance_keys WHERE instance_id = $1 ORDER BY position",
            binds![id],
        )
        .await?;
    rows.into_iter().map(|row| row.of("instance_keys").text()).collect()
}
