//! ETags: weak, and made from what a caller can change only. A client PATCHes, waits for the
//! status to settle, and uses the ETag of the PATCH again, so the status must not be in it.

use model::{AllowedUse, InstanceView, VniView, VolumeView, VpcView};

use crate::{ApiError, ErrorCode};

fn etag(kind: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("ectype etag 1");
    for part in std::iter::once(&kind).chain(parts) {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    format!("W/\"{}\"", &hasher.finalize().to_hex()[..32])
}

fn allowed(use_: Option<&AllowedUse>) -> String {
    use_.map(|u| format!("{}\n{}\n{}", u.api_version, u.instance, u.bare_metal_server))
        .unwrap_or_default()
}

/// The ETag of a volume.
#[must_use]
pub fn etag_of_volume(view: &VolumeView) -> String {
    let volume = &view.volume;
    etag(
        "volume",
        &[
            volume.head.id.as_str(),
            volume.head.name.as_str(),
            &volume.profile,
            &volume.capacity.0.to_string(),
            &volume.iops.to_string(),
            &volume.bandwidth.to_string(),
            &volume.user_tags.join("\n"),
            &allowed(volume.allowed_use.as_ref()),
        ],
    )
}

/// The ETag of an instance.
#[must_use]
pub fn etag_of_instance(view: &InstanceView) -> String {
    let instance = &view.instance;
    let service = &instance.metadata_service;
    etag(
        "instance",
        &[
            instance.head.id.as_str(),
            instance.head.name.as_str(),
            &instance.profile,
            &service.enabled.to_string(),
            service.protocol.as_str(),
            &service.response_hop_limit.to_string(),
            instance.host_failure.as_str(),
            &instance.total_volume_bandwidth.to_string(),
        ],
    )
}

/// The ETag of a VPC.
#[must_use]
pub fn etag_of_vpc(view: &VpcView) -> String {
    etag("vpc", &[view.vpc.head.id.as_str(), view.vpc.head.name.as_str()])
}

/// The ETag of a virtual network interface.
#[must_use]
pub fn etag_of_vni(view: &VniView) -> String {
    let vni = &view.vni;
    etag(
        "virtual-network-interface",
        &[
            vni.head.id.as_str(),
            vni.head.name.as_str(),
            &vni.allow_ip_spoofing.to_string(),
            &vni.auto_delete.to_string(),
            &vni.infrastructure_nat.to_string(),
            vni.state_filtering.as_str(),
        ],
    )
}

/// Checks an `If-Match` header against the ETag of now. An empty header counts as absent: IBM's
/// Terraform provider sends one. `needed` says that the body replaces an array.
///
/// # Errors
/// `precondition_failed` (412), `precondition_required` (428).
pub fn check_if_match(header: Option<&str>, etag: &str, needed: bool) -> Result<(), ApiError> {
    let Some(header) = header.map(str::trim).filter(|h| !h.is_empty()) else {
        if needed {
            return Err(ApiError::header(
                ErrorCode::PreconditionRequired,
                "If-Match",
                "An array is replaced as a whole: send the ETag that you read as If-Match.",
            ));
        }
        return Ok(());
    };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    let wanted = bare(etag);
    if header == "*" || header.split(',').any(|tag| bare(tag) == wanted) {
        return Ok(());
    }
    Err(ApiError::header(
        ErrorCode::PreconditionFailed,
        "If-Match",
        "The resource was changed since you read it. Read it again.",
    ))
}

#[cfg(test)]
mod tests {
    use model::VolumeStatus;

    use super::*;
    use crate::response::samples;

    #[test]
    fn the_etag_of_a_volume_is_weak_and_does_not_follow_its_status() {
        let mut view = samples::volume();
        let before = etag_of_volume(&view);
        assert!(before.starts_with("W/\"") && before.ends_with('"'), "{before}");
        view.volume.status = VolumeStatus::Updating;
        view.volume.busy = true;
        view.volume.head.revision += 1;
        view.attachments.clear();
        assert_eq!(etag_of_volume(&view), before);
        view.volume.user_tags.push("x".to_owned());
        assert_ne!(etag_of_volume(&view), before);
    }

    #[test]
    fn the_etag_of_an_instance_does_not_follow_its_status() {
        let mut view = samples::instance();
        let before = etag_of_instance(&view);
        view.instance.status = model::InstanceStatus::Stopped;
        assert_eq!(etag_of_instance(&view), before);
        view.instance.metadata_service.enabled = true;
        assert_ne!(etag_of_instance(&view), before);
    }

    #[test]
    fn if_match_holds_or_fails() {
        let tag = "W/\"abc\"";
        for good in
            [None, Some(""), Some(tag), Some("\"abc\""), Some("*"), Some("\"x\", W/\"abc\"")]
        {
            assert!(check_if_match(good, tag, false).is_ok(), "{good:?}");
        }
        assert_eq!(check_if_match(Some("W/\"abd\""), tag, false).unwrap_err().status, 412);
        assert_eq!(check_if_match(None, tag, true).unwrap_err().status, 428);
        assert!(check_if_match(Some(tag), tag, true).is_ok());
    }
}
