//! The program about itself: `version`, `completions`, `man`, and `open` until there is a page
//! (U-72, U-75).

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::{advice::Failure, args::CommandLine, context::Context};

pub(crate) fn version(context: &Context, verbose: bool) -> Result<(), Failure> {
    let object = json!({
        "v": 1, "version": env!("CARGO_PKG_VERSION"), "commit": option_env!("HEARTHLIGHT_COMMIT"),
        "api": API, "invite": INVITE, "rust": env!("CARGO_PKG_RUST_VERSION"),
    });
    context.output.object(&object, |fields| {
        let mut lines = vec![format!("hearthlight {}", fields.text("version"))];
        if verbose {
            let told = ["commit", "api", "invite", "rust"].into_iter();
            lines.extend(told.filter_map(|key| Some(format!("{key}  {}", fields.maybe(key)?))));
        }
        lines.join("\n")
    })
}

pub(crate) fn completions(context: &Context, shell: Shell) -> Result<(), Failure> {
    if context.output.is_json() {
        return Err(no_json("completions"));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "hearthlight", &mut script);
    context.output.bytes(&script)
}

pub(crate) fn man(context: &Context, dir: &Path) -> Result<(), Failure> {
    if context.output.is_json() {
        return Err(no_json("man"));
    }
    let unwritable = |_| Failure::usage("The folder cannot be written.");
    std::fs::create_dir_all(dir).map_err(unwritable)?;
    clap_mangen::generate_to(CommandLine::command(), dir).map_err(unwritable)?;
    let mut files: Vec<_> = std::fs::read_dir(dir).map_err(unwritable)?.flatten().collect();
    files.retain(|file| file.path().extension().is_some_and(|end| end == "1"));
    files.sort_by_key(std::fs::DirEntry::path);
    files.iter().try_for_each(|file| context.output.line(&file.path().display().to_string()))
}

fn no_json(verb: &str) -> Failure {
    Failure::usage(format!("`{verb}` has no JSON output."))
}

/// The version in the paths of the local API.
const API: &str = "1";
/// The version of invite codes.
const INVITE: &str = "HL1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_pages_and_completions_are_made() {
        let folder = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(CommandLine::command(), folder.path()).unwrap();
        assert!(folder.path().join("hearthlight.1").exists());
        assert!(folder.path().join("hearthlight-say.1").exists());
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "hearthlight", &mut script);
            assert!(!script.is_empty(), "{shell}");
        }
    }
}
