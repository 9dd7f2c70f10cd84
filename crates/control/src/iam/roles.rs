//! Roles that an account makes of the actions of a service.

use base::RoleId;
use model::CustomRole;
use policy::Action;

use super::{Subject, invalid};
use crate::{Control, Error, RequestContext};

/// Longest name of a role in its CRN, in characters.
const NAME_LEN_MAX: usize = 30;
/// Longest display name, in characters.
const DISPLAY_NAME_LEN_MAX: usize = 50;
/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 250;

/// What a role is to be.
#[derive(Clone, Debug)]
pub struct RoleWrite {
    /// What users see.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Names of actions.
    pub actions: Vec<String>,
}

impl RoleWrite {
    fn check(&mut self, service: &str) -> Result<(), Error> {
        if !(1..=DISPLAY_NAME_LEN_MAX).contains(&self.display_name.chars().count()) {
            let why = format!("It has 1 to {DISPLAY_NAME_LEN_MAX} characters.");
            return Err(invalid("display_name", why));
        }
        if self.description.len() > DESCRIPTION_BYTES_MAX {
            let why = format!("It is longer than {DESCRIPTION_BYTES_MAX} bytes.");
            return Err(invalid("description", why));
        }
        if self.actions.is_empty() {
            return Err(invalid("actions", "A role has at least one action of its service."));
        }
        if let Some(odd) = self.actions.iter().find(|a| !policy::action_fits(service, a)) {
            let shown: String = odd.chars().take(128).collect();
            return Err(invalid("actions", format!("{shown} is no action of {service}.")));
        }
        self.actions.sort();
        self.actions.dedup();
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = (1..=NAME_LEN_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
        && name.as_bytes()[0].is_ascii_uppercase();
    if fits {
        return Ok(());
    }
    let why = format!("It has 1 to {NAME_LEN_MAX} letters and digits, and begins with a capital.");
    Err(invalid("name", why))
}

impl Control {
    /// Custom roles of the caller's account by name.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn custom_roles(&self, ctx: &RequestContext) -> Result<Vec<CustomRole>, Error> {
        let permit = self.permit_account(ctx, Action::RoleRead).await?;
        Ok(self.store().roles(&permit).await?)
    }

    /// A custom role.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn custom_role(
        &self,
        ctx: &RequestContext,
        id: &RoleId,
    ) -> Result<CustomRole, Error> {
        let found = self.custom_roles(ctx).await?.into_iter().find(|role| &role.id == id);
        found.ok_or_else(|| Error::NotFound { kind: "role", id: id.to_string(), field: None })
    }

    /// Makes a custom role.
    ///
    /// # Errors
    /// A name that does not fit or is taken, an action of another service, the limit; when the caller may not.
    pub async fn custom_role_create(
        &self,
        ctx: &RequestContext,
        name: String,
        service: String,
        mut want: RoleWrite,
    ) -> Result<CustomRole, Error> {
        let permit = self.permit_account(ctx, Action::RoleCreate).await?;
        check_name(&name)?;
        want.check(&service)?;
        let id = RoleId::parse(&base::uuid_of(self.entropy())).map_err(Error::internal)?;
        let (now, by) = (self.now(), ctx.caller.principal.clone());
        let role = CustomRole {
            id,
            account: ctx.caller.account.clone(),
            name,
            service,
            display_name: want.display_name,
            description: want.description,
            actions: want.actions,
            created_at: now,
            created_by: by.clone(),
            modified_at: now,
            modified_by: by,
            revision: 1,
        };
        let change = self.role_change(ctx, "iam-am.role.create", &role);
        self.store().role_create(&permit, role.clone(), change).await?;
        Ok(role)
    }

    /// Replaces what a custom role holds; `revision` is the one that the caller read.
    ///
    /// # Errors
    /// As [`Self::custom_role_create`]; one that was changed meanwhile.
    pub async fn custom_role_replace(
        &self,
        ctx: &RequestContext,
        id: &RoleId,
        revision: u64,
        mut want: RoleWrite,
    ) -> Result<CustomRole, Error> {
        let permit = self.permit_account(ctx, Action::RoleUpdate).await?;
        let found = self.custom_role(ctx, id).await?;
        want.check(&found.service)?;
        let role = CustomRole {
            display_name: want.display_name,
            description: want.description,
            actions: want.actions,
            modified_at: self.now(),
            modified_by: ctx.caller.principal.clone(),
            revision: revision.saturating_add(1),
            ..found
        };
        let change = self.role_change(ctx, "iam-am.role.update", &role);
        self.store().role_write(&permit, role.clone(), change).await?;
        Ok(role)
    }

    /// Deletes a custom role.
    ///
    /// # Errors
    /// One that a policy gives; when there is none, or the caller may not.
    pub async fn custom_role_delete(&self, ctx: &RequestContext, id: &RoleId) -> Result<(), Error> {
        let permit = self.permit_account(ctx, Action::RoleDelete).await?;
        let role = self.custom_role(ctx, id).await?;
        let change = self.role_change(ctx, "iam-am.role.delete", &role);
        Ok(self.store().role_delete(&permit, id, change).await?)
    }

    fn role_change(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        role: &CustomRole,
    ) -> meta::Change {
        let about = Subject {
            service: "iam-access-management",
            kind: "customRole",
            id: role.id.as_str(),
            name: &role.display_name,
        };
        self.iam_change(ctx, action, &about, &serde_json::json!({ "actions": role.actions }))
    }
}
