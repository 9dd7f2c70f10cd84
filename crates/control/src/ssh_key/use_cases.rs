//! Keys: create, read, rename, delete.

use base::KeyId;
use meta::{Page, Paged};
use model::{ResourceName, SshKey};
use policy::Action;

use super::{KeyCreate, parse};
use crate::{Control, Error, RequestContext};

impl Control {
    /// Keeps a public key; with it comes the name of its resource group.
    ///
    /// # Errors
    /// Text that is no key, another type than said, the same content, a taken name, the limit.
    pub async fn key_create(
        &self,
        ctx: &RequestContext,
        want: KeyCreate,
    ) -> Result<(SshKey, String), Error> {
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::KeyCreate, &group).await?;
        let parsed =
            parse::parse(&want.public_key, want.kind).map_err(|parse::Unusable(code, why)| {
                Error::Invalid { field: "public_key", code, why: why.to_owned() }
            })?;
        let id = KeyId::mint(self.region().id_prefix(), self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let key = SshKey {
            head: self.head(ctx, id.clone(), group, name, self.now()),
            kind: parsed.kind,
            length: parsed.length,
            fingerprint: parsed.fingerprint,
            public_key: parsed.public_key,
        };
        let change = self.change(ctx, Action::KeyCreate, "key", &key.head, self.region().as_str());
        self.store().key_create(&permit, key, change).await?;
        self.key(ctx, &id).await
    }

    /// A key.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn key(&self, ctx: &RequestContext, id: &KeyId) -> Result<(SshKey, String), Error> {
        let scope = self.scope(ctx, Action::KeyRead).await?;
        Ok(self.store().key(&scope, id).await?)
    }

    /// The key of that fingerprint.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn key_by_fingerprint(
        &self,
        ctx: &RequestContext,
        fingerprint: &str,
    ) -> Result<SshKey, Error> {
        let scope = self.scope(ctx, Action::KeyRead).await?;
        Ok(self.store().key_by_fingerprint(&scope, fingerprint).await?)
    }

    /// Keys.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn keys(
        &self,
        ctx: &RequestContext,
        name: Option<&str>,
        page: Page,
    ) -> Result<Paged<(SshKey, String)>, Error> {
        let scope = self.scope(ctx, Action::KeyList).await?;
        Ok(self.store().keys(&scope, name, &page).await?)
    }

    /// Renames a key; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn key_rename(
        &self,
        ctx: &RequestContext,
        id: &KeyId,
        name: Option<ResourceName>,
    ) -> Result<(SshKey, String), Error> {
        let (key, group) = self.key(ctx, id).await?;
        let permit = self.permit(ctx, Action::KeyUpdate, &key.head).await?;
        let Some(name) = name else { return Ok((key, group)) };
        let region = self.region().as_str();
        let change = self.change(ctx, Action::KeyUpdate, "key", &key.head, region);
        self.store().key_rename(&permit, id, key.head.revision, name, change).await?;
        self.key(ctx, id).await
    }

    /// Deletes a key. Instances keep what they started with.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn key_delete(&self, ctx: &RequestContext, id: &KeyId) -> Result<(), Error> {
        let (key, _) = self.key(ctx, id).await?;
        let permit = self.permit(ctx, Action::KeyDelete, &key.head).await?;
        let region = self.region().as_str();
        let change = self.change(ctx, Action::KeyDelete, "key", &key.head, region);
        Ok(self.store().key_delete(&permit, id, change).await?)
    }
}
