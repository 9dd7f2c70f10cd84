//! What the operator of a region for tests sees, and the tables that clients decide by.

use base::Timestamp;
use model::{
    ActionCourse, ActionKind, Forced, IMAGE_TRANSITIONS, ImageLineage, InstanceStatus, Lineages,
};
use serde::Serialize;

use crate::{Kind, Render, request::CallFault};

/// `GET /_ectype/v1/clock`.
#[derive(Debug, Serialize)]
pub struct Clock {
    frozen: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_due_at: Option<String>,
    region_time: String,
    r#virtual: bool,
    wall_time: String,
}

/// What the clocks say.
#[must_use]
pub fn clock(
    region: Timestamp,
    wall: Timestamp,
    is_virtual: bool,
    frozen: bool,
    next_due: Option<Timestamp>,
) -> Clock {
    Clock {
        frozen,
        next_due_at: next_due.map(|at| at.to_string()),
        region_time: region.to_string(),
        r#virtual: is_virtual,
        wall_time: wall.to_string(),
    }
}

/// A fault.
#[derive(Debug, Serialize)]
pub struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    r#type: &'static str,
}

impl Fault {
    fn bare(id: String, since: Timestamp, kind: &'static str) -> Self {
        Self {
            delay_ms: None,
            id,
            operation: None,
            remaining: None,
            resource_id: None,
            retry_after: None,
            since: since.to_string(),
            status: None,
            status_before: None,
            status_reason: None,
            r#type: kind,
        }
    }
}

/// A fault of calls.
#[must_use]
pub fn call_fault(
    id: String,
    since: Timestamp,
    operation: Option<&str>,
    fault: CallFault,
    remaining: u32,
) -> Fault {
    let mut out = Fault::bare(id, since, "answer");
    out.operation = Some(operation.unwrap_or("*").to_owned());
    out.remaining = Some(remaining);
    match fault {
        CallFault::TooMany(retry_after) => {
            out.status = Some(429.into());
            out.retry_after = Some(retry_after);
        }
        CallFault::Internal => out.status = Some(500.into()),
        CallFault::Unavailable => out.status = Some(503.into()),
        CallFault::Delay(by) => {
            out.r#type = "delay";
            out.delay_ms = u64::try_from(by.as_millis()).ok();
        }
    }
    out
}

/// A forced status. Its id is that of the resource.
#[must_use]
pub fn status_fault(forced: Forced) -> Fault {
    let kind = if forced.kind == "image" { "image_status" } else { "volume_status" };
    let mut out = Fault::bare(forced.id.clone(), forced.since, kind);
    out.resource_id = Some(forced.id);
    out.status = Some(forced.status.into());
    out.status_before = Some(forced.was);
    out.status_reason = forced.reason;
    out
}

/// `GET /_ectype/v1/faults`.
#[derive(Debug, Serialize)]
pub struct Faults {
    /// All of them.
    pub faults: Vec<Fault>,
}

#[derive(Debug, Serialize)]
struct Transition {
    from: &'static str,
    on: &'static str,
    to: &'static str,
    when: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Permitted {
    action: &'static str,
    course: &'static str,
    force: bool,
    status: &'static str,
}

/// `GET /_ectype/v1/transitions`.
#[derive(Debug, Serialize)]
pub struct Transitions {
    images: Vec<Transition>,
    instances: Vec<Permitted>,
}

/// The tables by which images and instances change.
#[must_use]
pub fn transitions() -> Transitions {
    let images = IMAGE_TRANSITIONS.iter().map(|row| Transition {
        from: row.from.as_str(),
        on: row.on.as_str(),
        to: row.to.as_str(),
        when: row.when.iter().map(|guard| guard.as_str()).collect(),
    });
    let mut instances = Vec::new();
    for &status in InstanceStatus::ALL {
        for &action in ActionKind::ALL {
            for force in [false, true] {
                let Ok(course) = model::instance_transition(status, None, action, force) else {
                    continue;
                };
                let course = match course {
                    ActionCourse::NoEffect => "no_effect",
                    ActionCourse::Now(_) => "now",
                    ActionCourse::Queued => "queued",
                };
                let (action, status) = (action.as_str(), status.as_str());
                instances.push(Permitted { action, course, force, status });
            }
        }
    }
    Transitions { images: images.collect(), instances }
}

#[derive(Debug, Serialize)]
struct AncestorRef {
    account_id: String,
    crn: String,
    deleted: bool,
    href: String,
    id: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct Descendant {
    href: String,
    id: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct Descendants {
    items: Vec<Descendant>,
    total_count: u64,
}

/// `GET /_ectype/v1/images/{id}/lineage`.
#[derive(Debug, Serialize)]
pub struct Lineage {
    ancestors: Vec<AncestorRef>,
    image_id: String,
    images: Descendants,
    instances: Descendants,
    volumes: Descendants,
}

/// What an image was made of, and what was made of it.
#[must_use]
pub fn lineage(r: &Render<'_>, image: &str, lineage: ImageLineage) -> Lineage {
    let all = |kind: Kind, found: Lineages| Descendants {
        items: found
            .items
            .into_iter()
            .map(|item| Descendant {
                href: r.href_of(kind, &item.id),
                id: item.id,
                name: item.name,
            })
            .collect(),
        total_count: found.total,
    };
    Lineage {
        ancestors: lineage
            .ancestors
            .into_iter()
            .map(|of| AncestorRef {
                crn: r.crn_of(&of.account, Kind::IMAGE, of.id.as_str()),
                account_id: of.account.to_string(),
                deleted: of.deleted,
                href: r.href_of(Kind::IMAGE, of.id.as_str()),
                id: of.id.to_string(),
                name: of.name,
            })
            .collect(),
        image_id: image.to_owned(),
        images: all(Kind::IMAGE, lineage.images),
        instances: all(Kind::INSTANCE, lineage.instances),
        volumes: all(Kind::VOLUME, lineage.volumes),
    }
}
