//! A PostgreSQL server in a folder of its own, durable and reached by a socket that nobody else reaches.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causeway_rig::Failed;
use tempfile::TempDir;

use super::Absent;
use super::daemon::Daemon;
use crate::say;

/// Who owns the database.
pub(super) const OWNER: &str = "bench";

/// Versions before this one have no `xid8` to page by (13), or are not what is compared with (15).
const OLDEST: u32 = 15;

/// Users that run the server where this process is root's, which PostgreSQL refuses to be: its own, and one that owns nothing.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Where Debian puts the programs, each version in a folder of its own.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Beside what is the default: the guarantees, said aloud; a cache and room for the log as for a server of this size, so that no
/// checkpoint falls into a round; and no code generation, which short statements only pay for.
const SETTINGS: [&str; 10] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=512MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "max_connections=200",
    "jit=off",
    "listen_addresses=",
    "log_min_messages=warning",
];

/// A server that runs. It ends before its folders go.
#[derive(Debug)]
pub(super) struct Cluster {
    server: Daemon,
    sockets: TempDir,
    _data: TempDir,
}

impl Cluster {
    /// Makes a cluster in a folder of this one, and starts it. The programs are those in `programs`, where it is stated, or those that
    /// this machine has.
    ///
    /// # Errors
    /// [`Absent`] where this machine has no such server, or nobody to run it.
    pub(super) fn start(dir: &Path, programs: Option<&Path>) -> Result<Self, Failed> {
        let programs = Programs::find(programs)?;
        let user = User::find()?;
        let data = user.folder(dir)?;
        // A socket's path has at most 107 bytes, which a folder for measurements may exceed.
        let sockets = user.folder(&std::env::temp_dir())?;
        programs.initialise(&user, data.path())?;
        let mut command = user.command(&programs.folder.join("postgres"));
        command.arg("-D").arg(data.path().join("cluster"));
        let mut directories = OsString::from("unix_socket_directories=");
        directories.push(sockets.path());
        for setting in SETTINGS.iter().map(OsString::from).chain([directories]) {
            command.arg("-c").arg(setting);
        }
        let is_ready = |line: &str| line.contains("database system is ready to accept connections").then_some(());
        // INT is PostgreSQL's fast stop: connections are cut, and what is committed is flushed.
        let (server, ()) = Daemon::start(command.current_dir(data.path()), "INT", is_ready)?;
        say(format_args!("{} by {}", programs.version, user.name()));
        Ok(Self { server, sockets, _data: data })
    }

    /// The server's process; those that serve connections are its children.
    pub(super) fn id(&self) -> u32 {
        self.server.id()
    }

    /// The folder of its socket.
    pub(super) fn socket(&self) -> &Path {
        self.sockets.path()
    }

    /// Where it is reached, as SQLAlchemy has it for psycopg2.
    pub(super) fn address_for_python(&self, database: &str) -> String {
        format!("postgresql+psycopg2://{OWNER}@/{database}?host={}", self.socket().display())
    }
}

/// The server's programs.
#[derive(Debug)]
struct Programs {
    folder: PathBuf,
    version: String,
}

impl Programs {
    fn find(stated: Option<&Path>) -> Result<Self, Failed> {
        let candidates = match stated {
            Some(folder) => vec![folder.to_owned()],
            None => candidates(),
        };
        let found = candidates.into_iter().filter_map(Self::in_folder).max_by_key(|(major, _)| *major);
        match found {
            Some((major, programs)) if major >= OLDEST => Ok(programs),
            Some((_, programs)) => Err(Absent::because(format_args!("{} is older than {OLDEST}", programs.version))),
            None => Err(Absent::because(
                "there is no PostgreSQL server here (Debian's package is postgresql-15; --programs names a folder of others)",
            )),
        }
    }

    fn in_folder(folder: PathBuf) -> Option<(u32, Self)> {
        let said = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let version = String::from_utf8(said.stdout).ok()?.trim().to_owned();
        let number = version.split(' ').find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
        let major = number.split('.').next()?.parse().ok()?;
        folder.join("initdb").exists().then_some((major, Self { folder, version }))
    }

    fn initialise(&self, user: &User, folder: &Path) -> Result<(), Failed> {
        let mut command = user.command(&self.folder.join("initdb"));
        command.arg("-D").arg(folder.join("cluster")).args([
            "-U",
            OWNER,
            "--auth=trust",
            "--no-locale",
            "--encoding=UTF8",
        ]);
        let done = command.current_dir(folder).stdin(Stdio::null()).output()?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("initdb failed: {}", String::from_utf8_lossy(&done.stderr).trim()).into())
    }
}

/// Folders that may hold the programs.
fn candidates() -> Vec<PathBuf> {
    let of_debian = fs::read_dir(DEBIAN).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    of_debian.chain(std::env::split_paths(&path)).filter(|folder| folder.join("postgres").exists()).collect()
}

/// Who runs the server: this process's own user, or somebody else where that is root.
#[derive(Debug)]
struct User(Option<(&'static str, u32, u32)>);

impl User {
    fn find() -> Result<Self, Failed> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(Self(None));
        }
        let has_setpriv = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status().is_ok();
        let passwords = fs::read_to_string("/etc/passwd")?;
        let of = |name: &'static str| {
            let line = passwords.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut ids = line.split(':').skip(2).map(str::parse);
            Some((name, ids.next()?.ok()?, ids.next()?.ok()?))
        };
        match USERS.into_iter().find_map(of) {
            Some(user) if has_setpriv => Ok(Self(Some(user))),
            _ => Err(Absent::because(
                "PostgreSQL does not run as root, and there is no setpriv, or no other user, to run it by",
            )),
        }
    }

    fn name(&self) -> &'static str {
        self.0.map_or("the user of this process", |(name, _, _)| name)
    }

    /// A folder of this user's that nobody else reads.
    fn folder(&self, parent: &Path) -> Result<TempDir, Failed> {
        let folder = tempfile::Builder::new().prefix("causeway-pg-").tempdir_in(parent)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
        if let Some((_, user, group)) = self.0 {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let path = folder.path();
        if self.command(Path::new("test")).arg("-w").arg(path).status()?.success() {
            return Ok(folder);
        }
        Err(format!("{} cannot come to {}: a folder above it is closed to others", self.name(), path.display()).into())
    }

    /// A program as this user.
    fn command(&self, program: &Path) -> Command {
        let Some((_, user, group)) = self.0 else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .arg("--clear-groups")
            .arg("--")
            .arg(program);
        command
    }
}
