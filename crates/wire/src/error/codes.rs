//! The one table of error codes.
//!
//! `Ibm` rows are codes that IBM documents or that its clients were seen to handle; `Ours` rows
//! were chosen here because no source gives IBM's. Where IBM's HTTP status is not documented, the
//! status is our choice by one rule: 400 for what the request names wrongly, 409 for state.

/// Who chose a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// IBM's own word.
    Ibm,
    /// Chosen here.
    Ours,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $origin:ident;)*) => {
        /// An error code with its usual HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// The whole table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The HTTP status that usually goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Who chose the code.
            #[must_use]
            pub const fn origin(self) -> Origin {
                match self { $(Self::$variant => Origin::$origin,)* }
            }

            /// The row of that code.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// No `version` in the query.
    MissingVersion = "missing_version", 400, Ibm;
    /// A `version` that is no date.
    InvalidVersion = "invalid_version", 400, Ibm;
    /// A `version` before the first.
    InvalidVersionRange = "invalid_version_range", 400, Ibm;
    /// A `version` after the newest.
    VersionNotSupported = "version_not_supported", 400, Ibm;
    /// No `generation` in the query.
    MissingGeneration = "missing_generation_parameter", 400, Ibm;
    /// A `generation` other than 2.
    InvalidGeneration = "invalid_generation_parameter", 400, Ibm;

    /// No bearer token.
    TokenMissing = "token_missing", 401, Ibm;
    /// A bearer token that is not good.
    TokenInvalid = "token_invalid", 401, Ibm;
    /// The caller may not.
    NotAuthorized = "not_authorized", 403, Ibm;

    /// A path that nothing serves.
    InvalidRoute = "invalid_route", 404, Ibm;
    /// A path that is served, with another method.
    MethodNotAllowed = "method_not_allowed", 405, Ours;
    /// Known to IBM's API, not served here.
    NotImplemented = "not_implemented", 501, Ibm;
    /// Not there, or another account's. 400 when a field of the body named it.
    NotFound = "not_found", 404, Ibm;
    /// A malformed id or page token.
    InvalidIdFormat = "invalid_id_format", 400, Ibm;

    /// The request cannot be read at all.
    BadRequest = "bad_request", 400, Ibm;
    /// The body, path or query is larger than the limit.
    RequestTooLarge = "request_too_large", 413, Ours;
    /// The path or query is larger than the limit.
    UriTooLong = "uri_too_long", 414, Ours;
    /// The headers are larger than the limit.
    HeadersTooLarge = "request_header_fields_too_large", 431, Ours;
    /// The request took too long. Not a 5xx: IBM's clients repeat those, also a `POST`.
    RequestTimeout = "request_timeout", 408, Ours;
    /// The resource was changed since the caller read it.
    PreconditionFailed = "precondition_failed", 412, Ours;
    /// An `If-Match` header is needed.
    PreconditionRequired = "precondition_required", 428, Ours;

    /// A needed field is missing.
    ValidationRequiredField = "validation_required_field", 400, Ibm;
    /// A field has the wrong JSON type.
    ValidationInvalidFieldType = "validation_invalid_field_type", 400, Ibm;
    /// A value is not one of those allowed.
    ValidationEnum = "validation_enum", 400, Ibm;
    /// Alternatives that exclude each other.
    ValidationOnlyOne = "validation_only_one", 400, Ibm;
    /// A number that is too small.
    ValidationMinValue = "validation_min_value", 400, Ibm;
    /// A number that is too large, or a text that is too long.
    ValidationMaxValue = "validation_max_value", 400, Ibm;
    /// A name against the pattern.
    ValidationInvalidName = "validation_invalid_name", 400, Ibm;
    /// A name that is taken.
    ValidationUniqueFailed = "validation_unique_failed", 400, Ibm;
    /// Any other rule about a value.
    ValidationFailure = "validation_failure", 400, Ibm;
    /// A field that names nothing.
    BadField = "bad_field", 400, Ibm;
    /// A value that cannot be read.
    InvalidValue = "invalid_value", 400, Ibm;
    /// A field that older versions had.
    FieldNoLongerSupported = "field_no_longer_supported", 400, Ibm;

    /// The state of the resource forbids it.
    InvalidState = "invalid_state", 409, Ibm;
    /// Someone else changed it at the same moment; trying again helps.
    Conflict = "conflict", 409, Ours;
    /// A limit of the account.
    OverQuota = "over_quota", 400, Ibm;

    /// S13.
    ImageSourceVolumeNotInRegion = "image_source_volume_not_in_region", 400, Ours;
    /// S14: a data volume.
    ImageSourceVolumeNotBoot = "image_source_volume_not_boot", 400, Ours;
    /// S14: the bounds of the capacity.
    ImageSourceVolumeCapacityInvalid = "image_source_volume_capacity_invalid", 400, Ours;
    /// S15.
    ImageSourceVolumeUnattached = "image_source_volume_unattached", 409, Ours;
    /// S16: the volume.
    ImageSourceVolumeNotAvailable = "image_source_volume_not_available", 409, Ours;
    /// S16: the instance.
    ImageSourceInstanceNotAvailable = "image_source_instance_not_available", 409, Ours;
    /// S17.
    ImageSourceInstanceNotStopped = "image_source_instance_not_stopped", 409, Ours;
    /// A second image of a volume while the first is made.
    ImageSourceVolumeBusy = "image_source_volume_busy", 409, Ours;
    /// The table of image lifecycles.
    ImageLifecycleInvalid = "image_lifecycle_invalid", 409, Ours;
    /// The rules of lifecycle dates.
    ImageLifecycleDateInvalid = "image_lifecycle_date_invalid", 400, Ours;
    /// S27.
    ImageNotProvisionable = "image_not_provisionable", 409, Ours;
    /// An expression of `allowed_use` that cannot be read.
    AllowedUseExpressionInvalid = "allowed_use_expression_invalid", 400, Ours;
    /// An instance that its image or boot volume does not allow.
    AllowedUseNotSatisfied = "allowed_use_not_satisfied", 400, Ours;
    /// A stock image is the provider's.
    InvalidActionForPublicImage = "invalid_action_for_public_image", 403, Ibm;

    /// Deleting an attached volume.
    VolumeStillAttached = "volume_still_attached", 409, Ibm;
    /// Deleting a volume in the wrong status.
    VolumeNotDeletable = "volume_not_deletable", 409, Ibm;
    /// Changing a volume in the wrong status.
    VolumeStatusNotAvailable = "volume_status_not_available", 409, Ibm;
    /// A capacity outside the bounds.
    VolumeCapacityMax = "volume_capacity_max", 400, Ibm;
    /// No capacity.
    VolumeCapacityMissing = "volume_capacity_missing", 400, Ibm;
    /// Operations a second outside the bounds.
    VolumeProfileIopsInvalid = "volume_profile_iops_invalid", 400, Ibm;
    /// A profile that the volume does not fit.
    VolumeProfileCapacityIopsInvalid = "volume_profile_capacity_iops_invalid", 400, Ibm;
    /// A body that names no volume.
    VolumeIdNotFound = "volume_id_not_found", 400, Ibm;
    /// A body that names no profile.
    VolumeProfileNotFound = "volume_profile_not_found", 400, Ibm;
    /// A volume's name that is taken.
    VolumeNameDuplicate = "volume_name_duplicate", 400, Ibm;
    /// Limit of volumes.
    VolumeQuotaReached = "volume_quota_reached", 400, Ibm;
    /// Limit of data volumes on an instance.
    VolumeAttachmentOverQuota = "volume_attachment_over_quota", 400, Ibm;
    /// Detaching a boot volume.
    VolumeAttachmentDeleteInvalidRequest = "volume_attachment_delete_invalid_request", 400, Ibm;
    /// Attaching or detaching while the instance, or the attachment, is on its way.
    VolumeActionInvalidRequest = "volume_action_invalid_request", 409, Ibm;
    /// A root key's CRN that cannot be used.
    VolumeEncryptionKeyCrnInvalid = "volume_encryption_key_crn_invalid", 400, Ibm;

    /// Deleting or changing an instance in the wrong status.
    InstanceDeleteConflict = "instance_delete_conflict", 409, Ibm;
    /// An instance's name that is taken.
    InstanceNameExists = "instance_name_exists", 400, Ibm;

    /// The same public key is there.
    KeyContentExists = "key_content_exists", 400, Ibm;
    /// A key's name that is taken.
    KeyNameExists = "key_name_exists", 400, Ibm;
    /// A text that is no public key.
    KeyParseFailure = "key_parse_failure", 400, Ibm;
    /// A public key of another type than the request says.
    KeyInvalidType = "key_invalid_type", 400, Ibm;

    /// A resource group's name that is taken.
    ResourceGroupNameUniqueness = "RESOURCE_GROUP_NAME_UNIQUENESS", 400, Ibm;
    /// Deleting the default resource group.
    ResourceGroupDefault = "RESOURCE_GROUP_DEFAULT", 400, Ours;
    /// Deleting a resource group with something in it.
    ResourceGroupNotEmpty = "RESOURCE_GROUP_NOT_EMPTY", 400, Ours;
    /// Attaching an access tag that was not created.
    AccessTagNotFound = "access_tag_not_found", 400, Ours;
    /// Deleting a tag that is attached.
    TagInUse = "tag_in_use", 400, Ours;
    /// A search query that cannot be read.
    InvalidQuery = "invalid_query", 400, Ours;

    /// A policy that is not there, or is another account's.
    PolicyNotFound = "policy_not_found", 404, Ibm;
    /// A policy that says what another says.
    PolicyConflict = "policy_conflict_error", 409, Ibm;
    /// A custom role that is not there, or is another account's.
    RoleNotFound = "role_not_found", 404, Ibm;
    /// A custom role whose name is taken, or that a policy gives.
    RoleConflict = "role_conflict_error", 409, Ibm;
    /// A policy or a role that cannot be read.
    InvalidBody = "invalid_body", 400, Ibm;
    /// A parameter that is needed.
    MissingRequiredQueryParameter = "missing_required_query_parameter", 400, Ibm;
    /// An access group whose name is taken.
    GroupConflict = "group_name_conflict_error", 409, Ours;
    /// Deleting an access group with members.
    GroupNotEmpty = "group_not_empty_error", 409, Ours;

    /// A VPC that is not empty.
    VpcNotEmpty = "vpc_not_empty", 409, Ibm;
    /// A subnet that is not empty.
    SubnetNotEmpty = "subnet_not_empty", 409, Ibm;
    /// Ranges that overlap.
    SubnetConflict = "subnet_conflict", 400, Ibm;
    /// A subnet outside the prefixes.
    NotInAddressPrefix = "not_in_address_prefix", 400, Ibm;
    /// A zone without default prefix.
    NoDefaultAddressPrefix = "no_default_address_prefix", 400, Ibm;
    /// No room for a subnet.
    InsufficientSpaceForSubnet = "insufficient_space_for_subnet", 400, Ibm;
    /// No free address.
    SubnetOutOfIpAddresses = "subnet_out_of_ip_addresses", 400, Ibm;
    /// A prefix with subnets.
    AddressPrefixInUse = "address_prefix_in_use", 409, Ours;
    /// A console that another session has.
    ConsoleInUse = "console_in_use", 409, Ours;
    /// An address that cannot be had.
    AddressUnavailable = "address_unavailable", 400, Ours;
    /// A reserved IP that cannot be changed.
    ReservedIpInUse = "reserved_ip_in_use", 409, Ours;

    /// Attaching or deleting a virtual network interface that is attached.
    VirtualNetworkInterfaceInUse = "virtual_network_interface_in_use", 409, Ours;
    /// Using network attachments on an instance with network interfaces, or the reverse.
    InstanceNetworkStyle = "instance_network_style", 409, Ours;

    /// Deleting the default security group of a VPC.
    SecurityGroupVpcDefault = "security_group_vpc_default", 409, Ibm;
    /// Deleting a security group that something uses.
    SecurityGroupInUse = "security_group_in_use", 409, Ours;
    /// Taking an interface out of its only security group.
    SecurityGroupTargetLast = "security_group_target_last", 409, Ours;
    /// Deleting a network ACL that is a default or that subnets use.
    AclInUse = "acl_in_use", 409, Ibm;

    /// An interface with another floating IP.
    FloatingIpTargetTaken = "floating_ip_target_taken", 409, Ours;
    /// A floating IP that is bound, or that a public gateway needs.
    FloatingIpInUse = "floating_ip_in_use", 409, Ours;
    /// A second public gateway in a zone of a VPC.
    PublicGatewayExists = "public_gateway_exists", 409, Ours;
    /// Deleting a public gateway that subnets use.
    PublicGatewayInUse = "public_gateway_in_use", 409, Ours;

    /// A standard key where a root key is needed.
    KeyRootRequired = "KEY_ROOT_REQ_ERR", 400, Ibm;
    /// The state of a key of Key Protect forbids it.
    KeyActionInvalidState = "KEY_ACTION_INVALID_STATE_ERR", 409, Ibm;
    /// A key past its expiration date.
    KeyExpired = "KEY_EXPIRED_ERR", 400, Ibm;
    /// A key that was deleted.
    KeyDeleted = "KEY_DELETED_ERR", 410, Ibm;
    /// A change that must wait.
    RequestTooEarly = "REQ_TOO_EARLY_ERR", 409, Ibm;
    /// A second rotation within an hour.
    KeyRotationNotPermitted = "KEY_ROTATION_NOT_PERMITTED", 409, Ibm;
    /// A rotation of an imported key without material.
    KeyPayloadRequired = "KEY_PAYLOAD_REQ_ERR", 400, Ibm;
    /// A restoration after thirty days.
    KeyRestoreExpired = "KEY_RESTORE_EXPIRED", 400, Ibm;
    /// Deleting a key that protects something.
    ProtectedResource = "PROTECTED_RESOURCE_ERR", 409, Ibm;
    /// Deleting a key that two must delete.
    AuthorizationsNotMet = "AUTHORIZATIONS_NOT_MET", 409, Ibm;
    /// Setting a key for deletion that one may delete.
    NotDualAuth = "NOT_DUAL_AUTH_ERR", 409, Ibm;
    /// Wrapped bytes that were changed, or are another key's.
    UnprocessableCiphertext = "UNPROCESSABLE_CIPHERTEXT_ERR", 422, Ibm;
    /// A kind of key that a policy of the instance forbids.
    KeyCreateImportAccess = "KEY_CREATE_IMPORT_ACCESS_ERR", 409, Ibm;
    /// A body that should be there.
    NoBody = "NO_BODY_ERR", 400, Ibm;
    /// Metadata that count other than the resources.
    CollectionTotalMismatch = "COLLECTION_TOTAL_MISMATCH_ERR", 400, Ibm;
    /// A body about another policy than the query.
    BodyQueryParamMismatch = "BODY_QUERY_PARAM_MISMATCH_ERR", 400, Ibm;
    /// Several policies where the query names one.
    NumCollectionResource = "NUM_COLLECTION_RESOURCE_ERR", 400, Ibm;
    /// No such key of Key Protect.
    KmsKeyNotFound = "KEY_NOT_FOUND_ERR", 404, Ibm;
    /// A search over more keys than are searched.
    KeySearchTooBroad = "KEY_SEARCH_TOO_BROAD", 400, Ibm;
    /// No such key ring.
    KeyRingNotFound = "KEY_RING_NOT_FOUND_ERR", 404, Ours;
    /// A key ring that is there already.
    KeyRingExists = "KEY_RING_EXISTS_ERR", 409, Ours;
    /// A key ring with keys.
    KeyRingNotEmpty = "KEY_RING_NOT_EMPTY_ERR", 409, Ours;
    /// An alias that another key has.
    KeyAliasNotUnique = "KEY_ALIAS_NOT_UNIQUE_ERR", 409, Ours;
    /// No such alias.
    KeyAliasNotFound = "KEY_ALIAS_NOT_FOUND_ERR", 404, Ours;
    /// Deleting a service instance with keys.
    ResourceInstanceNotEmpty = "RESOURCE_INSTANCE_NOT_EMPTY", 400, Ours;

    /// Too many requests: only where a fault asks for it.
    RateLimitExceeded = "rate_limit_exceeded", 429, Ibm;
    /// A broken promise of ours.
    InternalError = "internal_error", 500, Ibm;
    /// Something the region needs is away.
    BackendServiceUnavailable = "backend_service_unavailable", 503, Ibm;
    /// Sign-in is away.
    IamFailure = "iam_failure", 503, Ibm;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_there_once_and_reads_back() {
        let texts: HashSet<_> = ErrorCode::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
            assert!((400..=599).contains(&code.status()));
        }
        assert_eq!(ErrorCode::parse("no_such_code"), None);
    }

    #[test]
    fn every_limit_of_the_model_has_its_code_in_the_table() {
        for limit in model::LIMITS {
            assert!(ErrorCode::parse(limit.code).is_some(), "{}", limit.name);
        }
    }
}
