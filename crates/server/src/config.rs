//! What a server is told at its start.

use std::sync::Arc;

use base::{Clock, Entropy};

/// Settings of the door.
#[derive(Clone)]
pub struct ServerConfig {
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

impl std::fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConfig")
            .field("listener_url", &self.listener_url)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}
