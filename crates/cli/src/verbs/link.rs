//! `link`: another name for this program, where none is taken away by it.

use std::path::PathBuf;

use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::Input,
};

/// Names that we know ourselves by.
const NAMES: [&str; 2] = ["ibmcloud", "ectype"];

/// Makes the link.
pub(crate) fn link(cli: &mut Cli, input: &Input) -> Outcome {
    let name = input.text("NAME").unwrap_or_default();
    if !NAMES.contains(&name) {
        return Err(Failure::usage(format!("a link is called ibmcloud, not '{name}'")));
    }
    let folder = match input.text("dir") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let home = cli.variable("HOME");
            let home =
                home.ok_or_else(|| Failure::usage("there is no home directory: give --dir"))?;
            PathBuf::from(home).join(".local/bin")
        }
    };
    let cannot = |error: std::io::Error| {
        Failure::plain(format!("cannot make a link in {}: {error}", folder.display()))
    };
    let program = std::env::current_exe().and_then(std::fs::canonicalize).map_err(cannot)?;
    let at = folder.join(name);
    if let Ok(there) = std::fs::symlink_metadata(&at) {
        let ours = std::fs::canonicalize(&at).is_ok_and(|to| to == program);
        if !ours || !there.is_symlink() {
            return Err(Failure::hinted(
                format!("{} is there already and is not ours.", at.display()),
                "choose another folder with --dir",
            ));
        }
        return cli.out.say(&format!("{} is this program.", at.display()));
    }
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    std::os::unix::fs::symlink(&program, &at).map_err(cannot)?;
    cli.out.say(&format!("{} is this program.", at.display()))?;
    other_first(cli, name, &at);
    Ok(())
}

/// Says so when a shell would find something else by that name.
fn other_first(cli: &Cli, name: &str, at: &std::path::Path) {
    let path = cli.variable("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.exists());
    match found {
        Some(first) if first == at => {}
        Some(first) => {
            cli.out.warn(&format!("note: a shell finds {} first.", first.display()));
        }
        None => {
            let folder = at.parent().unwrap_or(at).display();
            cli.out.warn(&format!("note: {folder} is not in your PATH."));
        }
    }
}
