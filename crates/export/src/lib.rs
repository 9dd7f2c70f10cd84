//! Volumes for guests: an NBD server, the engine process and its supervisor.
