//! Cloud Resource Names: `crn:v1:bluemix:public:is:us-south:a/<account>::image:<id>`.

use std::fmt;

use crate::AccountId;

/// A CRN of ten segments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Crn {
    /// Service, such as `is`.
    pub service: String,
    /// Region, zone, or `global`.
    pub location: String,
    /// The account of scope `a/<account>`; none for names that belong to no account.
    pub account: Option<AccountId>,
    /// Service instance; empty for VPC resources.
    pub instance: String,
    /// Resource type, such as `image`.
    pub kind: String,
    /// Resource id.
    pub resource: String,
}

/// Why a text is not a CRN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a CRN")]
pub struct CrnError {
    text: String,
}

impl Crn {
    /// The name of a VPC resource.
    #[must_use]
    pub fn vpc(location: &str, account: &AccountId, kind: &str, resource: &str) -> Self {
        Self {
            service: "is".to_owned(),
            location: location.to_owned(),
            account: Some(account.clone()),
            instance: String::new(),
            kind: kind.to_owned(),
            resource: resource.to_owned(),
        }
    }

    /// Reads a CRN.
    ///
    /// # Errors
    /// When the text has not ten segments or names another cloud.
    pub fn parse(text: &str) -> Result<Self, CrnError> {
        let refuse = || CrnError { text: text.chars().take(200).collect() };
        if text.len() > 512 {
            return Err(refuse());
        }
        let parts: Vec<&str> = text.splitn(10, ':').collect();
        let [scheme, version, cname, ctype, service, location, scope, instance, kind, resource] =
            parts[..]
        else {
            return Err(refuse());
        };
        if scheme != "crn" || version != "v1" || cname != "bluemix" || ctype != "public" {
            return Err(refuse());
        }
        let account = match scope {
            "" => None,
            s => {
                let id = s.strip_prefix("a/").ok_or_else(refuse)?;
                Some(AccountId::parse(id).map_err(|_| refuse())?)
            }
        };
        Ok(Self {
            service: service.to_owned(),
            location: location.to_owned(),
            account,
            instance: instance.to_owned(),
            kind: kind.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

impl fmt::Display for Crn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crn:v1:bluemix:public:{}:{}:", self.service, self.location)?;
        if let Some(account) = &self.account {
            write!(f, "a/{account}")?;
        }
        write!(f, ":{}:{}:{}", self.instance, self.kind, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crn_prints_as_it_was_read() {
        for text in [
            "crn:v1:bluemix:public:is:us-south:a/0123456789abcdef0123456789abcdef::image:r006-1",
            "crn:v1:bluemix:public:kms:us-south:a/0123456789abcdef0123456789abcdef:guid:key:k",
            "crn:v1:bluemix:public:iam::::role:Viewer",
        ] {
            assert_eq!(Crn::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_crn_is_refused() {
        for text in ["", "crn", "crn:v1:other:public:is:r:a/b::image:x", "crn:v1:bluemix:public:is"]
        {
            assert!(Crn::parse(text).is_err(), "{text}");
        }
    }
}
