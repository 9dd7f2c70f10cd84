//! The guest's own files. They are texts of the crate's `guest` directory.

/// First program of the initramfs.
pub(super) const INITRAMFS_INIT: &str = include_str!("../../guest/initramfs-init");

/// Files of the root file system: path, text. Those below `usr/lib` are programs.
pub(super) const FILES: &[(&str, &str)] = &[
    ("etc/inittab", include_str!("../../guest/inittab")),
    ("usr/lib/ectype/boot", include_str!("../../guest/boot")),
    ("usr/lib/ectype/user-data", include_str!("../../guest/user-data")),
    ("usr/lib/ectype/off", include_str!("../../guest/off")),
    ("usr/lib/ectype/udhcpc", include_str!("../../guest/udhcpc")),
    ("usr/lib/ectype/cloud-config.awk", include_str!("../../guest/cloud-config.awk")),
    ("usr/lib/ectype/power-button", include_str!("../../guest/power-button")),
    ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    ("etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
    // No password: only SSH keys open the door.
    ("etc/shadow", "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n"),
    ("etc/shells", "/bin/sh\n/bin/bash\n"),
    ("etc/hostname", "ectype\n"),
    ("etc/hosts", "127.0.0.1 localhost\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    ("etc/profile", "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n"),
    (
        "etc/os-release",
        "NAME=\"Ectype Linux\"\nPRETTY_NAME=\"Ectype Linux 1\"\nID=ectype\nID_LIKE=debian\n\
         VERSION_ID=\"1\"\n",
    ),
];

/// The configuration of the boot loader.
pub(super) const SYSLINUX_CFG: &str = "DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n  \
    KERNEL /vmlinuz\n  INITRD /initrd.img\n  \
    APPEND console=ttyS0,115200 panic=10 quiet loglevel=4\n";

/// All of them, for the fingerprint.
pub(super) const ALL: &[(&str, &str)] = &{
    let mut all = [("", ""); FILES.len() + 2];
    let mut n = 0;
    while n < FILES.len() {
        all[n] = FILES[n];
        n += 1;
    }
    all[n] = ("init", INITRAMFS_INIT);
    all[n + 1] = ("syslinux.cfg", SYSLINUX_CFG);
    all
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_counts_for_the_fingerprint() {
        assert_eq!(ALL.len(), FILES.len() + 2);
        assert!(ALL.iter().all(|(name, text)| !name.is_empty() && !text.is_empty()));
    }

    #[test]
    fn programs_say_what_runs_them() {
        for (name, text) in FILES {
            if name.starts_with("usr/lib/ectype/") && !name.ends_with(".awk") {
                assert!(text.starts_with("#!/bin/sh\n"), "{name}");
            }
        }
    }
}
