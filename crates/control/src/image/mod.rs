//! Images: create, lifecycle, delete, and the stock ones.

mod capture;
mod create;
mod delete_job;
mod lifecycle;
pub(crate) mod manifest;
mod progress;
mod stock;

pub use create::ImageCreate;
pub use progress::{ImageProgress, ImageStorage};
pub use stock::StockImage;

pub(crate) use capture::CaptureJob;
pub(crate) use delete_job::DeleteJob;
pub(crate) use progress::ProgressBoard;
