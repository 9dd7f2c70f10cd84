//! Changes of an instance and its attachments, and its actions.

use model::{ActionKind, HostFailurePolicy, MetadataProtocol, MetadataService, ResourceName};
use serde_json::json;

use super::{Asked, instance};
use crate::{ApiError, Fields, TargetKind};

/// `PATCH /instances/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstancePatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// Name of the new profile, which exists.
    pub profile: Option<String>,
    /// New parts of the metadata service.
    pub metadata_service: Option<MetadataServicePatch>,
    /// New policy.
    pub host_failure: Option<HostFailurePolicy>,
}

/// The parts of a metadata service that a patch gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetadataServicePatch {
    /// On or off.
    pub enabled: Option<bool>,
    /// Protocol.
    pub protocol: Option<MetadataProtocol>,
    /// 1 to 64.
    pub response_hop_limit: Option<u8>,
}

impl MetadataServicePatch {
    /// The parts laid over `old`.
    #[must_use]
    pub fn onto(self, old: MetadataService) -> MetadataService {
        MetadataService {
            enabled: self.enabled.unwrap_or(old.enabled),
            protocol: self.protocol.unwrap_or(old.protocol),
            response_hop_limit: self.response_hop_limit.unwrap_or(old.response_hop_limit),
        }
    }
}

/// Reads `PATCH /instances/{id}`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for what is not served.
pub fn instance_patch(asked: &Asked<'_>, f: &Fields<'_>) -> Result<InstancePatch, ApiError> {
    f.unserved(&[
        ("total_volume_bandwidth", None),
        ("placement_target", None),
        ("availability", Some(json!({"class": "standard"}))),
        ("confidential_compute_mode", Some(json!("disabled"))),
        ("enable_secure_boot", Some(json!(false))),
        ("reservation_affinity", Some(json!({"policy": "disabled"}))),
        ("threads_per_core", Some(json!(2))),
        ("vcpu", Some(json!({"percentage": 100}))),
        ("volume_bandwidth_qos_mode", Some(json!("pooled"))),
    ])?;
    Ok(InstancePatch {
        name: super::rename(f)?,
        profile: f.patched_value("profile", |f| instance::profile(asked, f))?,
        metadata_service: f.patched_value("metadata_service", metadata_service)?,
        host_failure: instance::host_failure(f)?,
    })
}

fn metadata_service(f: &Fields<'_>) -> Result<Option<MetadataServicePatch>, ApiError> {
    let Some(f) = f.object("metadata_service")? else { return Ok(None) };
    let hops = f.small_number("response_hop_limit", 1, 64)?;
    Ok(Some(MetadataServicePatch {
        enabled: f.flag("enabled")?,
        protocol: f.choice("protocol", "http, https", MetadataProtocol::parse)?,
        response_hop_limit: hops.and_then(|n| u8::try_from(n).ok()),
    }))
}

/// `POST /instances/{id}/actions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionPrototype {
    /// What.
    pub kind: ActionKind,
    /// At once, without asking the guest; means nothing for a start.
    pub force: bool,
}

/// Reads `POST /instances/{id}/actions`.
///
/// # Errors
/// What the body names wrongly.
pub fn action_prototype(f: &Fields<'_>) -> Result<ActionPrototype, ApiError> {
    let kind = f.choice("type", "start, stop, reboot", ActionKind::parse)?;
    let kind = f.required("type", kind)?;
    let force = f.flag("force")?.unwrap_or(false) && kind != ActionKind::Start;
    Ok(ActionPrototype { kind, force })
}

/// `POST /instances/{id}/console_access_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleAccessToken {
    /// The session takes the line from another.
    pub force: bool,
}

/// Reads `POST /instances/{id}/console_access_token`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for a VNC console: guests have no display.
pub fn console_access_token(f: &Fields<'_>) -> Result<ConsoleAccessToken, ApiError> {
    let kinds = |text: &str| matches!(text, "serial" | "vnc").then(|| text == "serial");
    let serial = f.choice("console_type", "serial, vnc", kinds)?;
    if !f.required("console_type", serial)? {
        return Err(
            ApiError::not_implemented("A VNC console").at(TargetKind::Field, "console_type")
        );
    }
    Ok(ConsoleAccessToken { force: f.flag("force")?.unwrap_or(false) })
}

/// `PATCH …/volume_attachments/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachmentPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// The volume goes, or no longer goes, with the instance.
    pub delete_volume_on_instance_delete: Option<bool>,
}

/// Reads `PATCH …/volume_attachments/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn attachment_patch(f: &Fields<'_>) -> Result<AttachmentPatch, ApiError> {
    let flag = "delete_volume_on_instance_delete";
    Ok(AttachmentPatch {
        name: super::rename(f)?,
        delete_volume_on_instance_delete: f.patched_value(flag, |f| f.flag(flag))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ErrorCode,
        request::testing::{parse, seen},
    };

    #[test]
    fn a_console_is_serial() {
        let read = |body| parse(body, |_, f| console_access_token(f));
        let force = |body| read(body).map(|want| want.force);
        assert!(!force(json!({"console_type": "serial"})).unwrap());
        assert!(force(json!({"console_type": "serial", "force": true})).unwrap());
        for (body, code) in [
            (json!({}), ErrorCode::ValidationRequiredField),
            (json!({"console_type": "vnc"}), ErrorCode::NotImplemented),
            (json!({"console_type": "tty"}), ErrorCode::ValidationEnum),
        ] {
            assert_eq!(seen(read(body)).0, code);
        }
    }

    #[test]
    fn an_action_has_one_of_three_types() {
        let read = |body| parse(body, |_, f| action_prototype(f));
        assert_eq!(
            read(json!({"type": "stop", "force": true})).unwrap(),
            ActionPrototype { kind: ActionKind::Stop, force: true }
        );
        assert!(!read(json!({"type": "start", "force": true})).unwrap().force);
        assert_eq!(seen(read(json!({}))).0, ErrorCode::ValidationRequiredField);
        assert_eq!(seen(read(json!({"type": "pause"}))).0, ErrorCode::ValidationEnum);
        assert_eq!(seen(read(json!({"type": 1}))).0, ErrorCode::ValidationInvalidFieldType);
    }

    #[test]
    fn a_patch_of_the_metadata_service_keeps_what_it_does_not_name() {
        let patch = json!({"metadata_service": {"enabled": true}});
        let patch = parse(patch, instance_patch).unwrap().metadata_service.unwrap();
        let old = MetadataService { response_hop_limit: 5, ..MetadataService::default() };
        assert_eq!(patch.onto(old), MetadataService { enabled: true, ..old });
    }
}
