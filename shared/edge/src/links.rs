//! Links in the journal's database: see [`makegood_gateway::links`].

use makegood_core::error::Error;
use makegood_gateway::links::{self, Link, NewLink};
use makegood_gateway::store::{self, Tools};

use crate::host::Host;
use crate::store::Store;

impl<H: Host> Store<'_, H> {
    /// False where the saga has as many as there may be.
    ///
    /// # Errors
    /// As every statement: see [`Store::create`].
    pub async fn create_link(&self, new: &NewLink<'_>) -> Result<bool, Error> {
        Ok(self.ask(&links::create(new, self.host.now())).await?.unwrap_or_default())
    }

    /// `None` where the token is unknown, or can decide no more.
    pub async fn find_link(&self, token: &str) -> Result<Option<Link>, Error> {
        self.ask(&links::find(token, self.host.now())).await
    }

    /// Uses a link for a decision. `None` where it cannot be used, or was used for another.
    pub async fn use_link(&self, token: &str, approve: bool, note: &str) -> Result<Option<Link>, Error> {
        self.ask(&links::redeem(token, approve, note, self.host.now())).await
    }

    /// Whether a tool, as it is now, demands that people agree to its steps, whatever their plan says.
    pub async fn demands(&self, tool: &str) -> Result<bool, Error> {
        let tools: Tools = self.ask(&store::tools(&[tool])).await?.unwrap_or_default();
        Ok(tools.get(tool).is_some_and(|tool| tool.approval.is_some()))
    }
}
