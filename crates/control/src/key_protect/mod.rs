//! Key Protect: instances, keys and what is done with them.
//!
//! It refuses to know IBM's JSON. Its invariant: what may be done with a key is kept with its
//! material too, and there it is narrowed before the database says so and widened after, so that
//! a crash in between leaves a key that does less than it might, never more.
//!
//! Next to read: `keys`, then `actions`.

mod actions;
mod changes;
mod due;
mod instances;
mod keys;
mod policies;
mod rings;
mod wrapping;

pub use actions::KmsRotation;
pub use instances::ServiceInstanceCreate;
pub use keys::{KmsKeyCreate, KmsKeyList, KmsMaterial, KmsRegistered};
pub use policies::InstancePolicyWant;
pub use wrapping::{KmsUnwrapped, KmsWrapped};

use base::ServiceInstanceId;
use kms::{CustomerKey, KeyUse, KmsError};
use meta::Change;
use model::{
    EventDraft, KmsKey, KmsKeyState, KmsRefusal, Outcome, ServiceInstance, Target, key_protect_crn,
};
use policy::{Action, Permit, Resource, Scope};

use crate::{Control, Error, RequestContext};

/// The instance and the ring that a request names in its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsPlace {
    /// The instance.
    pub instance: ServiceInstanceId,
    /// The key ring; any when none.
    pub ring: Option<String>,
}

/// What users call a key in errors; an SSH key is a key, too.
pub(super) const KEY: &str = "Key Protect key";

/// The key as its keeper knows it.
pub(crate) fn customer_key(key: &KmsKey) -> CustomerKey {
    CustomerKey {
        account: key.account.clone(),
        instance: key.instance.clone(),
        key: key.id.clone(),
    }
}

/// What a state lets be done; expiry is judged by region time, at each request.
pub(crate) const fn use_of(state: KmsKeyState) -> KeyUse {
    match state {
        KmsKeyState::Active | KmsKeyState::Deactivated => KeyUse::Active,
        KmsKeyState::Suspended => KeyUse::Suspended,
        KmsKeyState::Destroyed => KeyUse::Destroyed,
    }
}

/// A failure of the keeper as a refusal, where it is one.
pub(super) fn refused(error: KmsError) -> Error {
    let refusal = match &error {
        KmsError::KeyUnusable { state: "disabled", .. } => {
            KmsRefusal::State { state: "suspended", verb: "used" }
        }
        KmsError::KeyUnusable { .. } | KmsError::KeyMissing { .. } => KmsRefusal::Deleted,
        KmsError::WrongKind { .. } => KmsRefusal::RootRequired,
        KmsError::DoesNotOpen { .. } | KmsError::Damaged { .. } => KmsRefusal::Ciphertext,
        _ if error.kind() == base::ErrorKind::Unavailable => return Error::unavailable(error),
        _ => return Error::internal(error),
    };
    model::Refusal::from(refusal).into()
}

pub(super) fn kms<T>(result: Result<T, KmsRefusal>) -> Result<T, Error> {
    result.map_err(|refusal| model::Refusal::from(refusal).into())
}

impl Control {
    /// A key and leave to do `action` to it.
    pub(super) async fn kms_found(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        action: Action,
    ) -> Result<(KmsKey, Permit), Error> {
        let scope = self.scope(ctx, action).await?;
        let key = self.store().kms_key(&scope, &at.instance, name).await.map_err(named)?;
        let other_ring = at.ring.as_ref().is_some_and(|ring| *ring != key.ring);
        if other_ring || key.purges_itself(self.now()) {
            return Err(Error::NotFound { kind: KEY, id: name.to_owned(), field: None });
        }
        let resource = Resource::One {
            account: key.account.clone(),
            group: key.group.clone(),
            id: key.id.to_string(),
        };
        let permit = self.decide(ctx, action, resource).await?;
        Ok((key, permit))
    }

    /// An instance, leave to do `action` in it, and what the caller may do it to.
    pub(super) async fn kms_instance_found(
        &self,
        ctx: &RequestContext,
        id: &ServiceInstanceId,
        action: Action,
    ) -> Result<(ServiceInstance, Permit, Scope), Error> {
        let scope = self.scope(ctx, action).await?;
        let instance = self.store().service_instance(&scope, id).await?;
        let resource = Resource::One {
            account: instance.account.clone(),
            group: instance.group.clone(),
            id: instance.id.to_string(),
        };
        let permit = self.decide(ctx, action, resource).await?;
        Ok((instance, permit, scope))
    }

    /// What an event says of something done to a key.
    pub(super) fn kms_draft(&self, action: Action, key: &KmsKey, data: String) -> EventDraft {
        let id = key.id.as_str();
        let crn = key_protect_crn(self.region(), &key.account, &key.instance, "key", id);
        EventDraft {
            action: action.as_str(),
            outcome: Outcome::Success,
            target: Target {
                crn: crn.to_string(),
                name: key.name.clone(),
                type_uri: "kms/secrets".to_owned(),
                group: Some(key.group.clone()),
            },
            request_data: data,
        }
    }

    /// The change record of something done to a key.
    pub(super) fn kms_change(&self, ctx: &RequestContext, action: Action, key: &KmsKey) -> Change {
        let data = format!(r#"{{"keyState":{}}}"#, key.state.number());
        let event = self.event(ctx, self.kms_draft(action, key, data));
        Change { events: vec![event], usage: Vec::new() }
    }

    /// The change record of something done to an instance, or to its rings and policies.
    pub(super) fn kms_instance_change(
        &self,
        ctx: &RequestContext,
        action: Action,
        instance: &ServiceInstance,
        type_uri: &str,
    ) -> Change {
        let draft = EventDraft {
            action: action.as_str(),
            outcome: Outcome::Success,
            target: Target {
                crn: instance.crn(self.region()).to_string(),
                name: instance.name.clone(),
                type_uri: type_uri.to_owned(),
                group: Some(instance.group.clone()),
            },
            request_data: "{}".to_owned(),
        };
        Change { events: vec![self.event(ctx, draft)], usage: Vec::new() }
    }
}

/// The store's word for a key, as users call it.
pub(super) fn named(error: meta::StoreError) -> Error {
    match Error::from(error) {
        Error::NotFound { kind: "key", id, field } => Error::NotFound { kind: KEY, id, field },
        other => other,
    }
}
