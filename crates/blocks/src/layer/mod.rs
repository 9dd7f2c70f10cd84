//! The writable side: write layers.

mod keys;
mod spec;
mod volume;

pub use keys::{VOLUME_KEY_BYTES, VolumeKey};
pub use spec::{CAPACITY_MAX, LayerInfo, NoBase, OpenedBy, VOLUME_ID_MAX, VolumeSpec, VolumeStats};
pub use volume::{FrozenLayer, Volume, drop_generation, generations, inspect, provision};
