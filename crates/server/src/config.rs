//! What a server is told at its start.

use std::{num::NonZeroU32, sync::Arc};

use base::{Clock, Entropy, OsEntropy, RegionName, SystemClock};

use crate::limits::REQUESTS_PER_SECOND_DEFAULT;

/// Settings of the door.
#[derive(Clone)]
pub struct ServerConfig {
    /// The region that is served.
    pub region: RegionName,
    /// Scheme, host and port of the listener, such as `http://127.0.0.1:9000`: the scheme of
    /// every href, and the address in them when a request names no usable host.
    pub listener_url: String,
    /// Address in every href, when it is set; else each client sees the host that it asked for.
    pub public_url: Option<String>,
    /// Requests a second of one credential; none for as many as it likes.
    pub requests_per_second: Option<NonZeroU32>,
    /// Browsers are told to come by TLS only from now on. Not for a certificate that they do not
    /// trust by themselves, and not for `localhost`: it would bind every port of the name.
    pub strict_transport: bool,
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
            requests_per_second: NonZeroU32::new(REQUESTS_PER_SECOND_DEFAULT),
            strict_transport: false,
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
            .field("requests_per_second", &self.requests_per_second)
            .field("strict_transport", &self.strict_transport)
            .finish_non_exhaustive()
    }
}
