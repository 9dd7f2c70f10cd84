//! Instances: create, actions, delete, and the reconciler that follows their guests.
//!
//! Next to read: `create` and `actions` for what callers ask, `start_job` and `stop_job` for what
//! is done, `follow` for guests that act by themselves.

mod actions;
mod console;
mod create;
mod delete_job;
mod draft;
mod follow;
mod guest;
mod network;
mod read;
mod reboot_job;
mod reinitialize;
mod start_job;
mod stop_job;
mod template;
mod turns;

pub use actions::ActionCreate;
pub use console::{
    CONSOLE_TOKEN_LIFETIME, CONSOLE_TOKENS_MAX, ConsoleClaim, ConsoleSession, ConsoleToken,
};
pub use create::{
    BootVolume, DataVolume, InstanceCreate, InstanceNetwork, NewVolume, NicCreate, VolumeSource,
};
pub use reinitialize::Reinitialize;
pub use template::TemplateCreate;

pub(crate) use console::Consoles;
pub(crate) use delete_job::DeleteJob;
pub(crate) use guest::compute_step;
pub(crate) use reboot_job::RebootJob;
pub(crate) use start_job::StartJob;
pub(crate) use stop_job::StopJob;
pub(crate) use turns::{Turn, Turns};
