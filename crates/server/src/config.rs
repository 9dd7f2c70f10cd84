//! What a server is told at its start.

use std::sync::Arc;

use base::{Clock, Entropy, OsEntropy, RegionName, SystemClock};

/// Settings of the door.
#[derive(Clone)]
pub struct ServerConfig {
    /// The region that is served.
    pub region: RegionName,
    /// Scheme, host and port of the listener, such as `http://127.0.0.1:9000`: the address in
    /// hrefs when a request names no usable host.
    pub listener_url: String,
    /// Address in every href, when it is set; else each client sees the host that it asked for.
    pub public_url: Option<String>,
    /// Time. Versions are judged by its wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
}

impl ServerConfig {
    /// The door of `region` at `listener_url`, by the machine's clock and random source.
    #[must_use]
    pub fn new(region: RegionName, listener_url: String) -> Self {
        Self {
            region,
            listener_url,
            public_url: None,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
        }
    }
}

impl std::fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConfig")
            .field("region", &self.region)
            .field("listener_url", &self.listener_url)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}
