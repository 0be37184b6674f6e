//! The Python environment of OpenTAXII, made once and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causeway_rig::Failed;

use crate::peer::Absent;
use crate::say;

/// Every package with its version and the digests of its files: what is installed is what was measured before.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Holds the requirements that an environment was made of, once it is whole.
const MADE_OF: &str = "made-of.txt";

/// A Python that has OpenTAXII.
#[derive(Debug)]
pub(super) struct Environment {
    python: PathBuf,
}

impl Environment {
    /// The environment in a folder, made where it is not there or of something else; without a folder, below the user's cache.
    ///
    /// # Errors
    /// [`Absent`] where there is no Python, or the packages are not to be had for it.
    pub(super) fn in_folder(folder: Option<&Path>) -> Result<Self, Failed> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => cache()?.join("causeway-bench/opentaxii"),
        };
        let environment = Self { python: folder.join("bin/python") };
        if fs::read_to_string(folder.join(MADE_OF)).is_ok_and(|made_of| made_of == REQUIREMENTS) {
            return Ok(environment);
        }
        say(format_args!("making a Python environment in {}", folder.display()));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS)?;
        let mut pip = environment.python();
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]);
        // Wheels only: nothing that a package would run while it is built.
        pip.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]).arg(&requirements);
        run(&mut pip)?;
        fs::write(folder.join(MADE_OF), REQUIREMENTS)?;
        Ok(environment)
    }

    /// A run of its Python.
    pub(super) fn python(&self) -> Command {
        Command::new(&self.python)
    }
}

/// Where this user's programs keep what they can make again.
fn cache() -> Result<PathBuf, Failed> {
    let stated = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    stated
        .or_else(home)
        .ok_or_else(|| Absent::because("there is no home folder to keep a Python environment in (see --venv)"))
}

/// Runs to the end; what does not succeed is not to be had.
fn run(command: &mut Command) -> Result<(), Failed> {
    let program = command.get_program().display().to_string();
    let done =
        command.stdin(Stdio::null()).output().map_err(|error| Absent::because(format_args!("{program}: {error}")))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    Err(Absent::because(format_args!("{program} failed: {last}")))
}
