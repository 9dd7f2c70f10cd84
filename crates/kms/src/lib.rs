//! Keys: where root keys are kept, and how data keys are wrapped by them.
//!
//! ```text
//!  master key (file) --seals--> provider root key, one per account (file)
//!                                   |
//!                                   +--wraps--> data key of an image or a volume (database)
//!            --seals--> customer's root key, one file each --wraps--> the same, at their wish
//! ```
//!
//! It refuses to know what a data key encrypts and who may use it: callers have decided that. Its
//! invariant: no root key ever leaves a [`KeyStore`], and a data key opens only for the resource,
//! key and key version that it was wrapped for.
//!
//! Next to read: `port.rs`, then `file.rs`.

mod aead;
mod customer;
mod customer_file;
mod data_key;
mod error;
mod file;
mod file_io;
mod port;
mod provider_file;
mod wrapped;

pub use customer::{
    CUSTOMER_VERSIONS_MAX, CustomerKeys, KeyMaterial, KeyUse, ROOT_LENGTHS, STANDARD_LEN_MAX,
    Unwrapped,
};
pub use data_key::DataKey;
pub use error::KmsError;
pub use file::FileKeyStore;
pub use port::{KEY_VERSIONS_MAX, KeyStore, KeyVersion, KeyVersions, SECRET_LEN_MAX};
pub use wrapped::{CustomerKey, KeyRef, WrappedKey};
