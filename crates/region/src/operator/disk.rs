//! The region's end of `ectype disk`: the work, how far it is, and its end when the operator goes.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use base::{AccountId, ImageId, ResourceGroupId};
use control::{Control, FileProgress, FileWatch, ImageExport, ImageImport, StockImage};
use formats::{Format, OutputFormat};
use model::ResourceName;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Answer, Ask};

/// Work that was begun for an operator; it ends early when this is dropped.
pub struct Begun {
    progress: watch::Receiver<FileProgress>,
    /// What it is told by.
    pub watch: FileWatch,
    cancel: Arc<AtomicBool>,
}

impl Begun {
    pub fn new() -> Self {
        let (tell, progress) = watch::channel(FileProgress::default());
        let cancel = Arc::new(AtomicBool::new(false));
        let told = Arc::new(move |progress: FileProgress| {
            // Told from several threads: an older report must not win.
            tell.send_if_modified(|seen: &mut FileProgress| {
                let newer = progress.done_bytes > seen.done_bytes
                    || progress.total_bytes != seen.total_bytes;
                if newer {
                    *seen = progress;
                }
                newer
            });
        });
        let watch = FileWatch { told, cancel: Arc::clone(&cancel) };
        Self { progress, watch, cancel }
    }

    /// How far it is, unless that was said already.
    pub fn news(&mut self) -> Option<Answer> {
        self.progress.has_changed().is_ok_and(|changed| changed).then(|| {
            let FileProgress { done_bytes, total_bytes } = *self.progress.borrow_and_update();
            Answer::Progress { done_bytes, total_bytes }
        })
    }

    /// Ends the work at its next step.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Does what is asked, if it is about disk files.
pub async fn act(region: &Control, ask: Ask, watch: FileWatch) -> anyhow::Result<Value> {
    match ask {
        Ask::CatalogAdd { name, operating_system, file, format } => {
            let format = Format::parse(&format).context("no such format")?;
            let stock = StockImage { name, operating_system, file };
            let image = region.stock_import(stock, format, watch).await?;
            Ok(super::server::stock(&image))
        }
        Ask::DiskImport { account, group, name, operating_system, file, format } => {
            let want = ImageImport {
                account: AccountId::parse(&account)?,
                group: group.map(|group| ResourceGroupId::parse(&group)).transpose()?,
                name: ResourceName::parse(&name)?,
                operating_system,
                file,
                format: Format::parse(&format).context("no such format")?,
            };
            let image = region.image_import(want, watch).await?;
            Ok(json!({
                "id": image.head.id.as_str(),
                "name": image.head.name.as_str(),
                "account_id": image.head.account.as_str(),
                "capacity_gb": image.capacity.gb_ceil(),
                "logical_bytes": image.logical,
                "stored_bytes": image.stored,
            }))
        }
        Ask::DiskExport { image, file, format } => {
            export(region, &image, file, &format, watch).await
        }
        _ => anyhow::bail!("this is not about disk files"),
    }
}

async fn export(
    region: &Control,
    image: &str,
    file: PathBuf,
    format: &str,
    watch: FileWatch,
) -> anyhow::Result<Value> {
    let want = ImageExport {
        image: ImageId::parse(image)?,
        file: file.clone(),
        format: OutputFormat::parse(format).context("no such format")?,
    };
    let made = region.image_export(want, watch).await?;
    Ok(json!({
        "file": file,
        "format": format,
        "capacity_bytes": made.capacity,
        "data_bytes": made.data,
    }))
}
