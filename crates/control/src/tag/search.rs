//! Search over the caller's account.

use meta::PageKey;
use model::{Found, SearchQuery};
use policy::Action;

use crate::{Control, Error, RequestContext};

impl Control {
    /// Resources that fit, newest first, and where the next page begins. What was written before
    /// this call is found by it.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn search(
        &self,
        ctx: &RequestContext,
        query: &SearchQuery,
        after: Option<&PageKey>,
        limit: u32,
    ) -> Result<(Vec<Found>, Option<PageKey>), Error> {
        self.scope(ctx, Action::ResourceSearch).await?;
        let scopes = self.scopes(ctx).await?;
        Ok(self.store().search(&scopes, self.region(), query, after, limit).await?)
    }
}
