//! What a data directory holds before anything is opened: nothing yet, or a region.
//!
//! Its invariant: a part of a region that is missing is an error, never made anew. A new master
//! key, store or account beside old data would look like a region and open nothing of it.

use std::path::Path;

use anyhow::Context;
use base::RegionName;

use crate::data_dir::DataDir;

/// What is in a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or what a first start left that did not come to its end.
    New,
    /// A region.
    Region,
}

/// Parts that a region with a database has, and what is lost without them.
const PARTS: [(&str, &str); 2] = [
    ("keys/master.key", "without it no volume and no image can be read"),
    ("store/store", "without it no image can be read"),
];

/// What only a region with a database leaves.
const TRACES: [&str; 4] = ["credentials.json", "volumes", "store/packs", "store/manifest"];

/// Looks at the directory; changes nothing.
///
/// # Errors
/// When it holds only some parts of a region.
pub fn of(data: &DataDir) -> anyhow::Result<Standing> {
    let database = data.path("database.sqlite");
    let length = match std::fs::metadata(&database) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error).context(format!("look at {}", database.display())),
    };
    if length > 0 {
        for (part, loss) in PARTS {
            anyhow::ensure!(
                data.path(part).exists(),
                "{} holds a region, but {part} is missing: put it back from a backup; {loss}. \
                 Nothing was changed",
                data.root().display()
            );
        }
        return Ok(Standing::Region);
    }
    for trace in TRACES {
        anyhow::ensure!(
            !holds(&data.path(trace)),
            "{} holds {trace} of a region, but its database.sqlite is missing or empty: put it \
             back from a backup, or give another --data. Nothing was changed",
            data.root().display()
        );
    }
    Ok(Standing::New)
}

/// Whether a file is there, or a folder that is not empty.
fn holds(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path.exists(),
    }
}

/// The credentials file can be read where there is one, and the region is the one it was made as.
///
/// # Errors
/// When it is not so.
pub fn check_credentials(
    data: &DataDir,
    standing: Standing,
    region: &RegionName,
) -> anyhow::Result<()> {
    if standing == Standing::New {
        return Ok(());
    }
    if !data.path("credentials.json").exists() {
        tracing::warn!(
            "credentials.json is missing, so `ectype env` does not work: put it back, or make \
             another account with `ectype account create NAME`"
        );
        return Ok(());
    }
    let made = data.credentials().context("put it back from a backup, or move it away")?.region;
    anyhow::ensure!(
        made == region.as_str(),
        "{} is the region {made}, not {region}: give --region {made}, or another --data",
        data.root().display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, DataDir) {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::make(temp.path()).unwrap();
        (temp, data)
    }

    fn put(data: &DataDir, name: &str, text: &str) {
        let path = data.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn what_an_unfinished_first_start_leaves_is_new() {
        let (_temp, data) = dir();
        assert_eq!(of(&data).unwrap(), Standing::New);
        put(&data, "keys/master.key", "key");
        put(&data, "store/store", "layout");
        std::fs::create_dir(data.path("volumes")).unwrap();
        put(&data, "database.sqlite", "");
        assert_eq!(of(&data).unwrap(), Standing::New);
        put(&data, "database.sqlite", "rows");
        assert_eq!(of(&data).unwrap(), Standing::Region);
    }

    #[test]
    fn each_missing_part_of_a_region_is_named() {
        for (missing, _) in PARTS {
            let (_temp, data) = dir();
            for part in ["database.sqlite", "keys/master.key", "store/store"] {
                if part != missing {
                    put(&data, part, "x");
                }
            }
            let error = of(&data).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
    }

    #[test]
    fn traces_of_a_region_without_its_database_are_refused() {
        for trace in ["credentials.json", "volumes/v/layer", "store/packs/p", "store/manifest/m"] {
            let (_temp, data) = dir();
            put(&data, trace, "x");
            let error = of(&data).unwrap_err().to_string();
            assert!(error.contains("database.sqlite is missing or empty"), "{trace}: {error}");
        }
    }

    #[test]
    fn a_region_keeps_its_name_and_its_credentials_are_whole_or_absent() {
        let (_temp, data) = dir();
        let name = |text| RegionName::parse(text).unwrap();
        let check = |region| check_credentials(&data, Standing::Region, &name(region));
        assert!(check("us-south").is_ok());
        let made = r#"{"account_id":"a","iam_id":"i","api_key":"k","region":"eu-de"}"#;
        put(&data, "credentials.json", made);
        assert!(check("eu-de").is_ok());
        assert!(check("us-south").unwrap_err().to_string().contains("--region eu-de"));
        put(&data, "credentials.json", "{");
        assert!(format!("{:#}", check("eu-de").unwrap_err()).contains("credentials.json"));
    }
}
