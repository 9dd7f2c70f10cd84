//! What to type next when the region refuses.

use crate::failure::Refusal;

/// The next command for a code; `{program}` stands for how we were called.
pub(crate) fn next(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal.code.as_str() {
        "image_source_instance_not_stopped" => {
            "stop the instance first: {program} is instance-stop INSTANCE; or all at once: ectype \
             capture INSTANCE NAME --stop --wait"
        }
        "image_source_volume_unattached" => {
            "an image is made of the boot volume of an instance: {program} is instances"
        }
        "image_source_volume_busy" => {
            "wait for the other image: {program} is images --status pending"
        }
        "validation_unique_failed" => "the name is taken: choose another",
        "group_not_empty_error" => "--recursive deletes it with its members",
        "not_authorized" => "see who you are: {program} target",
        "over_quota" => "delete what is not needed, or ask the operator for a higher limit",
        "not_implemented" => "what this region serves is in docs/compatibility.md",
        _ if refusal.status == 401 => "log in again: {program} login",
        _ => return None,
    })
}
