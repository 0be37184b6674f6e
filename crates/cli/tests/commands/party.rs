//! A gateway in a folder of its own, and the commands of those who call it.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

/// How the gateway says where it listens.
const SERVING: &str = "serving on ";

/// A running gateway. Dropped, it is killed.
pub(crate) struct Gateway {
    folder: Arc<TempDir>,
    child: Child,
    address: String,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) line: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// That it succeeded.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}\n{}", self.line, self.out, self.err);
        self
    }
}

/// A command that goes on printing. Dropped, it is killed.
pub(crate) struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    /// What it prints next, when it does.
    pub(crate) fn next_line(&mut self) -> String {
        self.lines.next().expect("the watch goes on").expect("text")
    }
}

impl Watch {
    /// Stops it as a service manager does: it ends in order, once what it printed is in its cursor.
    pub(crate) fn terminate(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("runs").success());
        assert!(self.child.wait().expect("its own child").success(), "the watch ends in order");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.current_dir(folder);
    command
}

/// The shipped configuration on any free port, with identities of its own.
pub(crate) fn folder() -> Arc<TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config"), &folder.path().join("config"));
    edit(&folder, "listen = \"127.0.0.1:8443\"", "listen = \"127.0.0.1:0\"");
    assert!(binary(folder.path()).args(["certs", "dev"]).output().expect("runs").status.success());
    Arc::new(folder)
}

/// Changes the settings, which hold what is changed.
pub(crate) fn edit(folder: &TempDir, from: &str, to: &str) {
    let settings = folder.path().join("config/gateway.toml");
    let text = std::fs::read_to_string(&settings).expect("the shipped settings");
    assert!(text.contains(from), "{from} is not in the settings");
    std::fs::write(&settings, text.replace(from, to)).expect("writable");
}

impl Gateway {
    /// A gateway in a folder of its own.
    pub(crate) fn start() -> Self {
        Self::serve(&folder(), None).unwrap_or_else(|ran| panic!("the gateway does not start:\n{}", ran.err))
    }

    /// A gateway in this folder, with systemd's credentials where there are any; or how it ended instead.
    pub(crate) fn serve(folder: &Arc<TempDir>, credentials: Option<&Path>) -> Result<Self, Ran> {
        let line = "serve --config config/gateway.toml";
        let mut command = binary(folder.path());
        match credentials {
            Some(credentials) => command.env("CREDENTIALS_DIRECTORY", credentials),
            None => command.env_remove("CREDENTIALS_DIRECTORY"),
        };
        let mut child = command.args(line.split(' ')).stderr(Stdio::piped()).spawn().expect("runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut err = String::new();
        let address = loop {
            let Some(Ok(said)) = lines.next() else {
                let code = child.wait().expect("its own child").code().expect("it ends by itself");
                return Err(Ran { line: line.to_owned(), code, out: String::new(), err });
            };
            if let Some(rest) = said.strip_prefix(SERVING) {
                break rest.split(';').next().expect("a split has a first part").to_owned();
            }
            err.push_str(&format!("{said}\n"));
        };
        // What it logs from now on must be read by somebody, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { folder: Arc::clone(folder), child, address })
    }

    /// The process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as an operator does, and waits until it has: with success.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("runs").success());
        assert!(self.child.wait().expect("its own child").success(), "the gateway ends in order");
    }

    /// Runs a command line, words apart by single spaces.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_with(line, "")
    }

    /// Runs a command line with this on its standard input.
    pub(crate) fn run_with(&self, line: &str, input: &str) -> Ran {
        let mut child = self.command(line).stderr(Stdio::piped()).spawn().expect("runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("taken");
        let output = child.wait_with_output().expect("its own child");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let code = output.status.code().expect("it ends by itself");
        Ran { line: line.to_owned(), code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command line whose standard output is a full disk, and gives its exit code; none where there is no such thing.
    pub(crate) fn run_onto_full(&self, line: &str) -> Option<i32> {
        let full = std::fs::File::options().write(true).open("/dev/full").ok()?;
        self.command(line).stdin(Stdio::null()).stdout(full).status().expect("runs").code()
    }

    /// Starts a command that goes on printing.
    pub(crate) fn watch(&self, line: &str) -> Watch {
        let mut child = self.command(line).spawn().expect("runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Watch { child, lines }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = binary(self.folder.path());
        command.args(line.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped());
        if line.contains(" --as ") {
            command.args(["--gateway", &self.address]);
        }
        command
    }

    /// A file of the folder.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Its text.
    pub(crate) fn read(&self, file: &str) -> String {
        let mut text = String::new();
        let read = std::fs::File::open(self.path(file)).and_then(|mut file| file.read_to_string(&mut text));
        read.unwrap_or_else(|error| panic!("{file}: {error}"));
        text
    }

    /// Writes it.
    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).expect("writable");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("writable");
    for entry in std::fs::read_dir(from).expect("the configuration is there") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), &target).expect("copied")),
        }
    }
}
