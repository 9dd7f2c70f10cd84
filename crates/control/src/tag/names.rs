//! The tags of an account, whether or not a resource has them.

use meta::TagFilter;
use model::{Tag, TagKind};
use policy::Action;

use super::{Deed, action, texts};
use crate::{Control, Error, RequestContext};

impl Control {
    /// Tags of the account by name, with the number of those that fit.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn tags(
        &self,
        ctx: &RequestContext,
        filter: &TagFilter,
    ) -> Result<(Vec<Tag>, u64), Error> {
        let access = self.access(ctx).await?;
        let scope = self.scope_by(ctx, &access, Action::TagRead).await?;
        if let Some(crn) = &filter.attached_to {
            let Ok(crn) = base::Crn::parse(crn) else { return Ok((Vec::new(), 0)) };
            let Some(seen) = self.seen_of(&access, &crn) else { return Ok((Vec::new(), 0)) };
            match self.store().tag_target(&seen, self.region(), &crn).await {
                Err(meta::StoreError::NotFound { .. }) => return Ok((Vec::new(), 0)),
                there => drop(there?),
            }
        }
        Ok(self.store().tags(&scope, filter).await?)
    }

    /// Makes access tags; says for each whether it is new.
    ///
    /// # Errors
    /// The limit, with none made; when the caller may not.
    pub async fn access_tags_create(
        &self,
        ctx: &RequestContext,
        tags: Vec<Tag>,
    ) -> Result<Vec<(Tag, bool)>, Error> {
        let kind = TagKind::Access;
        let permit = self.permit_account(ctx, action(Deed::Create, kind)?).await?;
        let with_change = |tag: &Tag| {
            let target = Self::tag_target(ctx, tag.as_str());
            let names = texts(std::slice::from_ref(tag));
            let event = "global-search-tagging.tag.create";
            (tag.clone(), self.tag_change(ctx, event, target, kind, &names))
        };
        let new = tags.iter().map(with_change).collect();
        let made = self.store().access_tags_create(&permit, new).await?;
        Ok(tags.into_iter().zip(made).collect())
    }

    /// Deletes a tag that no resource has.
    ///
    /// # Errors
    /// One that is attached, or is not there; service tags; when the caller may not.
    pub async fn tag_delete(
        &self,
        ctx: &RequestContext,
        kind: TagKind,
        tag: &Tag,
    ) -> Result<(), Error> {
        let permit = self.permit_account(ctx, action(Deed::Delete, kind)?).await?;
        let target = Self::tag_target(ctx, tag.as_str());
        let names = texts(std::slice::from_ref(tag));
        let event = "global-search-tagging.tag.delete";
        let change = self.tag_change(ctx, event, target, kind, &names);
        Ok(self.store().tag_delete(&permit, kind, tag, change).await?)
    }

    /// Deletes every tag of the kind that no resource has.
    ///
    /// # Errors
    /// Service tags; when the caller may not.
    pub async fn tags_delete_unused(
        &self,
        ctx: &RequestContext,
        kind: TagKind,
    ) -> Result<Vec<Tag>, Error> {
        let permit = self.permit_account(ctx, action(Deed::Delete, kind)?).await?;
        let target = Self::tag_target(ctx, "*");
        let event = "global-search-tagging.tags.delete";
        let change = self.tag_change(ctx, event, target, kind, &["*".to_owned()]);
        Ok(self.store().tags_delete_unused(&permit, kind, change).await?)
    }
}
