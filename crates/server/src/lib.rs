//! HTTP: routers, authentication, request ids and limits.
