//! The region's API through its real router, use cases, store and engine, with fake guests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access_management;
mod accounts;
mod allowed_use;
mod attachments;
mod attacks;
mod bad_requests;
mod console;
mod contract;
mod door;
mod extensions;
mod firewall;
mod floating_ips;
mod iam;
mod identity;
mod image_lifecycle;
mod image_story;
mod images;
mod instances;
mod key_protect;
mod keys;
mod lists;
mod network_attachments;
mod networks;
mod operator;
mod platform;
mod rates;
mod region;
mod serving;
mod templates;
mod tls;
mod virtual_network_interfaces;
mod volumes;
mod world;
