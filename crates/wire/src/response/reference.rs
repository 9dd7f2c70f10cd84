//! References: how an answer names another resource.

use base::{AccountId, ZoneName};
use model::Reference;
use serde::Serialize;

use crate::{Kind, Render};

/// Where the meaning of `deleted` is explained.
const DELETED_INFO: &str = "https://cloud.ibm.com/apidocs/vpc#deleted-resources";

/// That a referenced resource is gone.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    more_info: &'static str,
}

impl Deleted {
    pub(crate) fn if_so(deleted: bool) -> Option<Self> {
        deleted.then_some(Self { more_info: DELETED_INFO })
    }
}

/// That a resource is another account's.
#[derive(Debug, Serialize)]
pub(crate) struct Remote<'a> {
    account: RemoteAccount<'a>,
}

#[derive(Debug, Serialize)]
struct RemoteAccount<'a> {
    id: &'a str,
    resource_type: &'static str,
}

impl<'a> Remote<'a> {
    /// Set when `owner` is not the caller, in versions that have it.
    pub(crate) fn of(r: &Render<'_>, owner: &'a AccountId) -> Option<Self> {
        (r.version.has_image_remote() && owner != r.account).then(|| Self {
            account: RemoteAccount { id: owner.as_str(), resource_type: "account" },
        })
    }
}

/// A reference by id.
#[derive(Debug, Serialize)]
pub struct Ref<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    crn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<Deleted>,
    href: String,
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<Remote<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'static str>,
}

impl<'a> Ref<'a> {
    /// A reference with href, id and name only.
    pub(crate) fn plain(href: String, id: &'a str, name: &'a str) -> Self {
        Self { crn: None, deleted: None, href, id, name, remote: None, resource_type: None }
    }

    /// A regional resource of the caller's account.
    pub(crate) fn regional(r: &Render<'_>, kind: Kind, id: &'a str, name: &'a str) -> Self {
        Self { crn: Some(r.crn(kind, id)), ..Self::plain(r.href_of(kind, id), id, name) }
    }

    /// A zonal resource of the caller's account, or a volume.
    pub(crate) fn zonal(
        r: &Render<'_>,
        kind: Kind,
        zone: &ZoneName,
        id: &'a str,
        name: &'a str,
    ) -> Self {
        let crn = Some(r.crn_in(kind, zone.as_str(), id));
        Self { crn, ..Self::plain(r.href_of(kind, id), id, name) }
    }

    /// An image of any account.
    pub(crate) fn image(
        r: &Render<'_>,
        image: &'a Reference<base::ImageId>,
        owner: &'a AccountId,
    ) -> Self {
        let id = image.id.as_str();
        Self {
            crn: Some(r.crn_of(owner, Kind::IMAGE, id)),
            remote: Remote::of(r, owner),
            ..Self::plain(r.href_of(Kind::IMAGE, id), id, &image.name)
        }
        .deleted(image.deleted)
        .typed("image")
    }

    /// A resource group: named by id, outside the VPC API.
    pub(crate) fn group(r: &Render<'_>, id: &'a base::ResourceGroupId, name: &'a str) -> Self {
        Self::plain(r.href_of_group(id.as_str()), id.as_str(), name)
    }

    pub(crate) fn named(self, crn: String) -> Self {
        Self { crn: Some(crn), ..self }
    }

    pub(crate) fn typed(self, resource_type: &'static str) -> Self {
        Self { resource_type: Some(resource_type), ..self }
    }

    pub(crate) fn deleted(self, deleted: bool) -> Self {
        Self { deleted: Deleted::if_so(deleted), ..self }
    }
}

/// A reference by name: zones, profiles, regions.
#[derive(Debug, Serialize)]
pub struct NamedRef<'a> {
    href: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'static str>,
}

impl<'a> NamedRef<'a> {
    pub(crate) fn region(r: &Render<'a>) -> Self {
        let name = r.region.as_str();
        Self { href: r.href(&["regions", name]), name, resource_type: None }
    }

    pub(crate) fn zone(r: &Render<'_>, zone: &'a ZoneName) -> Self {
        let path = ["regions", r.region.as_str(), "zones", zone.as_str()];
        Self { href: r.href(&path), name: zone.as_str(), resource_type: None }
    }

    pub(crate) fn volume_profile(r: &Render<'_>, name: &'a str) -> Self {
        Self { href: r.href(&["volume", "profiles", name]), name, resource_type: None }
    }

    pub(crate) fn instance_profile(r: &Render<'_>, name: &'a str) -> Self {
        let href = r.href(&["instance", "profiles", name]);
        Self { href, name, resource_type: Some("instance_profile") }
    }
}

/// A reason of a status: a code and a sentence.
#[derive(Debug, Serialize)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}
