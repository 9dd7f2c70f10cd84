//! Debian packages: found, downloaded and unpacked with an apt state of their own, so that the
//! host's is neither read nor changed. Sources, keys and proxies are the host's.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::{StockError, at},
    tools::{Tools, run},
};

/// The packages that the guest is made of. The kernel's real name hangs on its version; libraries
/// are found from what depends on them.
pub(super) const ROOTS: &[&str] = &[KERNEL, "busybox-static", "dropbear-bin", "bash", "libtinfo6"];
/// Depends on the newest kernel for virtual machines.
const KERNEL: &str = "linux-image-cloud-amd64";
/// Packages that need all that they depend on to be unpacked too. (bash depends on much that it
/// only needs when it is installed.)
const WITH_LIBRARIES: &[&str] = &["dropbear-bin", "libtinfo6"];
/// Most packages that are downloaded.
const PACKAGES_MAX: usize = 60;

/// Packages unpacked over each other.
pub(super) struct Unpacked {
    /// Where.
    pub(super) root: PathBuf,
    /// The kernel's version, such as `6.1.0-56-cloud-amd64`.
    pub(super) kernel: String,
    /// `name_version_architecture` of each package, sorted.
    pub(super) packages: Vec<String>,
}

/// Downloads what is missing and unpacks all.
pub(super) fn fetch(tools: &Tools, work: &Path) -> Result<Unpacked, StockError> {
    let apt = Apt::new(tools, work)?;
    // One source of many may be away. What matters is whether the packages can be had.
    let updated = run(apt.get().arg("update"));
    let wanted = apt.wanted().map_err(|error| updated.as_ref().err().map_or(error, copy))?;
    let debs = apt.download(&wanted)?;

    let root = work.join("unpacked");
    fresh(&root)?;
    for deb in &debs {
        run(tools.command("dpkg-deb").arg("-x").arg(deb).arg(&root))?;
    }
    let mut packages: Vec<String> = debs
        .iter()
        .filter_map(|deb| deb.file_stem()?.to_str())
        // apt writes an epoch's colon as %3a.
        .map(|name| name.replace("%3a", ":"))
        .collect();
    packages.sort_unstable();
    let kernel = kernel_version(&wanted)?;
    Ok(Unpacked { root, kernel, packages })
}

/// Makes an empty directory.
pub(super) fn fresh(dir: &Path) -> Result<(), StockError> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(at("remove", dir))?;
    }
    fs::create_dir_all(dir).map_err(at("create", dir))
}

/// The same failure again: the first one explains the second.
fn copy(error: &StockError) -> StockError {
    StockError::Tool { tool: "apt-get update".to_owned(), said: error.to_string() }
}

fn kernel_version(wanted: &[String]) -> Result<String, StockError> {
    wanted
        .iter()
        .find_map(|name| name.strip_prefix("linux-image-"))
        .map(str::to_owned)
        .ok_or_else(|| StockError::Content { what: "kernel for virtual machines".to_owned() })
}

struct Apt<'a> {
    tools: &'a Tools,
    config: PathBuf,
    state: PathBuf,
    debs: PathBuf,
}

impl<'a> Apt<'a> {
    fn new(tools: &'a Tools, work: &Path) -> Result<Self, StockError> {
        let (apt, debs) = (work.join("apt"), work.join("debs"));
        for dir in ["state/lists/partial", "cache/archives/partial"] {
            let dir = apt.join(dir);
            fs::create_dir_all(&dir).map_err(at("create", &dir))?;
        }
        fs::create_dir_all(&debs).map_err(at("create", &debs))?;
        let config = apt.join("apt.conf");
        let host = run(tools.command("apt-config").arg("dump"))?;
        let text = configuration(&host, &apt);
        fs::write(&config, text).map_err(at("write", &config))?;
        Ok(Self { tools, config, state: apt, debs })
    }

    fn command(&self, program: &str) -> std::process::Command {
        let mut command = self.tools.command(program);
        command.env("APT_CONFIG", &self.config).current_dir(&self.debs);
        command
    }

    fn get(&self) -> std::process::Command {
        self.command("apt-get")
    }

    /// The real names of all packages.
    fn wanted(&self) -> Result<Vec<String>, StockError> {
        let kernel = run(self.command("apt-cache").args(["depends", KERNEL]))?;
        let kernel = kernel
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with("linux-image-"))
            .ok_or_else(|| StockError::Content {
                what: "kernel for virtual machines".to_owned(),
            })?;
        let mut depends = self.command("apt-cache");
        depends.args(["depends", "--recurse", "--no-recommends", "--no-suggests"]);
        depends.args(["--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances"]);
        let depends = run(depends.args(WITH_LIBRARIES))?;
        let mut wanted = package_names(&depends);
        wanted.push(kernel.to_owned());
        wanted.extend(ROOTS.iter().filter(|name| **name != KERNEL).map(|name| (*name).to_owned()));
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.len() > PACKAGES_MAX {
            return Err(StockError::Content { what: "small set of dependencies".to_owned() });
        }
        Ok(wanted)
    }

    /// Downloads what is not there yet in the newest version; the files of `wanted`.
    fn download(&self, wanted: &[String]) -> Result<Vec<PathBuf>, StockError> {
        // `'uri' file size hash`, from where no file is: of those that are, apt says nothing.
        let mut uris = self.get();
        let uris = uris.args(["download", "--print-uris"]).args(wanted).current_dir(&self.state);
        let uris = run(uris)?;
        let named = uris.lines().filter_map(|line| line.split_whitespace().nth(1));
        run(self.get().arg("download").args(wanted))?;
        // Versions of former builds stay out of this one.
        let mut debs: Vec<PathBuf> =
            named.map(|name| self.debs.join(name)).filter(|deb| deb.is_file()).collect();
        debs.sort_unstable();
        if debs.len() < wanted.len() {
            return Err(StockError::Content { what: format!("all of {}", wanted.join(", ")) });
        }
        Ok(debs)
    }
}

/// Names of packages in the output of `apt-cache depends --recurse`: the lines that are not
/// indented. Virtual packages stand in angle brackets.
fn package_names(depends: &str) -> Vec<String> {
    depends
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with([' ', '|', '<']))
        .filter(|line| !line.contains(':'))
        .map(str::to_owned)
        .collect()
}

/// The host's configuration with directories of its own and without the host's hooks, which may
/// delete downloads.
fn configuration(host: &str, apt: &Path) -> String {
    let mut text: String = host
        .lines()
        .filter(|line| {
            let name = line.split_whitespace().next().unwrap_or_default();
            !name.contains("-Invoke") && !name.starts_with("Dir::State") && {
                !name.starts_with("Dir::Cache") && !name.starts_with("Binary")
            }
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let apt = apt.display();
    text.push_str(&format!(
        "Dir::State \"{apt}/state\";\nDir::State::lists \"lists\";\nDir::State::status \
         \"/dev/null\";\nDir::Cache \"{apt}/cache\";\nDir::Cache::archives \"archives\";\n\
         Dir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\n\
         Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n\
         APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\nAcquire::Retries \"2\";\n\
         APT::Architecture \"amd64\";\nAPT::Get::AllowUnauthenticated \"false\";\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_of_the_host_stay_out_and_its_proxy_comes_along() {
        let host = "APT::Update::Post-Invoke:: \"rm -f x\";\nAcquire::http::Proxy \"http://p\";\n\
                    Dir::Cache \"var/cache/apt\";\nDPkg::Post-Invoke:: \"y\";\n";
        let text = configuration(host, Path::new("/work/apt"));
        assert!(!text.contains("Invoke") && !text.contains("var/cache/apt"), "{text}");
        assert!(text.contains("Acquire::http::Proxy \"http://p\";\n"), "{text}");
        assert!(text.contains("Dir::State \"/work/apt/state\";\n"), "{text}");
    }

    #[test]
    fn package_names_are_the_lines_at_the_margin() {
        let text = "bash\n  PreDepends: libc6\n |Depends: a\n    b\nlibc6\n<awk>\nlibc6:i386\n";
        assert_eq!(package_names(text), ["bash", "libc6"]);
    }
}
