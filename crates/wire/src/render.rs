//! What every answer is rendered with: hrefs, CRNs and references.

use base::{AccountId, Crn, RegionName};

use crate::{ApiVersion, Kind};

/// For whom and where an answer is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Render<'a> {
    /// The region.
    pub region: &'a RegionName,
    /// Scheme, host and port that the client used, without a slash at the end.
    pub base_url: &'a str,
    /// The version that the request asked for.
    pub version: ApiVersion,
    /// The caller's account: what is another's is shown as remote.
    pub account: &'a AccountId,
}

impl Render<'_> {
    /// The absolute href of a path below `/v1`.
    pub(crate) fn href(&self, path: &[&str]) -> String {
        let len = path.iter().map(|p| p.len() + 1).sum::<usize>();
        let mut href = String::with_capacity(self.base_url.len() + 3 + len);
        href.push_str(self.base_url);
        href.push_str("/v1");
        for part in path {
            href.push('/');
            href.push_str(part);
        }
        href
    }

    /// The href of a resource.
    pub(crate) fn href_of(&self, kind: Kind, id: &str) -> String {
        self.href(&[kind.collection, id])
    }

    /// The href of a resource group.
    pub(crate) fn href_of_group(&self, id: &str) -> String {
        format!("{}/v2/resource_groups/{id}", self.base_url)
    }

    /// The CRN of a regional resource of the caller's account.
    pub(crate) fn crn(&self, kind: Kind, id: &str) -> String {
        self.crn_in(kind, self.region.as_str(), id)
    }

    /// The CRN of a zonal resource of the caller's account.
    pub(crate) fn crn_in(&self, kind: Kind, location: &str, id: &str) -> String {
        Crn::vpc(location, self.account, kind.crn, id).to_string()
    }

    /// The CRN of a regional resource of any account.
    pub(crate) fn crn_of(&self, account: &AccountId, kind: Kind, id: &str) -> String {
        Crn::vpc(self.region.as_str(), account, kind.crn, id).to_string()
    }
}

#[cfg(test)]
pub(crate) struct Frame {
    region: RegionName,
    account: AccountId,
    version: ApiVersion,
}

#[cfg(test)]
impl Frame {
    pub(crate) fn render(&self) -> Render<'_> {
        Render {
            region: &self.region,
            base_url: "http://127.0.0.1:9000",
            version: self.version,
            account: &self.account,
        }
    }

    pub(crate) fn at(mut self, version: &str) -> Self {
        self.version = ApiVersion::date(version).unwrap();
        self
    }
}

#[cfg(test)]
pub(crate) fn for_tests() -> Frame {
    Frame {
        region: RegionName::parse("us-south").unwrap(),
        account: AccountId::parse("0123456789abcdef0123456789abcdef").unwrap(),
        version: ApiVersion::newest(),
    }
}
