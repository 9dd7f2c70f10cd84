//! The rules of the region, as codes and statuses.

use model::{FloatingRefusal, KmsRefusal, Refusal, VniRefusal};

use super::{ApiError, ErrorCode, TargetKind};

/// The error that a refusal is answered with. The text is the refusal's own.
#[must_use]
pub fn refusal(refused: &Refusal) -> ApiError {
    let (code, field) = code_of(refused);
    let error = ApiError::new(code, refused.to_string());
    match field {
        Some(field) => error.at(TargetKind::Field, field),
        None => error,
    }
}

const SOURCE: Option<&str> = Some("source_volume");
const BOOT_VOLUME: &str = "boot_volume_attachment.volume";

/// Exhaustive on purpose: a new rule does not compile without a code.
fn code_of(refused: &Refusal) -> (ErrorCode, Option<&'static str>) {
    use {ErrorCode as E, Refusal as R};
    match refused {
        R::SourceVolumeElsewhere { .. } => (E::ImageSourceVolumeNotInRegion, SOURCE),
        R::SourceVolumeNotBoot { .. } => (E::ImageSourceVolumeNotBoot, SOURCE),
        R::SourceVolumeCapacity { .. } => (E::ImageSourceVolumeCapacityInvalid, SOURCE),
        R::SourceVolumeUnattached { .. } => (E::ImageSourceVolumeUnattached, SOURCE),
        R::SourceVolumeState { .. } => (E::ImageSourceVolumeNotAvailable, SOURCE),
        R::SourceInstanceUnavailable { .. } => (E::ImageSourceInstanceNotAvailable, SOURCE),
        R::SourceInstanceNotStopped { .. } => (E::ImageSourceInstanceNotStopped, SOURCE),
        R::SourceVolumeBusy { .. } => (E::ImageSourceVolumeBusy, SOURCE),
        R::ImageLifecycle { .. } => (E::ImageLifecycleInvalid, None),
        R::ImageDates { field, .. } => (E::ImageLifecycleDateInvalid, Some(field)),
        R::ImageState { .. } | R::InstanceState { .. } => (E::InvalidState, None),
        R::ImageNotProvisionable { .. } => (E::ImageNotProvisionable, Some("image")),
        R::NotAllowedUse { of: "image", .. } => (E::AllowedUseNotSatisfied, Some("image")),
        R::NotAllowedUse { .. } => (E::AllowedUseNotSatisfied, Some(BOOT_VOLUME)),
        R::ImagePublic { .. } => (E::InvalidActionForPublicImage, None),
        R::InstanceBusy { verb: "deleted", .. } => (E::InstanceDeleteConflict, None),
        R::InstanceBusy { .. } => (E::InvalidState, None),
        R::ConsoleInUse { .. } => (E::ConsoleInUse, None),
        R::VolumeCapacity { .. } => (E::VolumeCapacityMax, Some("capacity")),
        R::VolumeIops { .. } => (E::VolumeProfileIopsInvalid, Some("iops")),
        R::VolumeBandwidth { .. } => (E::ValidationFailure, Some("bandwidth")),
        R::VolumeProfileCapacity { .. } => (E::VolumeProfileCapacityIopsInvalid, Some("profile")),
        R::VolumeProfileChange { .. } => (E::InvalidValue, Some("profile")),
        R::AttachmentInstance { .. } | R::AttachmentState { .. } => {
            (E::VolumeActionInvalidRequest, None)
        }
        R::VolumeAttached { .. } => (E::VolumeStillAttached, None),
        R::VolumeState { verb: "deleted", .. } => (E::VolumeNotDeletable, None),
        R::VolumeState { .. } => (E::VolumeStatusNotAvailable, None),
        R::BootVolumeDetach => (E::VolumeAttachmentDeleteInvalidRequest, None),
        R::IdentityLocked { .. } | R::AccountOwner => (E::InvalidState, None),
        R::ApiKeyTaken => (E::ValidationUniqueFailed, Some("apikey")),
        R::NameTaken { kind, .. } => (name_taken(kind), Some("name")),
        R::KeyContentExists { .. } => (E::KeyContentExists, Some("public_key")),
        R::VpcNotEmpty { .. } => (E::VpcNotEmpty, None),
        R::SubnetNotEmpty { .. } => (E::SubnetNotEmpty, None),
        R::RangeOverlap { .. } => (E::SubnetConflict, None),
        R::NotInAddressPrefix { .. } => (E::NotInAddressPrefix, Some("ipv4_cidr_block")),
        R::NoDefaultAddressPrefix { .. } => (E::NoDefaultAddressPrefix, Some("zone")),
        R::NoSpaceForSubnet { .. } => {
            (E::InsufficientSpaceForSubnet, Some("total_ipv4_address_count"))
        }
        R::PrefixInUse { .. } => (E::AddressPrefixInUse, None),
        R::SubnetOutOfAddresses { .. } => (E::SubnetOutOfIpAddresses, None),
        R::AddressUnavailable { .. } => (E::AddressUnavailable, Some("address")),
        R::ReservedIpInUse { .. } => (E::ReservedIpInUse, None),
        R::SecurityGroupDefault { .. } => (E::SecurityGroupVpcDefault, None),
        R::SecurityGroupInUse { .. } => (E::SecurityGroupInUse, None),
        R::LastSecurityGroup { .. } => (E::SecurityGroupTargetLast, None),
        R::Vni(refused) => vni_code(refused),
        R::Kms(refused) => (kms_code(refused), None),
        R::AclInUse { .. } => (E::AclInUse, None),
        R::OtherVpc { field, .. } => (E::InvalidValue, *field),
        R::RuleImpossible { .. } => (E::ValidationFailure, None),
        R::Floating(refused) => floating(refused),
        R::DefaultGroup { .. } => (E::ResourceGroupDefault, None),
        R::GroupNotEmpty { .. } => (E::ResourceGroupNotEmpty, None),
        R::AccessTagUnknown { .. } => (E::AccessTagNotFound, Some("tag_names")),
        R::TagInUse { .. } => (E::TagInUse, None),
        R::ServiceTags => (E::NotAuthorized, None),
        R::ClockNotVirtual | R::NothingDue | R::StatusNotForced { .. } => (E::InvalidState, None),
        R::ClockRange => (E::ValidationMaxValue, Some("seconds")),
        R::PolicyExists { .. } => (E::PolicyConflict, None),
        R::RoleInUse { .. } => (E::RoleConflict, None),
        R::AccessGroupNotEmpty { .. } => (E::GroupNotEmpty, None),
        R::OverLimit { limit } => (ErrorCode::parse(limit.code).unwrap_or(E::OverQuota), None),
    }
}

const fn floating(refused: &FloatingRefusal) -> (ErrorCode, Option<&'static str>) {
    use ErrorCode as E;
    match refused {
        FloatingRefusal::Zone { .. } => (E::InvalidValue, Some("target")),
        FloatingRefusal::InUse { field, .. } => (E::FloatingIpInUse, *field),
        FloatingRefusal::OfAttachment { .. } => (E::InstanceNetworkStyle, Some("target")),
        FloatingRefusal::Taken { .. } => (E::FloatingIpTargetTaken, Some("target")),
        FloatingRefusal::GatewayExists { .. } => (E::PublicGatewayExists, Some("zone")),
        FloatingRefusal::GatewayInUse { .. } => (E::PublicGatewayInUse, None),
        FloatingRefusal::GatewayElsewhere => (E::InvalidValue, Some("public_gateway")),
    }
}

fn vni_code(refused: &VniRefusal) -> (ErrorCode, Option<&'static str>) {
    use ErrorCode as E;
    match refused {
        VniRefusal::AutoDeleteUnbound { .. } => (E::ValidationFailure, Some("auto_delete")),
        VniRefusal::Settings { field, .. } => (E::ValidationFailure, Some(field)),
        VniRefusal::OtherSubnet { .. } => (E::ValidationFailure, None),
        VniRefusal::WithoutNat { .. } | VniRefusal::Primary | VniRefusal::PrimaryInterface => {
            (E::InvalidState, None)
        }
        VniRefusal::InUse { .. } => (E::VirtualNetworkInterfaceInUse, None),
        VniRefusal::Style { .. } => (E::InstanceNetworkStyle, None),
        VniRefusal::Devices { .. } => (E::OverQuota, None),
    }
}

const fn kms_code(refused: &KmsRefusal) -> ErrorCode {
    use {ErrorCode as E, KmsRefusal as R};
    match refused {
        R::RootRequired => E::KeyRootRequired,
        R::State { .. } => E::KeyActionInvalidState,
        R::Deleted => E::KeyDeleted,
        R::Expired => E::KeyExpired,
        R::TooEarly { .. } => E::RequestTooEarly,
        R::RotatedLately => E::KeyRotationNotPermitted,
        R::PayloadRequired => E::KeyPayloadRequired,
        R::PayloadRefused | R::PolicyKind { .. } => E::InvalidValue,
        R::RestoreExpired => E::KeyRestoreExpired,
        R::Protected { .. } => E::ProtectedResource,
        R::Authorizations => E::AuthorizationsNotMet,
        R::NotDualAuth => E::NotDualAuth,
        R::Ciphertext => E::UnprocessableCiphertext,
        R::ImportAccess => E::KeyCreateImportAccess,
        R::AliasTaken { .. } => E::KeyAliasNotUnique,
        R::RingTaken { .. } => E::KeyRingExists,
        R::RingNotEmpty { .. } => E::KeyRingNotEmpty,
        R::InstanceNotEmpty { .. } => E::ResourceInstanceNotEmpty,
        R::SearchTooBroad { .. } => E::KeySearchTooBroad,
    }
}

/// IBM has codes of their own for the names of some types.
fn name_taken(kind: &str) -> ErrorCode {
    match kind {
        "volume" => ErrorCode::VolumeNameDuplicate,
        "instance" => ErrorCode::InstanceNameExists,
        "key" => ErrorCode::KeyNameExists,
        "resource group" => ErrorCode::ResourceGroupNameUniqueness,
        "custom role" => ErrorCode::RoleConflict,
        "access group" => ErrorCode::GroupConflict,
        _ => ErrorCode::ValidationUniqueFailed,
    }
}

/// Something that is not there: 404 when the path named it, 400 when a field of the body did.
#[must_use]
pub fn not_found(kind: &str, id: &str, field: Option<&str>) -> ApiError {
    let shown: String = id.chars().take(128).collect();
    let words = kind.replace('_', " ");
    let Some(field) = field else {
        let message = format!("The {words} {shown} does not exist, or is not visible to you.");
        let code = match kind {
            "policy" => ErrorCode::PolicyNotFound,
            "role" => ErrorCode::RoleNotFound,
            "Key Protect key" => ErrorCode::KmsKeyNotFound,
            "key ring" => ErrorCode::KeyRingNotFound,
            "alias" => ErrorCode::KeyAliasNotFound,
            _ => ErrorCode::NotFound,
        };
        return ApiError::parameter(code, "id", message);
    };
    let code = match kind {
        "volume" => ErrorCode::VolumeIdNotFound,
        _ => ErrorCode::BadField,
    };
    ApiError::field(
        code,
        field,
        format!("The {words} {shown} named by {field} does not exist, or is not visible to you."),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use base::{InstanceId, VolumeId};
    use model::{InstanceStatus, Limit, VolumeStatus};

    use super::*;

    fn rules() -> Vec<Refusal> {
        let volume = VolumeId::parse("r006-1").unwrap();
        let instance = InstanceId::parse("0717_1").unwrap();
        vec![
            Refusal::SourceVolumeElsewhere { volume: "crn".to_owned() },
            Refusal::SourceVolumeNotBoot { volume: volume.clone() },
            Refusal::SourceVolumeCapacity { volume: volume.clone(), gb: 99 },
            Refusal::SourceVolumeUnattached { volume: volume.clone() },
            Refusal::SourceVolumeState { volume, status: VolumeStatus::Pending },
            Refusal::SourceInstanceUnavailable {
                instance: instance.clone(),
                status: InstanceStatus::Failed,
            },
            Refusal::SourceInstanceNotStopped { instance, status: InstanceStatus::Running },
        ]
    }

    /// S13, S14, S15, S16, S17: each has a code of its own.
    #[test]
    fn every_precondition_of_an_image_has_a_code_of_its_own() {
        let errors: Vec<_> = rules().iter().map(refusal).collect();
        let codes: HashSet<_> = errors.iter().map(|e| e.code).collect();
        assert_eq!(codes.len(), errors.len());
        let statuses: Vec<_> = errors.iter().map(|e| e.status).collect();
        assert_eq!(statuses, [400, 400, 400, 409, 409, 409, 409]);
        assert!(errors.iter().all(|e| e.target.as_ref().unwrap().name == "source_volume"));
    }

    #[test]
    fn a_limit_has_the_code_of_its_row() {
        let error = refusal(&Refusal::OverLimit { limit: Limit::VOLUMES_MAX });
        assert_eq!(error.code, ErrorCode::VolumeQuotaReached);
        assert!(error.message.contains("300"), "{}", error.message);
    }

    #[test]
    fn what_the_path_named_is_404_and_what_the_body_named_is_400() {
        assert_eq!(not_found("image", "r006-1", None).status, 404);
        let error = not_found("volume", "r006-1", Some("source_volume.id"));
        assert_eq!((error.status, error.code), (400, ErrorCode::VolumeIdNotFound));
    }
}
