//! The root file system, as a directory: busybox, bash, dropbear, the libraries they need, a few
//! kernel modules, and the guest's own files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use super::{
    error::{StockError, at},
    packages::{Unpacked, fresh},
    script,
    tools::{Tools, run},
};

/// Modules that the guest may load, with all that they depend on.
pub(super) const MODULES: &[&str] = &[
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_rng",
    "button",
    "evdev",
    "vfat",
    "nls_cp437",
    "nls_ascii",
    "nls_utf8",
    "nls_iso8859_1",
    "crc32c_generic",
    "loop",
    "iso9660",
];
/// Modules that are needed to reach the root file system.
const BOOT_MODULES: &[&str] = &["virtio_pci", "virtio_blk"];
/// Programs besides busybox: where they are in their packages, and where they go.
const PROGRAMS: &[(&str, &str)] = &[
    ("bin/bash", "usr/bin/bash"),
    ("usr/sbin/dropbear", "usr/sbin/dropbear"),
    ("usr/bin/dropbearkey", "usr/bin/dropbearkey"),
];
/// Applets of busybox that stay out: a program of that name is there, or the guest must not.
const NO_APPLETS: &[&str] = &["bash", "busybox", "linuxrc"];
/// Empty directories and their modes.
const DIRS: &[(&str, u32)] = &[
    ("dev", 0o755),
    ("proc", 0o755),
    ("sys", 0o755),
    ("run", 0o755),
    ("tmp", 0o1777),
    ("mnt", 0o755),
    ("root", 0o700),
    ("root/.ssh", 0o700),
    ("etc/dropbear", 0o700),
    ("etc/acpi/PWRF", 0o755),
    ("usr/bin", 0o755),
    ("usr/sbin", 0o755),
    ("usr/lib/ectype", 0o755),
    ("usr/lib64", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/local/sbin", 0o755),
    ("var/lib/ectype", 0o700),
    ("var/log", 0o755),
    ("var/tmp", 0o1777),
];
/// The loader of programs, below `lib` of an unpacked package.
const LOADER: &str = "x86_64-linux-gnu/ld-linux-x86-64.so.2";

/// What the disk is made of.
pub(super) struct Root {
    /// The directory that becomes the root file system.
    pub(super) path: PathBuf,
    /// The kernel.
    pub(super) kernel: PathBuf,
    /// Modules for the initramfs, in the order to load them.
    pub(super) boot_modules: Vec<PathBuf>,
}

/// Makes the tree from unpacked packages.
pub(super) fn build(tools: &Tools, work: &Path, from: &Unpacked) -> Result<Root, StockError> {
    let path = work.join("root");
    fresh(&path)?;
    for (dir, mode) in DIRS {
        let dir = path.join(dir);
        fs::create_dir_all(&dir).map_err(at("create", &dir))?;
        let mode = fs::Permissions::from_mode(*mode);
        fs::set_permissions(&dir, mode).map_err(at("change", &dir))?;
    }
    for (link, to) in
        [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")]
    {
        link_to(to, &path.join(link))?;
    }
    programs(tools, &path, from)?;
    applets(tools, &path, from)?;
    for (name, text) in script::FILES {
        let mode = if name.starts_with("usr/lib/ectype/") {
            0o755
        } else if *name == "etc/shadow" {
            0o600
        } else {
            0o644
        };
        write(&path.join(name), text.as_bytes(), mode)?;
    }
    link_to("/usr/lib/ectype/power-button", &path.join("etc/acpi/PWRF/00000080"))?;
    link_to("/proc/self/mounts", &path.join("etc/mtab"))?;
    let boot_modules = modules(tools, &path, from)?;
    let kernel = from.root.join(format!("boot/vmlinuz-{}", from.kernel));
    if !kernel.is_file() {
        return Err(StockError::Content { what: kernel.display().to_string() });
    }
    Ok(Root { path, kernel, boot_modules })
}

fn link_to(target: &str, link: &Path) -> Result<(), StockError> {
    symlink(target, link).map_err(at("link", link))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StockError> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(at("create", dir))?;
    }
    fs::write(path, bytes).map_err(at("write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at("change", path))
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<(), StockError> {
    let bytes = fs::read(from).map_err(at("read", from))?;
    write(to, &bytes, mode)
}

/// The file in the packages, which may or may not have moved below `usr`.
fn unpacked(from: &Unpacked, name: &str) -> Result<PathBuf, StockError> {
    [from.root.join(name), from.root.join("usr").join(name)]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| StockError::Content { what: name.to_owned() })
}

/// Programs, and the libraries that the packages' own loader finds for them.
fn programs(tools: &Tools, root: &Path, from: &Unpacked) -> Result<(), StockError> {
    let loader = unpacked(from, &format!("lib/{LOADER}"))?;
    let dirs = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map(|dir| from.root.join(dir));
    let dirs = dirs.map(|dir| dir.display().to_string()).join(":");
    let mut libraries = BTreeSet::new();
    for (name, to) in PROGRAMS {
        let program = unpacked(from, name)?;
        copy(&program, &root.join(to), 0o755)?;
        let listed = run(tools
            .command(&loader)
            .args(["--inhibit-cache", "--library-path", &dirs, "--list"])
            .arg(&program))?;
        libraries.extend(libraries_in(&listed));
    }
    for (name, library) in libraries {
        if !library.starts_with(&from.root) {
            return Err(StockError::Content { what: format!("library {name}") });
        }
        copy(&library, &root.join("usr/lib/x86_64-linux-gnu").join(name), 0o644)?;
    }
    copy(&loader, &root.join("usr/lib").join(LOADER), 0o755)?;
    link_to(&format!("../lib/{LOADER}"), &root.join("usr/lib64/ld-linux-x86-64.so.2"))
}

/// `name => path (address)` lines.
fn libraries_in(listed: &str) -> Vec<(String, PathBuf)> {
    let line = |line: &str| {
        let (name, rest) = line.split_once(" => ")?;
        let path = rest.split(" (").next()?.trim();
        let name = name.trim();
        (!name.contains('/')).then(|| (name.to_owned(), PathBuf::from(path)))
    };
    listed.lines().filter_map(line).collect()
}

/// Busybox, and a link for each of its applets where no program has that name.
fn applets(tools: &Tools, root: &Path, from: &Unpacked) -> Result<(), StockError> {
    let busybox = unpacked(from, "bin/busybox")?;
    copy(&busybox, &root.join("usr/bin/busybox"), 0o755)?;
    for applet in run(tools.command(&busybox).arg("--list-full"))?.lines() {
        let applet = Path::new(applet);
        let Some(name) = applet.file_name().and_then(|name| name.to_str()) else { continue };
        if NO_APPLETS.contains(&name) {
            continue;
        }
        let dir = if applet.starts_with("sbin") || applet.starts_with("usr/sbin") {
            "usr/sbin"
        } else {
            "usr/bin"
        };
        let link = root.join(dir).join(name);
        if !link.exists() {
            link_to("/usr/bin/busybox", &link)?;
        }
    }
    Ok(())
}

/// Copies the modules with an index of their own; those of the initramfs in loading order.
fn modules(tools: &Tools, root: &Path, from: &Unpacked) -> Result<Vec<PathBuf>, StockError> {
    let dir = format!("lib/modules/{}", from.kernel);
    let base = [&from.root, &from.root.join("usr")]
        .into_iter()
        .find(|base| base.join(&dir).is_dir())
        .ok_or_else(|| StockError::Content { what: dir.clone() })?
        .clone();
    run(tools.command("depmod").arg("-b").arg(&base).arg(&from.kernel))?;
    let source = base.join(&dir);
    let index = source.join("modules.dep");
    let index = Index::parse(&fs::read_to_string(&index).map_err(at("read", &index))?);

    let target = root.join("usr").join(&dir);
    for name in index.closure(MODULES) {
        copy(&source.join(&name), &target.join(&name), 0o644)?;
    }
    for name in ["modules.builtin", "modules.order", "modules.builtin.modinfo"] {
        if source.join(name).is_file() {
            copy(&source.join(name), &target.join(name), 0o644)?;
        }
    }
    run(tools.command("depmod").arg("-b").arg(root).arg(&from.kernel))?;
    let boot = index.closure(BOOT_MODULES);
    if !boot.iter().any(|name| name.contains("virtio_blk")) {
        return Err(StockError::Content { what: "module virtio_blk".to_owned() });
    }
    Ok(boot.into_iter().map(|name| source.join(name)).collect())
}

/// Which module needs which, from `modules.dep`.
struct Index {
    needs: BTreeMap<String, Vec<String>>,
    paths: BTreeMap<String, String>,
}

impl Index {
    fn parse(text: &str) -> Self {
        let mut index = Self { needs: BTreeMap::new(), paths: BTreeMap::new() };
        for line in text.lines() {
            let Some((path, needs)) = line.split_once(':') else { continue };
            let file = path.rsplit('/').next().unwrap_or(path);
            let name = file.split('.').next().unwrap_or(file).replace('-', "_");
            index.paths.insert(name, path.to_owned());
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            index.needs.insert(path.to_owned(), needs);
        }
        index
    }

    /// Paths of the named modules and of all they need, each after what it needs. Names that are
    /// not there are built into the kernel.
    fn closure(&self, names: &[&str]) -> Vec<String> {
        let mut order = Vec::new();
        for path in names.iter().filter_map(|name| self.paths.get(*name)) {
            // The index lists all needs of a module, the deepest last.
            let needs = self.needs.get(path).into_iter().flatten().rev();
            for path in needs.chain([path]) {
                if !order.contains(path) {
                    order.push(path.clone());
                }
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_after_what_they_need() {
        let index = Index::parse(
            "kernel/a/virtio-pci.ko: kernel/v/modern.ko kernel/v/ring.ko\n\
             kernel/v/modern.ko: kernel/v/ring.ko\nkernel/v/ring.ko:\nkernel/b/blk.ko.xz: kernel/v/ring.ko\n",
        );
        assert_eq!(
            index.closure(&["virtio_pci", "blk", "built_in"]),
            [
                "kernel/v/ring.ko",
                "kernel/v/modern.ko",
                "kernel/a/virtio-pci.ko",
                "kernel/b/blk.ko.xz"
            ]
        );
    }

    #[test]
    fn libraries_are_read_from_the_loaders_list() {
        let text = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /w/lib/libc.so.6 (0x2)\n\
                    \t/lib64/ld.so => /w/ld.so (0x3)\n";
        assert_eq!(libraries_in(text), [("libc.so.6".to_owned(), "/w/lib/libc.so.6".into())]);
    }
}
