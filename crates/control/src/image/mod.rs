//! Images: create, lifecycle, delete; the stock ones, and disk files in and out.

mod capture;
mod create;
mod delete_job;
mod disk_files;
mod from_file;
mod isolate;
mod lifecycle;
pub(crate) mod manifest;
mod progress;
mod stock;

pub use create::ImageCreate;
pub use disk_files::{ExportedFile, ImageExport, ImageImport};
pub use from_file::{FileProgress, FileWatch};
pub use isolate::ImageIsolation;
pub use progress::{ImageAlone, ImageProgress, ImageStorage};
pub use stock::{StockImage, StockOf};

pub(crate) use capture::CaptureJob;
pub(crate) use delete_job::DeleteJob;
pub(crate) use isolate::IsolateJob;
pub(crate) use progress::ProgressBoard;
