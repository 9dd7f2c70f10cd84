//! IAM's identity service: API keys, service IDs, trusted profiles and what they consist of; and
//! users, of user management.

use base::{PrincipalId, Timestamp};
use model::{PrincipalKind, WhenLeaked};
use serde_json::{Value, json};

use crate::{ApiError, ErrorCode, Fields, PageRequest, PageToken, Query};

/// Longest name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// Longest given or family name, in bytes.
pub(crate) const NAME_PART_BYTES_MAX: usize = 127;
/// Longest description, in bytes.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 1_000;
/// Shortest and longest API key of the caller's choice, in bytes.
pub(crate) const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=100;
/// Longest identifier of an identity, in bytes.
pub(crate) const IDENTIFIER_BYTES_MAX: usize = 512;
/// Longest mail address, in bytes.
pub(crate) const EMAIL_BYTES_MAX: usize = 254;
/// Most entries of an array.
pub(crate) const ENTRIES_MAX: usize = 100;
/// Items of a page when no `pagesize` is asked for, and most of them.
pub(crate) const PAGE_SIZE_DEFAULT: u32 = 20;
pub(crate) const PAGE_SIZE_MAX: u32 = 100;
/// Longest session of a rule, in seconds: a day.
pub(crate) const EXPIRATION_MAX: u64 = 86_400;

/// An API key that is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ApiKeyPrototype {
    /// Its name.
    pub name: String,
    /// Whose it is to be, when it is said.
    pub iam_id: Option<PrincipalId>,
    /// The account, when it is said.
    pub account: Option<String>,
    /// What it is for.
    pub description: String,
    /// The key itself, when the caller chose it.
    pub value: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What is done when it leaks.
    pub when_leaked: Option<WhenLeaked>,
    /// Whether sessions are managed.
    pub support_sessions: bool,
}

fn name(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text_up_to("name", NAME_BYTES_MAX)? else { return Ok(None) };
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        let what = "must have 1 to 255 characters, not only blanks";
        return Err(f.error(ErrorCode::ValidationInvalidName, "name", what));
    }
    Ok(Some(text.to_owned()))
}

fn description(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    Ok(f.text_up_to("description", DESCRIPTION_BYTES_MAX)?.map(str::to_owned))
}

fn email(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text_up_to("email", EMAIL_BYTES_MAX)? else { return Ok(None) };
    if is_email(text) {
        return Ok(Some(text.to_owned()));
    }
    Err(f.error(ErrorCode::InvalidValue, "email", "is not a mail address"))
}

/// Whether a text looks like a mail address.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"<>()[],;:\\\"'".contains(&b));
    let parts = text.split_once('@');
    text.len() <= EMAIL_BYTES_MAX
        && plain
        && parts.is_some_and(|(who, at)| !who.is_empty() && !at.is_empty() && !at.contains('@'))
}

fn when_leaked(f: &Fields<'_>) -> Result<Option<WhenLeaked>, ApiError> {
    f.choice("action_when_leaked", "none, disable or delete", WhenLeaked::parse)
}

fn chosen(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text("apikey")? else { return Ok(None) };
    if KEY_BYTES.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(Some(text.to_owned()));
    }
    let what = "must have 32 to 100 printable ASCII characters without blanks";
    Err(f.error(ErrorCode::InvalidValue, "apikey", what))
}

fn key_fields(f: &Fields<'_>) -> Result<ApiKeyPrototype, ApiError> {
    // The region keeps hashes only: a key that is to be read again cannot be.
    f.unserved(&[("store_value", Some(false.into()))])?;
    Ok(ApiKeyPrototype {
        name: f.required("name", name(f)?)?,
        iam_id: None,
        account: None,
        description: description(f)?.unwrap_or_default(),
        value: chosen(f)?,
        expires_at: f.date("expires_at")?,
        when_leaked: when_leaked(f)?,
        support_sessions: f.flag("support_sessions")?.unwrap_or(false),
    })
}

/// Reads `POST /v1/apikeys`.
///
/// # Errors
/// A field that is missing or does not fit; `not_implemented` for a key that is to be stored.
pub fn api_key_prototype(f: &Fields<'_>) -> Result<ApiKeyPrototype, ApiError> {
    let iam_id = f.required("iam_id", f.text("iam_id")?)?;
    let iam_id = PrincipalId::parse(iam_id)
        .map_err(|_| f.error(ErrorCode::InvalidIdFormat, "iam_id", "is not an IAM id"))?;
    Ok(ApiKeyPrototype {
        iam_id: Some(iam_id),
        account: f.text("account_id")?.map(str::to_owned),
        ..key_fields(f)?
    })
}

/// What is changed of an API key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New end; none inside takes it away.
    pub expires_at: Option<Option<Timestamp>>,
    /// What is done when it leaks.
    pub when_leaked: Option<WhenLeaked>,
    /// Whether sessions are managed.
    pub support_sessions: Option<bool>,
}

/// Reads `PUT /v1/apikeys/{id}`.
///
/// # Errors
/// A field that does not fit.
pub fn api_key_change(f: &Fields<'_>) -> Result<ApiKeyChange, ApiError> {
    let expires_at = match f.text("expires_at")? {
        None => None,
        Some("") => Some(None),
        Some(_) => Some(f.date("expires_at")?),
    };
    Ok(ApiKeyChange {
        name: name(f)?,
        description: description(f)?,
        expires_at,
        when_leaked: when_leaked(f)?,
        support_sessions: f.flag("support_sessions")?,
    })
}

/// A service ID, a trusted profile or a user that is asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PrincipalPrototype {
    /// The account, when it is said.
    pub account: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Mail address.
    pub email: String,
    /// CRNs that it is bound to.
    pub instance_crns: Vec<String>,
    /// An API key that is made with it.
    pub api_key: Option<ApiKeyPrototype>,
}

fn crns(f: &Fields<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(crns) = f.texts("unique_instance_crns", ENTRIES_MAX)? else { return Ok(None) };
    for crn in &crns {
        if base::Crn::parse(crn).is_err() {
            let what = "has an entry that is not a CRN";
            return Err(f.error(ErrorCode::InvalidValue, "unique_instance_crns", what));
        }
    }
    Ok(Some(crns.into_iter().map(str::to_owned).collect()))
}

/// Reads `POST /v1/serviceids/`.
///
/// # Errors
/// A field that is missing or does not fit; `not_implemented` for groups of service IDs.
pub fn service_id_prototype(f: &Fields<'_>) -> Result<PrincipalPrototype, ApiError> {
    f.unserved(&[("group_id", None)])?;
    Ok(PrincipalPrototype {
        account: Some(f.required("account_id", f.text("account_id")?)?.to_owned()),
        name: f.required("name", name(f)?)?,
        description: description(f)?.unwrap_or_default(),
        email: String::new(),
        instance_crns: crns(f)?.unwrap_or_default(),
        api_key: f.object("apikey")?.map(|f| key_fields(&f)).transpose()?,
    })
}

/// Reads `POST /v1/profiles`.
///
/// # Errors
/// A field that is missing or does not fit.
pub fn profile_prototype(f: &Fields<'_>) -> Result<PrincipalPrototype, ApiError> {
    Ok(PrincipalPrototype {
        account: Some(f.required("account_id", f.text("account_id")?)?.to_owned()),
        name: f.required("name", name(f)?)?,
        description: description(f)?.unwrap_or_default(),
        email: email(f)?.unwrap_or_default(),
        ..PrincipalPrototype::default()
    })
}

/// What is changed of a service ID, a profile or a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalChange {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New mail address.
    pub email: Option<String>,
    /// New CRNs.
    pub instance_crns: Option<Vec<String>>,
}

/// Reads `PUT /v1/serviceids/{id}` and `PUT /v1/profiles/{id}`.
///
/// # Errors
/// A field that does not fit; `not_implemented` for groups of service IDs.
pub fn principal_change(f: &Fields<'_>) -> Result<PrincipalChange, ApiError> {
    f.unserved(&[("group_id", None)])?;
    Ok(PrincipalChange {
        name: name(f)?,
        description: description(f)?,
        email: email(f)?,
        instance_crns: crns(f)?,
    })
}

/// Reads `PATCH /v2/accounts/{account}/users/{iam_id}`; the name of now is `name`.
///
/// # Errors
/// A field that does not fit; `not_implemented` for states and telephone numbers.
pub fn user_change(f: &Fields<'_>, now: &str) -> Result<PrincipalChange, ApiError> {
    f.unserved(&[
        ("state", Some("ACTIVE".into())),
        ("phonenumber", Some("".into())),
        ("altphonenumber", Some("".into())),
        ("photo", Some("".into())),
    ])?;
    let part = |field| f.text_up_to(field, NAME_PART_BYTES_MAX);
    let (first, last) = now.split_once(' ').unwrap_or((now, ""));
    let (first, last) = (part("firstname")?.unwrap_or(first), part("lastname")?.unwrap_or(last));
    let name = format!("{first} {last}").trim().to_owned();
    Ok(PrincipalChange { name: Some(name), email: email(f)?, ..PrincipalChange::default() })
}

/// Reads `POST /v2/accounts/{account}/users`: the mail addresses of whom to invite.
///
/// # Errors
/// A list that is missing, too long, or has what is no mail address; `not_implemented` for
/// policies and access groups that are to be given with the invitation.
pub fn user_invitations(f: &Fields<'_>) -> Result<Vec<String>, ApiError> {
    f.unserved(&[("iam_policy", None), ("access_groups", None)])?;
    let users = f.required("users", f.objects("users", ENTRIES_MAX)?)?;
    users.iter().map(|user| user.required("email", email(user)?)).collect()
}

/// A part of a trusted profile that is asked for: its id, where what it says decides it, and what
/// it says as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPrototype {
    /// Its id.
    pub id: Option<String>,
    /// What it says.
    pub body: String,
}

fn put(body: &mut Value, field: &str, text: Option<&str>) {
    if let Some(text) = text {
        body[field] = text.into();
    }
}

/// Reads `POST /v1/profiles/{id}/rules` and `PUT` of one.
///
/// # Errors
/// A field that is missing or does not fit.
pub fn claim_rule(f: &Fields<'_>) -> Result<PartPrototype, ApiError> {
    const OPERATORS: [&str; 6] =
        ["EQUALS", "NOT_EQUALS", "EQUALS_IGNORE_CASE", "NOT_EQUALS_IGNORE_CASE", "CONTAINS", "IN"];
    let one_of = |words: &'static [&'static str]| {
        move |text: &str| words.iter().find(|word| **word == text).copied()
    };
    let kinds: &[&str] = &["Profile-SAML", "Profile-CR"];
    let kind = f.choice("type", "Profile-SAML or Profile-CR", one_of(kinds))?;
    let conditions = f.required("conditions", f.objects("conditions", ENTRIES_MAX)?)?;
    let conditions = conditions.iter().map(|c| {
        let operator = c.choice("operator", &OPERATORS.join(", "), one_of(&OPERATORS))?;
        Ok(json!({
            "claim": c.required("claim", c.text("claim")?)?,
            "operator": c.required("operator", operator)?,
            "value": c.required("value", c.text("value")?)?,
        }))
    });
    let mut body = json!({
        "type": f.required("type", kind)?,
        "conditions": conditions.collect::<Result<Vec<_>, ApiError>>()?,
        "expiration": f.number("expiration", 1, EXPIRATION_MAX)?.unwrap_or(43_200),
    });
    put(&mut body, "name", name(f)?.as_deref());
    put(&mut body, "realm_name", f.text_up_to("realm_name", NAME_BYTES_MAX)?);
    put(&mut body, "cr_type", f.text_up_to("cr_type", NAME_BYTES_MAX)?);
    Ok(PartPrototype { id: None, body: body.to_string() })
}

/// Reads `POST /v1/profiles/{id}/links`.
///
/// # Errors
/// A field that is missing or does not fit.
pub fn profile_link(f: &Fields<'_>) -> Result<PartPrototype, ApiError> {
    let link = f.required("link", f.object("link")?)?;
    let crn = link.required("crn", link.text("crn")?)?;
    if base::Crn::parse(crn).is_err() {
        return Err(link.error(ErrorCode::InvalidValue, "crn", "is not a CRN"));
    }
    let mut inner = json!({ "crn": crn });
    for field in ["namespace", "name", "component_type", "component_name"] {
        put(&mut inner, field, link.text_up_to(field, NAME_BYTES_MAX)?);
    }
    let kind = f.text_up_to("cr_type", NAME_BYTES_MAX)?;
    let mut body = json!({ "cr_type": f.required("cr_type", kind)?, "link": inner });
    put(&mut body, "name", name(f)?.as_deref());
    Ok(PartPrototype { id: None, body: body.to_string() })
}

/// Reads one identity; `kind` is the one that the path names, where it does.
///
/// # Errors
/// A field that is missing or does not fit.
pub fn profile_identity(f: &Fields<'_>, kind: Option<&str>) -> Result<PartPrototype, ApiError> {
    let said = f.text("type")?;
    let kind = f.required("type", said.or(kind))?;
    let identifier = f.required("identifier", f.text_up_to("identifier", IDENTIFIER_BYTES_MAX)?)?;
    let iam_id = match kind {
        "user" => identifier.to_owned(),
        "serviceid" => format!("iam-{}", identifier.trim_start_matches("iam-")),
        "crn" => format!("crn-{identifier}"),
        _ => {
            let what = "must be user, serviceid or crn";
            return Err(f.error(ErrorCode::ValidationEnum, "type", what));
        }
    };
    let id_ok = match kind {
        "crn" => base::Crn::parse(identifier).is_ok(),
        _ => PrincipalId::parse(&iam_id).is_ok(),
    };
    if !id_ok {
        return Err(f.error(ErrorCode::InvalidIdFormat, "identifier", "is not such an identity"));
    }
    let mut body = json!({ "type": kind, "identifier": identifier, "iam_id": iam_id });
    if let Some(accounts) = f.texts("accounts", ENTRIES_MAX)? {
        if kind != "user" && !accounts.is_empty() {
            let what = "is for identities of the type user only";
            return Err(f.error(ErrorCode::InvalidValue, "accounts", what));
        }
        body["accounts"] = accounts.into();
    }
    put(&mut body, "description", description(f)?.as_deref());
    Ok(PartPrototype { id: Some(format!("{kind}/{identifier}")), body: body.to_string() })
}

/// Reads `PUT /v1/profiles/{id}/identities`.
///
/// # Errors
/// As [`profile_identity`].
pub fn profile_identities(f: &Fields<'_>) -> Result<Vec<PartPrototype>, ApiError> {
    let all = f.required("identities", f.objects("identities", ENTRIES_MAX)?)?;
    all.iter().map(|f| profile_identity(f, None)).collect()
}

/// Which part of a list of the identity service is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityList {
    /// The page.
    pub page: PageRequest,
    /// The account, when it is said.
    pub account: Option<String>,
}

/// Reads the parameters that lists of the identity service share; `list` is the path below `/v1`.
///
/// # Errors
/// A page size out of its range, a page token of elsewhere, an order that is not served.
pub fn identity_list(list: &str, query: &Query) -> Result<IdentityList, ApiError> {
    let sort = query.get("sort").unwrap_or("created_at");
    let order = query.get("order").unwrap_or("asc");
    if sort != "created_at" || order != "asc" {
        return Err(ApiError::not_implemented("Another order than by created_at, ascending,"));
    }
    Ok(IdentityList {
        page: PageRequest {
            limit: page_size(query, "pagesize", PAGE_SIZE_DEFAULT)?,
            after: query.get("pagetoken").map(|t| PageToken::decode(list, t)).transpose()?,
        },
        account: query.get("account_id").map(str::to_owned),
    })
}

/// Reads the parameters of `GET /v1/serviceids/` and `/v1/profiles`: the page, and a name.
///
/// # Errors
/// As [`identity_list`].
pub fn named_list(list: &str, query: &Query) -> Result<(IdentityList, Option<String>), ApiError> {
    Ok((identity_list(list, query)?, query.get("name").map(str::to_owned)))
}

/// Which API keys are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyList {
    /// The page and the account.
    pub list: IdentityList,
    /// Only this IAM id's.
    pub iam_id: Option<PrincipalId>,
    /// Every identity's of the account rather than the caller's.
    pub whole_account: bool,
    /// Of users or of service IDs.
    pub kind: Option<PrincipalKind>,
}

/// Reads the parameters of `GET /v1/apikeys`.
///
/// # Errors
/// As [`identity_list`]; an IAM id or a type that is none.
pub fn api_key_list(query: &Query) -> Result<ApiKeyList, ApiError> {
    let iam_id = query.get("iam_id").map(PrincipalId::parse).transpose().map_err(|_| {
        ApiError::parameter(ErrorCode::InvalidIdFormat, "iam_id", "iam_id is not an IAM id.")
    })?;
    let kind = match query.get("type") {
        None => None,
        Some("user") => Some(PrincipalKind::User),
        Some("serviceid") => Some(PrincipalKind::ServiceId),
        Some(_) => {
            let message = "type must be user or serviceid.";
            return Err(ApiError::parameter(ErrorCode::ValidationEnum, "type", message));
        }
    };
    Ok(ApiKeyList {
        list: identity_list("apikeys", query)?,
        iam_id,
        whole_account: query.get("scope") == Some("account"),
        kind,
    })
}

/// Reads the parameters of `GET /v2/accounts/{account}/users`: the page, and a mail address.
///
/// # Errors
/// As [`identity_list`].
pub fn user_list(list: &str, query: &Query) -> Result<(PageRequest, Option<String>), ApiError> {
    let page = PageRequest {
        limit: page_size(query, "limit", PAGE_SIZE_MAX)?,
        after: query.get("_start").map(|t| PageToken::decode(list, t)).transpose()?,
    };
    let search = query.get("search").and_then(|text| text.strip_prefix("email:"));
    Ok((page, search.map(str::to_owned)))
}

fn page_size(query: &Query, name: &str, default: u32) -> Result<u32, ApiError> {
    Ok(query.number(name, 1, PAGE_SIZE_MAX)?.unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::{parse, seen};

    #[test]
    fn an_api_key_needs_a_name_and_an_owner_and_may_be_chosen() {
        let read = |body| parse(body, |_, f| api_key_prototype(f)).map(|k| (k.name, k.value));
        let with = |key: &str| json!({"name": "k", "iam_id": "IBMid-1", "apikey": key});
        assert_eq!(read(json!({"name": "k", "iam_id": "IBMid-1"})).unwrap(), ("k".into(), None));
        assert_eq!(seen(read(json!({"iam_id": "IBMid-1"}))).1, "name");
        assert_eq!(seen(read(json!({"name": "k"}))).1, "iam_id");
        for good in [32, 100] {
            assert!(read(with(&"a".repeat(good))).unwrap().1.is_some(), "{good}");
        }
        for bad in ["a".repeat(31), "a".repeat(101), format!("{} ", "a".repeat(40))] {
            assert_eq!(seen(read(with(&bad))).1, "apikey", "{bad}");
        }
        let stored = json!({"name": "k", "iam_id": "IBMid-1", "store_value": true});
        assert_eq!(seen(read(stored)).0, ErrorCode::NotImplemented);
        let long = json!({"name": "a".repeat(NAME_BYTES_MAX + 1), "iam_id": "IBMid-1"});
        assert_eq!(seen(read(long)).1, "name");
    }

    #[test]
    fn an_end_is_set_taken_away_or_left() {
        let read = |body| parse(body, |_, f| api_key_change(f)).map(|c| c.expires_at);
        assert_eq!(read(json!({})).unwrap(), None);
        assert_eq!(read(json!({"expires_at": ""})).unwrap(), Some(None));
        assert!(read(json!({"expires_at": "2026-11-24T10:00:00Z"})).unwrap().unwrap().is_some());
        assert!(read(json!({"expires_at": "soon"})).is_err());
    }

    #[test]
    fn identities_are_told_apart_by_their_type() {
        let read = |body| parse(body, |_, f| profile_identity(f, None));
        let user = read(json!({"type": "user", "identifier": "IBMid-1", "accounts": ["a"]}));
        let user = user.unwrap();
        assert_eq!(user.id.as_deref(), Some("user/IBMid-1"));
        assert!(user.body.contains(r#""iam_id":"IBMid-1""#), "{}", user.body);
        let service = read(json!({"type": "serviceid", "identifier": "ServiceId-1"})).unwrap();
        assert!(service.body.contains(r#""iam_id":"iam-ServiceId-1""#));
        for bad in [
            json!({"type": "group", "identifier": "x"}),
            json!({"type": "user"}),
            json!({"type": "user", "identifier": "a b"}),
            json!({"type": "crn", "identifier": "x"}),
            json!({"type": "serviceid", "identifier": "ServiceId-1", "accounts": ["a"]}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn rules_and_links_keep_what_is_known_of_them() {
        let rule = |body| parse(body, |_, f| claim_rule(f));
        let condition = json!({"claim": "c", "operator": "EQUALS", "value": "\"x\""});
        let body = json!({"type": "Profile-SAML", "conditions": [condition], "x": 1});
        let kept: Value = serde_json::from_str(&rule(body).unwrap().body).unwrap();
        assert_eq!((&kept["expiration"], kept.get("x")), (&43_200.into(), None));
        assert!(rule(json!({"type": "Profile-X", "conditions": []})).is_err());
        let odd = json!({"claim": "c", "operator": "LIKE", "value": "x"});
        assert!(rule(json!({"type": "Profile-CR", "conditions": [odd]})).is_err());
        let link = |body| parse(body, |_, f| profile_link(f));
        assert!(link(json!({"cr_type": "VSI", "link": {"crn": "x"}})).is_err());
        assert_eq!(seen(link(json!({"link": {}}))).1, "link.crn");
    }

    #[test]
    fn mail_addresses_look_like_some() {
        for good in ["a@b", "jane.doe+x@example.com"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["", "a", "@b", "a@", "a b@c", "a@b@c", "<a@b>", &format!("a@{}", "b".repeat(253))]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn page_sizes_at_both_sides() {
        let read = |text: &str| {
            api_key_list(&Query::parse(text, 8_192).unwrap()).map(|want| want.list.page.limit)
        };
        assert_eq!(read("").unwrap(), 20);
        assert_eq!((read("pagesize=1").unwrap(), read("pagesize=100").unwrap()), (1, 100));
        for bad in
            ["pagesize=0", "pagesize=101", "pagesize=x", "pagetoken=x", "sort=name", "type=x"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
