//! The seed disk: a small FAT file system labelled `CIDATA` with `meta-data` and `user-data`, as
//! cloud-init's NoCloud source and the stock image read it.

use std::io::{Cursor, Write};

use fatfs::{FileSystem, FormatVolumeOptions, FsOptions};

use crate::{
    check,
    port::{ComputeError, Seed},
};

/// The volume label that guests look for.
const LABEL: [u8; 11] = *b"CIDATA     ";
/// The size of a seed disk, in bytes; the largest seed fits.
pub const SEED_IMAGE_SIZE: usize = 1 << 20;
/// The FAT serial number. Fixed, so that the same seed is the same bytes.
const VOLUME_ID: u32 = 0x4543_5459;

/// The bytes of the seed disk.
///
/// # Errors
/// `Spec` when the seed holds what it may not.
pub fn seed_image(seed: &Seed) -> Result<Vec<u8>, ComputeError> {
    check::seed(seed)?;
    // A disk in memory that is large enough for every checked seed takes all writes.
    render(seed).map_err(|_| ComputeError::Spec { what: "the seed does not fit its disk" })
}

fn render(seed: &Seed) -> std::io::Result<Vec<u8>> {
    let mut disk = Cursor::new(vec![0_u8; SEED_IMAGE_SIZE]);
    let options = FormatVolumeOptions::new().volume_label(LABEL).volume_id(VOLUME_ID);
    fatfs::format_volume(&mut disk, options)?;
    {
        let fs = FileSystem::new(&mut disk, FsOptions::new())?;
        let put = |name: &str, text: &str| -> std::io::Result<()> {
            let mut file = fs.root_dir().create_file(name)?;
            file.write_all(text.as_bytes())?;
            file.flush()
        };
        put("meta-data", &meta_data(seed))?;
        put("user-data", seed.user_data.as_deref().unwrap_or_default())?;
    }
    Ok(disk.into_inner())
}

/// NoCloud's `meta-data`. All values are checked to need no escapes in YAML; keys go in without
/// their comment, which might.
fn meta_data(seed: &Seed) -> String {
    let mut text =
        format!("instance-id: \"{}\"\nlocal-hostname: \"{}\"\n", seed.instance_id, seed.hostname);
    if !seed.ssh_keys.is_empty() {
        text.push_str("public-keys:\n");
    }
    for (kind, body) in seed.ssh_keys.iter().filter_map(|key| check::key_fields(key)) {
        text.push_str(&format!("  - \"{kind} {body}\"\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::port::{SEED_KEYS_MAX, USER_DATA_MAX};

    fn seed() -> Seed {
        Seed {
            instance_id: "0717_1".into(),
            hostname: "demo".into(),
            user_data: Some("#!/bin/sh\necho hi\n".into()),
            ssh_keys: vec!["ssh-ed25519 AAAA me@\"here\"".into(), "ssh-rsa BBBB".into()],
        }
    }

    fn read(image: &[u8], name: &str) -> String {
        let fs = FileSystem::new(Cursor::new(image.to_vec()), FsOptions::new()).unwrap();
        assert_eq!(fs.volume_label(), "CIDATA");
        assert_eq!(fs.read_volume_label_from_root_dir().unwrap().as_deref(), Some("CIDATA"));
        let mut text = String::new();
        fs.root_dir().open_file(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_seed_reads_back() {
        let image = seed_image(&seed()).unwrap();
        assert_eq!(read(&image, "user-data"), "#!/bin/sh\necho hi\n");
        assert_eq!(
            read(&image, "meta-data"),
            "instance-id: \"0717_1\"\nlocal-hostname: \"demo\"\npublic-keys:\n  \
             - \"ssh-ed25519 AAAA\"\n  - \"ssh-rsa BBBB\"\n"
        );
    }

    #[test]
    fn the_same_seed_is_the_same_bytes() {
        assert_eq!(seed_image(&seed()).unwrap(), seed_image(&seed()).unwrap());
    }

    #[test]
    fn the_largest_seed_fits() {
        let key = format!("ssh-rsa {}", "A".repeat(check::SSH_KEY_MAX - 8));
        let image = seed_image(&Seed {
            user_data: Some("a".repeat(USER_DATA_MAX)),
            ssh_keys: vec![key; SEED_KEYS_MAX],
            ..seed()
        });
        assert_eq!(read(&image.unwrap(), "user-data").len(), USER_DATA_MAX);
    }

    #[test]
    fn user_data_is_not_printed() {
        let shown = format!("{:?}", seed());
        assert!(!shown.contains("echo"), "{shown}");
    }
}
