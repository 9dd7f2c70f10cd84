//! Disk files in and out, by the operator: import makes a private image, export writes one.
//!
//! Formats are the caller's word, never guessed from content; a file that refers to another is
//! refused before that one is touched. Nobody but the region's own user may ask: the paths are
//! opened with its rights.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use base::{AccountId, ByteCount, ImageId, ResourceGroupId};
use blocks::{BlockSource, FileSource, NewFile, SourceDisk};
use formats::{Format, OutputFormat, Stamp};
use model::{
    Image, ResourceName, Visibility,
    catalog::{BOOT_CAPACITY_GB_MAX, BOOT_CAPACITY_GB_MIN, operating_system},
};
use policy::InternalActor;

use super::from_file::{FileProgress, FileWatch, FromFile, file_error, invalid};
use crate::{Control, Error};

/// A disk file that becomes a private image.
#[derive(Clone, Debug)]
pub struct ImageImport {
    /// Whose it will be.
    pub account: AccountId,
    /// Its resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its name.
    pub name: ResourceName,
    /// Name of its operating system.
    pub operating_system: String,
    /// The file; absolute.
    pub file: PathBuf,
    /// How the file is read.
    pub format: Format,
}

/// An image that is written to a disk file.
#[derive(Clone, Debug)]
pub struct ImageExport {
    /// The image.
    pub image: ImageId,
    /// The file; absolute, and not there yet.
    pub file: PathBuf,
    /// How it is written.
    pub format: OutputFormat,
}

/// A disk file that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Size of the disk in it.
    pub capacity: ByteCount,
    /// Bytes of the disk that are not zeros, in whole pieces.
    pub data: ByteCount,
}

impl Control {
    /// Makes a private image of a disk file. Its capacity is the disk's, rounded up to whole GB
    /// and to the smallest boot volume.
    ///
    /// # Errors
    /// An unknown account, group or operating system, a taken name, the limit of images; a file
    /// that is too large, damaged, of another format or needs another file, by name.
    pub async fn image_import(&self, want: ImageImport, watch: FileWatch) -> Result<Image, Error> {
        absolute(&want.file)?;
        let os = operating_system(&want.operating_system)
            .filter(|os| os.allow_user_image_creation)
            .ok_or_else(|| {
                let why = format!("No image can be made of {}.", want.operating_system);
                invalid("operating_system", why)
            })?;
        let permit = Self::system(InternalActor::Operator);
        // Asked again when the row is written; here it spares a refused caller the work.
        let group = self
            .store()
            .image_place(permit, &want.account, want.group.as_ref(), &want.name)
            .await?;
        let (file, format) = (want.file, want.format);
        let open = move || FileSource::open(&file, format);
        let opened = tokio::task::spawn_blocking(open).await.map_err(Error::internal)?;
        let source = opened.map_err(|error| file_error(&error))?;
        let capacity = capacity_of(source.size())?;
        self.image_from_file(FromFile {
            account: want.account,
            group,
            name: want.name,
            os,
            visibility: Visibility::Private,
            source,
            capacity,
            watch,
        })
        .await
    }

    /// Writes an image to a new disk file, mode 0600, that is there whole or not at all.
    ///
    /// # Errors
    /// When there is no such image, it has no bytes, the file is there already or cannot be
    /// written, or the format cannot hold the disk.
    pub async fn image_export(
        &self,
        want: ImageExport,
        watch: FileWatch,
    ) -> Result<ExportedFile, Error> {
        absolute(&want.file)?;
        let image = self.image_open(&want.image).await?;
        let entropy = std::sync::Arc::clone(&self.parts.entropy);
        let mut id = [0; 16];
        entropy.fill(&mut id);
        let stamp = Stamp { id, at: self.parts.clock.wall() };
        let write = move || {
            let failed = |error: &dyn std::error::Error| {
                let why = base::error_chain(error);
                invalid("file", format!("{}: {why}", want.file.display()))
            };
            let mut file = NewFile::begin(&want.file, &*entropy).map_err(|e| failed(&e))?;
            let mut data = ByteCount(0);
            let mut tell = |progress: formats::Progress| {
                data = ByteCount(progress.data_bytes);
                let (done_bytes, total_bytes) = (progress.position, progress.size);
                (watch.told)(FileProgress { done_bytes, total_bytes });
                match watch.cancel.load(Ordering::Relaxed) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            let written =
                formats::write(want.format, &SourceDisk(&image), &mut file, &stamp, &mut tell);
            match written {
                Ok(()) => {}
                // The image's side, not the file's.
                Err(error @ formats::Error::Source { .. }) => {
                    return Err(Error::unavailable(error));
                }
                Err(error) => return Err(failed(&error)),
            }
            file.finish().map_err(|e| failed(&e))?;
            Ok(ExportedFile { capacity: ByteCount(image.size()), data })
        };
        tokio::task::spawn_blocking(write).await.map_err(Error::internal)?
    }
}

/// The server's own folder is not the caller's.
fn absolute(file: &Path) -> Result<(), Error> {
    if file.is_absolute() {
        return Ok(());
    }
    Err(invalid("file", format!("{} is not an absolute path.", file.display())))
}

fn capacity_of(size: u64) -> Result<ByteCount, Error> {
    let gb = ByteCount(size).gb_ceil();
    if size == 0 {
        return Err(invalid("file", "The disk in it is empty.".to_owned()));
    }
    if gb > BOOT_CAPACITY_GB_MAX {
        let why = format!(
            "The disk in it has {gb} GB. An image holds {BOOT_CAPACITY_GB_MIN} to \
             {BOOT_CAPACITY_GB_MAX} GB."
        );
        return Err(invalid("file", why));
    }
    Ok(ByteCount::from_gb(gb.max(BOOT_CAPACITY_GB_MIN)))
}

#[cfg(test)]
mod tests {
    use base::GB;

    use super::*;

    #[test]
    fn a_disk_is_rounded_up_to_whole_gigabytes_within_the_bounds_of_boot_volumes() {
        let gb = |size| capacity_of(size).map(|c| c.gb_ceil()).map_err(|e| e.to_string());
        assert_eq!(gb(1), Ok(10));
        assert_eq!(gb(10 * GB), Ok(10));
        assert_eq!(gb(10 * GB + 1), Ok(11));
        assert_eq!(gb(250 * GB), Ok(250));
        assert!(gb(250 * GB + 1).unwrap_err().contains("251 GB"));
        assert!(gb(0).unwrap_err().contains("empty"));
    }
}
