//! Access groups, their members and rules: `/v2/groups`.

use base::PrincipalId;
use model::{ClaimCondition, MemberKind, RULES_MAX_HOURS};

use super::policy::{account_of, parameter};
use crate::{ApiError, ErrorCode, Fields, Query};

/// Largest page of groups or members, and how many come when no limit is asked for.
pub const ACCESS_GROUP_PAGE_MAX: u32 = 100;
const PAGE_LIMIT_DEFAULT: u32 = 50;
/// Most members, groups or conditions of a body that are read.
pub const ACCESS_ITEMS_MAX: usize = 100;
/// What members may be, as errors list it.
const MEMBER_KINDS: &str = "user, service, profile";

/// A part of a list by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetPage {
    /// How many are left out at the beginning.
    pub offset: u32,
    /// How many come.
    pub limit: u32,
}

/// `GET /v2/groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessGroupList {
    /// The account.
    pub account: String,
    /// Those with this member.
    pub iam_id: Option<String>,
    /// Those with this in name or description.
    pub search: Option<String>,
    /// From the last to the first by name.
    pub descending: bool,
    /// Which part.
    pub page: OffsetPage,
}

fn page(query: &Query) -> Result<OffsetPage, ApiError> {
    Ok(OffsetPage {
        offset: query.number("offset", 0, u32::MAX)?.unwrap_or(0),
        limit: query.number("limit", 1, ACCESS_GROUP_PAGE_MAX)?.unwrap_or(PAGE_LIMIT_DEFAULT),
    })
}

/// Reads the query of `GET /v2/groups`.
///
/// # Errors
/// No account; numbers out of their range.
pub fn access_group_list(query: &Query) -> Result<AccessGroupList, ApiError> {
    let sort = query.get("sort").unwrap_or("name");
    Ok(AccessGroupList {
        account: account_of(query)?,
        iam_id: query.get("iam_id").map(str::to_owned),
        search: query.get("search").map(str::to_owned),
        descending: sort.starts_with('-'),
        page: page(query)?,
    })
}

/// Reads the query of `GET /v2/groups/{id}/members`: the type, and which part.
///
/// # Errors
/// A type that is not known; numbers out of their range.
pub fn member_list(query: &Query) -> Result<(Option<MemberKind>, OffsetPage), ApiError> {
    Ok((parameter(query, "type", MEMBER_KINDS, MemberKind::parse)?, page(query)?))
}

/// Reads the query of `DELETE /v2/groups/{id}`: whether members go with it.
///
/// # Errors
/// What is not true or false.
pub fn access_group_force(query: &Query) -> Result<bool, ApiError> {
    let force = parameter(query, "force", "true, false", |text| text.parse().ok())?;
    Ok(force.unwrap_or(false))
}

/// A name and a description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessGroupBody {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

/// Reads the body of `POST /v2/groups`: name and description.
///
/// # Errors
/// No name; fields of the wrong type.
pub fn access_group_prototype(f: &Fields<'_>) -> Result<(String, String), ApiError> {
    let AccessGroupBody { name, description } = access_group_body(f)?;
    Ok((f.required("name", name)?, description.unwrap_or_default()))
}

/// Reads the body of `PATCH /v2/groups/{id}`.
///
/// # Errors
/// Fields of the wrong type.
pub fn access_group_body(f: &Fields<'_>) -> Result<AccessGroupBody, ApiError> {
    Ok(AccessGroupBody {
        name: f.text("name")?.map(str::to_owned),
        description: f.text("description")?.map(str::to_owned),
    })
}

/// An IAM id of a body.
fn iam_id(f: &Fields<'_>, field: &str, text: &str) -> Result<PrincipalId, ApiError> {
    PrincipalId::parse(text).map_err(|_| f.error(ErrorCode::InvalidBody, field, "is not an IAM id"))
}

/// What an IAM id names, whatever the body says of it.
fn kind_of(f: &Fields<'_>, iam_id: &PrincipalId) -> Result<MemberKind, ApiError> {
    f.choice("type", MEMBER_KINDS, MemberKind::parse)?;
    Ok(MemberKind::of(iam_id.as_str()))
}

/// Reads `PUT /v2/groups/{id}/members`.
///
/// # Errors
/// Members that are missing or no IAM ids, types that do not fit them.
pub fn members(f: &Fields<'_>) -> Result<Vec<(PrincipalId, MemberKind)>, ApiError> {
    let items = f.required("members", f.objects("members", ACCESS_ITEMS_MAX)?)?;
    let each = items.iter().map(|item| {
        let text = item.required_text("iam_id")?;
        let id = iam_id(item, "iam_id", text)?;
        let kind = kind_of(item, &id)?;
        Ok((id, kind))
    });
    each.collect()
}

/// Reads `POST /v2/groups/{id}/members/delete`.
///
/// # Errors
/// Members that are missing or no IAM ids.
pub fn members_gone(f: &Fields<'_>) -> Result<Vec<PrincipalId>, ApiError> {
    let texts = f.required("members", f.texts("members", ACCESS_ITEMS_MAX)?)?;
    texts.into_iter().map(|text| iam_id(f, "members", text)).collect()
}

/// Reads `PUT /v2/groups/_allgroups/members/{iam_id}`: the groups and the type.
///
/// # Errors
/// Groups that are missing, a type that does not fit.
pub fn member_groups(
    f: &Fields<'_>,
    iam_id: &PrincipalId,
) -> Result<(MemberKind, Vec<String>), ApiError> {
    let groups = f.required("groups", f.texts("groups", ACCESS_ITEMS_MAX)?)?;
    Ok((kind_of(f, iam_id)?, groups.into_iter().map(str::to_owned).collect()))
}

/// A rule in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRuleBody {
    /// Its name; empty when none was given.
    pub name: String,
    /// Hours.
    pub expiration: u32,
    /// The identity provider.
    pub realm_name: String,
    /// What claims must be.
    pub conditions: Vec<ClaimCondition>,
}

/// Reads a rule of an access group.
///
/// # Errors
/// What is missing or of the wrong type.
pub fn group_rule(f: &Fields<'_>) -> Result<GroupRuleBody, ApiError> {
    let items = f.required("conditions", f.objects("conditions", ACCESS_ITEMS_MAX)?)?;
    let conditions = items.iter().map(|item| {
        Ok(ClaimCondition {
            claim: item.required_text("claim")?.to_owned(),
            operator: item.required_text("operator")?.to_owned(),
            value: item.required_text("value")?.to_owned(),
        })
    });
    Ok(GroupRuleBody {
        name: f.text("name")?.unwrap_or_default().to_owned(),
        expiration: f.required("expiration", f.small_number("expiration", 1, RULES_MAX_HOURS)?)?,
        realm_name: f.required_text("realm_name")?.to_owned(),
        conditions: conditions.collect::<Result<_, ApiError>>()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::testing::{parse, seen};

    #[test]
    fn a_member_is_what_its_id_says() {
        let read = |body| parse(body, |_, f| members(f));
        let two = json!({"members": [
            {"iam_id": "IBMid-1", "type": "user"}, {"iam_id": "iam-ServiceId-2"}]});
        let kinds: Vec<_> = read(two).unwrap().into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [MemberKind::User, MemberKind::Service]);
        let odd = json!({"members": [{"iam_id": "iam-Profile-1", "type": "king"}]});
        assert_eq!(seen(read(odd)).1, "members[0].type");
        assert_eq!(seen(read(json!({"members": [{"iam_id": "a b"}]}))).0, ErrorCode::InvalidBody);
        assert_eq!(seen(read(json!({}))).0, ErrorCode::ValidationRequiredField);
    }

    #[test]
    fn pages_at_both_sides_of_their_bounds() {
        let read = |text: &str| access_group_list(&Query::parse(text, 1_000).unwrap());
        let list = read("account_id=a&sort=-name").unwrap();
        assert_eq!(list.page, OffsetPage { offset: 0, limit: PAGE_LIMIT_DEFAULT });
        assert!(list.descending);
        assert_eq!(read("account_id=a&limit=100").unwrap().page.limit, ACCESS_GROUP_PAGE_MAX);
        for bad in ["limit=101", "limit=0", "offset=-1"] {
            assert_eq!(seen(read(&format!("account_id=a&{bad}"))).0, ErrorCode::InvalidValue);
        }
    }
}
