//! Identity objects: how a request names a resource. Exactly one of `id`, `crn` and `href`; a
//! few types by `name` or `fingerprint` instead.
//!
//! A CRN or href is resolved against this region and the caller's account, so that a name of
//! another place is told apart from one that is not there. Plain ids are opaque.

use base::{AccountId, Crn, IdError, KeyId, RegionName, ResourceGroupId, ZoneName};

use crate::{ApiError, ErrorCode, Fields};

/// Longest CRN or href, in bytes.
const REFERENCE_BYTES_MAX: usize = 512;

/// A type of resource, as CRNs and hrefs spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// In a CRN, and in errors: `volume`.
    pub crn: &'static str,
    /// In a path: `volumes`.
    pub collection: &'static str,
    /// A CRN has the zone rather than the region.
    pub zonal: bool,
    /// Another account's are visible too: stock images.
    pub shared: bool,
}

impl Kind {
    const fn new(crn: &'static str, collection: &'static str, zonal: bool) -> Self {
        Self { crn, collection, zonal, shared: false }
    }

    /// Images.
    pub const IMAGE: Self = Self { shared: true, ..Self::new("image", "images", false) };
    /// Volumes.
    pub const VOLUME: Self = Self::new("volume", "volumes", true);
    /// Instances.
    pub const INSTANCE: Self = Self::new("instance", "instances", true);
    /// Instance templates.
    pub const INSTANCE_TEMPLATE: Self = Self::new("instance-template", "instance/templates", true);
    /// SSH keys.
    pub const KEY: Self = Self::new("key", "keys", false);
    /// VPCs.
    pub const VPC: Self = Self::new("vpc", "vpcs", false);
    /// Subnets.
    pub const SUBNET: Self = Self::new("subnet", "subnets", true);
    /// Virtual network interfaces.
    pub const VNI: Self =
        Self::new("virtual-network-interface", "virtual_network_interfaces", true);
    /// Security groups.
    pub const SECURITY_GROUP: Self = Self::new("security-group", "security_groups", false);
    /// Floating IPs.
    pub const FLOATING_IP: Self = Self::new("floating-ip", "floating_ips", true);
    /// Public gateways.
    pub const PUBLIC_GATEWAY: Self = Self::new("public-gateway", "public_gateways", true);
    /// Network ACLs.
    pub const ACL: Self = Self::new("network-acl", "network_acls", false);
    /// Routing tables; their hrefs are below their VPC's.
    pub const ROUTING_TABLE: Self = Self::new("routing-table", "routing_tables", false);
}

/// Where requests are answered: this region, for this account.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The region.
    pub region: &'a RegionName,
    /// The caller's account.
    pub account: &'a AccountId,
    /// Scheme, host and port of our hrefs.
    pub base_url: &'a str,
}

/// What an identity names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<Id> {
    /// A resource that may be here.
    Here(Id),
    /// A resource of another region, in the request's words.
    Elsewhere(String),
}

/// How a request names an SSH key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyIdentity {
    /// By id, CRN or href.
    Id(KeyId),
    /// By `SHA256:…`.
    Fingerprint(String),
}

enum Href<'a> {
    Here(Vec<&'a str>),
    Elsewhere,
}

impl Place<'_> {
    /// Resolves the identity in `f`, which may be of another region.
    ///
    /// # Errors
    /// `validation_required_field` for none, `validation_only_one` for several of id, CRN and
    /// href; `invalid_id_format`, `invalid_value` for malformed ones; `bad_field` for a CRN of
    /// another account.
    pub fn named<Id>(&self, kind: Kind, f: &Fields<'_>) -> Result<Named<Id>, ApiError>
    where
        Id: TryFrom<String, Error = IdError>,
    {
        let (field, text) = only_one(f, &["id", "crn", "href"])?;
        let found = match field {
            "id" => Some(text),
            "crn" => self.crn_id(kind, f, text)?,
            _ => self.href_id(kind, f, text)?,
        };
        let Some(id) = found else { return Ok(Named::Elsewhere(shown(text))) };
        Id::try_from(id.to_owned())
            .map(Named::Here)
            .map_err(|_| f.error(ErrorCode::InvalidIdFormat, field, "is not a valid identifier"))
    }

    /// Resolves the identity in `f`, which must be of this region.
    ///
    /// # Errors
    /// As [`Self::named`], and `bad_field` for another region's.
    pub fn id<Id>(&self, kind: Kind, f: &Fields<'_>) -> Result<Id, ApiError>
    where
        Id: TryFrom<String, Error = IdError>,
    {
        match self.named(kind, f)? {
            Named::Here(id) => Ok(id),
            Named::Elsewhere(_) => Err(ApiError::field(
                ErrorCode::BadField,
                f.path(),
                format!("{} names a resource of another region than {}.", f.path(), self.region),
            )),
        }
    }

    /// An identity by `id` or by an href below another resource's:
    /// `/v1/{outer}/ID/{inner}/ID`.
    ///
    /// # Errors
    /// `validation_required_field`, `validation_only_one`, `invalid_id_format`, `invalid_value`.
    pub fn id_below<Id>(&self, f: &Fields<'_>, outer: &str, inner: &str) -> Result<Id, ApiError>
    where
        Id: TryFrom<String, Error = IdError>,
    {
        let (field, text) = only_one(f, &["id", "href"])?;
        let id = if field == "id" { Some(text) } else { self.nested_id(text, outer, inner) };
        let id = id.ok_or_else(|| {
            let what = format!("is no href of the form {}/v1/{outer}/ID/{inner}/ID", self.base_url);
            f.error(ErrorCode::InvalidValue, field, &what)
        })?;
        Id::try_from(id.to_owned())
            .map_err(|_| f.error(ErrorCode::InvalidIdFormat, field, "is not a valid identifier"))
    }

    /// The identity in a field of `f`, if it is there.
    ///
    /// # Errors
    /// As [`Self::id`].
    pub fn id_in<Id>(&self, kind: Kind, f: &Fields<'_>, field: &str) -> Result<Option<Id>, ApiError>
    where
        Id: TryFrom<String, Error = IdError>,
    {
        f.object(field)?.map(|f| self.id(kind, &f)).transpose()
    }

    /// An id or CRN of a query parameter.
    ///
    /// # Errors
    /// `invalid_id_format`.
    pub fn id_of_parameter<Id>(&self, name: &str, text: &str) -> Result<Id, ApiError>
    where
        Id: TryFrom<String, Error = IdError>,
    {
        let id = if name.ends_with(".crn") {
            Crn::parse(text).map(|crn| crn.resource).unwrap_or_default()
        } else {
            text.to_owned()
        };
        Id::try_from(id).map_err(|_| {
            let message = format!("{name} is not a valid identifier.");
            ApiError::parameter(ErrorCode::InvalidIdFormat, name, message)
        })
    }

    /// An SSH key, also by fingerprint.
    ///
    /// # Errors
    /// As [`Self::id`].
    pub fn key(&self, f: &Fields<'_>) -> Result<KeyIdentity, ApiError> {
        if f.has("fingerprint") {
            let (_, text) = only_one(f, &["id", "crn", "href", "fingerprint"])?;
            return Ok(KeyIdentity::Fingerprint(text.to_owned()));
        }
        self.id(Kind::KEY, f).map(KeyIdentity::Id)
    }

    /// A resource group, which is named by id alone, in field `resource_group`.
    ///
    /// # Errors
    /// `validation_required_field`, `invalid_id_format`.
    pub fn group(&self, f: &Fields<'_>) -> Result<Option<ResourceGroupId>, ApiError> {
        let Some(f) = f.object("resource_group")? else { return Ok(None) };
        let text = f.required("id", f.text("id")?)?;
        ResourceGroupId::parse(text)
            .map(Some)
            .map_err(|_| f.error(ErrorCode::InvalidIdFormat, "id", "is not a valid identifier"))
    }

    /// A zone of this region by name or href, in field `zone`.
    ///
    /// # Errors
    /// `bad_field` when the region has no such zone; the errors of [`Self::by_name`].
    pub fn zone(&self, f: &Fields<'_>) -> Result<Option<ZoneName>, ApiError> {
        let Some(name) = self.by_name(f, "zone", &["regions", self.region.as_str(), "zones"])?
        else {
            return Ok(None);
        };
        self.region.zone(name).map(Some).ok_or_else(|| {
            let what = format!("names no zone of the region {}", self.region);
            f.error(ErrorCode::BadField, "zone", &what)
        })
    }

    /// A thing named by `name` or `href`, in `field`; `collection` is the path of its href.
    ///
    /// # Errors
    /// `validation_required_field` for none and `validation_only_one` for both of name and
    /// href; `invalid_value` for another href.
    pub fn by_name<'a>(
        &self,
        f: &Fields<'a>,
        field: &str,
        collection: &[&str],
    ) -> Result<Option<&'a str>, ApiError> {
        let Some(f) = f.object(field)? else { return Ok(None) };
        let (given, text) = only_one(&f, &["name", "href"])?;
        if given == "name" {
            return Ok(Some(text));
        }
        let wrong = || {
            let what = format!(
                "is no href of the form {}/v1/{}/NAME",
                self.base_url,
                collection.join("/")
            );
            f.error(ErrorCode::InvalidValue, "href", &what)
        };
        let Href::Here(segments) = self.href(text).ok_or_else(wrong)? else { return Err(wrong()) };
        match segments.split_last() {
            Some((name, path)) if path == collection && !name.is_empty() => Ok(Some(name)),
            _ => Err(wrong()),
        }
    }

    /// The id of a CRN of this region and account, for filters; none for any other text.
    pub(crate) fn id_of_crn<'a>(&self, kind: Kind, text: &'a str) -> Option<&'a str> {
        let crn = Crn::parse(text).ok()?;
        let here = self.region.zone(&crn.location).is_some();
        let fits = crn.service == "is" && crn.kind == kind.crn && here == kind.zonal;
        let own = crn.account.as_ref() == Some(self.account);
        if fits && own { text.splitn(10, ':').nth(9) } else { None }
    }

    /// The last part of an href of this region of the form `/v1/{outer}/ID/{inner}/ID`.
    fn nested_id<'a>(&self, href: &'a str, outer: &str, inner: &str) -> Option<&'a str> {
        match self.href(href)? {
            Href::Elsewhere => None,
            Href::Here(segments) => match segments[..] {
                [a, _, b, id] if a == outer && b == inner => Some(id),
                _ => None,
            },
        }
    }

    /// The id of a CRN; none when it is of another region.
    fn crn_id<'a>(
        &self,
        kind: Kind,
        f: &Fields<'_>,
        text: &'a str,
    ) -> Result<Option<&'a str>, ApiError> {
        let wrong = |what: &str| f.error(ErrorCode::InvalidValue, "crn", what);
        let crn = Crn::parse(text).map_err(|_| wrong("is not a CRN"))?;
        if crn.service != "is" || crn.kind != kind.crn {
            return Err(wrong(&format!("is not the CRN of a resource of type {}", kind.crn)));
        }
        let here = if kind.zonal {
            self.region.zone(&crn.location).is_some() || crn.location == self.region.as_str()
        } else {
            crn.location == self.region.as_str()
        };
        if !here {
            return Ok(None);
        }
        if !kind.shared && crn.account.as_ref() != Some(self.account) {
            let what = format!("names no {} of your account", kind.crn);
            return Err(f.error(ErrorCode::BadField, "crn", &what));
        }
        Ok(text.splitn(10, ':').nth(9))
    }

    /// The id of an href; none when it is of another region.
    fn href_id<'a>(
        &self,
        kind: Kind,
        f: &Fields<'_>,
        text: &'a str,
    ) -> Result<Option<&'a str>, ApiError> {
        let wrong = || {
            let what =
                format!("is no href of the form {}/v1/{}/ID", self.base_url, kind.collection);
            f.error(ErrorCode::InvalidValue, "href", &what)
        };
        match self.href(text).ok_or_else(wrong)? {
            Href::Elsewhere => Ok(None),
            Href::Here(segments) => match segments.split_last() {
                Some((id, before)) if before.join("/") == kind.collection => Ok(Some(id)),
                _ => Err(wrong()),
            },
        }
    }

    /// The segments of an href after `/v1`; none when it is no href of a VPC API at all.
    fn href<'a>(&self, text: &'a str) -> Option<Href<'a>> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let (authority, path) = rest.split_once('/')?;
        let segments: Vec<&str> = path.split('/').collect();
        let (&version, segments) = segments.split_first()?;
        let clean = version == "v1"
            && !authority.is_empty()
            && segments.iter().all(|s| !s.is_empty() && !s.contains(['?', '#', '%', '@']));
        if !clean {
            return None;
        }
        if self.is_ours(authority) {
            Some(Href::Here(segments.to_vec()))
        } else {
            Some(Href::Elsewhere)
        }
    }

    /// Our own address, another loopback spelling of it, or IBM's endpoint of this region.
    fn is_ours(&self, authority: &str) -> bool {
        let ours = self.base_url.split_once("://").map_or(self.base_url, |(_, rest)| rest);
        let ibm = format!("{}.iaas.cloud.ibm.com", self.region);
        if authority.eq_ignore_ascii_case(ours) || authority.eq_ignore_ascii_case(&ibm) {
            return true;
        }
        match (loopback_port(authority), loopback_port(ours)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
    }
}

/// The port of a loopback authority.
fn loopback_port(authority: &str) -> Option<&str> {
    let (host, port) = authority.rsplit_once(':')?;
    let loopback = matches!(host, "localhost" | "[::1]")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_loopback());
    loopback.then_some(port)
}

/// The one field of `fields` that is there, with its text.
fn only_one<'a>(
    f: &Fields<'a>,
    fields: &[&'static str],
) -> Result<(&'static str, &'a str), ApiError> {
    let mut found = None;
    for &field in fields {
        let Some(text) = f.text_up_to(field, REFERENCE_BYTES_MAX)? else { continue };
        if found.is_some() {
            return Err(ApiError::field(
                ErrorCode::ValidationOnlyOne,
                f.path(),
                format!("{} must have only one of: {}.", f.path(), fields.join(", ")),
            ));
        }
        found = Some((field, text));
    }
    found.ok_or_else(|| {
        f.error(
            ErrorCode::ValidationRequiredField,
            fields[0],
            &format!("is required, or another of: {}", fields[1..].join(", ")),
        )
    })
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
