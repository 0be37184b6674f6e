//! Folders and files that nobody but the gateway may read: their modes, their owners, and on which volumes they are.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use causeway_store::RootSource;

use super::{Findings, Ground};

pub(super) fn look(ground: &Ground<'_>, findings: &mut Findings) {
    let config = ground.config;
    let folders = [
        ("keys", Some(&config.keys_dir)),
        ("journal", Some(&config.data_dir)),
        ("mirror", config.keys.mirror_dir.as_ref()),
    ];
    let mut owner = None;
    for (name, folder) in folders.iter().filter_map(|(name, folder)| Some((*name, folder.as_ref()?))) {
        let Ok(about) = std::fs::metadata(folder) else {
            let todo = "the first start makes it; if there was one, mount its volume or restore it (docs/keys.md)";
            findings.warning("keys", format!("the {name} folder {} is not there", folder.display()), todo);
            continue;
        };
        private(name, folder, &about, findings);
        let first = *owner.get_or_insert_with(|| about.uid());
        if first != about.uid() {
            let seen = format!("{} belongs to user {}, the keys to user {first}", folder.display(), about.uid());
            findings.failure(
                "keys",
                seen,
                "give all of them to the user that the gateway runs as: chown -R causeway: FOLDER",
            );
        }
    }
    key_file(&config.tls.key, owner, findings);
    if config.keys.root == RootSource::File {
        let todo = "keep it elsewhere: a credential of the service, or a descriptor (docs/keys.md)";
        findings.warning("keys", "the root key is a file beside the keys that it wraps", todo);
    }
    volumes(ground, findings);
}

/// A folder of mode 0700 whose files are 0600 and its owner's.
fn private(name: &str, folder: &Path, about: &Metadata, findings: &mut Findings) {
    let open = |about: &Metadata| about.mode() & 0o077 != 0;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let exposed = entries.filter_map(|entry| entry.metadata().ok().map(|about| (entry.path(), about)));
    let mut exposed: Vec<_> = exposed.filter(|(_, found)| open(found) || found.uid() != about.uid()).collect();
    exposed.sort_by(|a, b| a.0.cmp(&b.0));
    if open(about) {
        let seen = format!("the {name} folder {} has mode {:04o}", folder.display(), about.mode() & 0o7777);
        findings.failure("keys", seen, "chmod 0700 it, and find out who could read it meanwhile");
    } else if let Some((path, found)) = exposed.first() {
        let (mode, user) = (found.mode() & 0o7777, found.uid());
        let more = exposed.len() - 1;
        let seen = format!("{} has mode {mode:04o} and belongs to user {user}; {more} more like it", path.display());
        findings.failure("keys", seen, "chmod 0600 the files, 0700 the folders, and give them to the folder's owner");
    } else {
        let seen = format!(
            "{name}: {} has mode 0700, what is in it is its owner's alone (user {})",
            folder.display(),
            about.uid()
        );
        findings.ok("keys", seen);
    }
}

/// The private key of a certificate.
pub(super) fn key_file(path: &Path, owner: Option<u32>, findings: &mut Findings) {
    let Ok(about) = std::fs::metadata(path) else {
        findings.failure("keys", format!("{} cannot be looked at", path.display()), "run as a user who may read it");
        return;
    };
    let mode = about.mode() & 0o7777;
    let stranger = owner.is_some_and(|owner| owner != about.uid() && about.uid() != 0);
    if mode & 0o007 != 0 {
        let seen = format!("the private key {} has mode {mode:04o}: anybody here can read it", path.display());
        findings.failure(
            "keys",
            seen,
            "chmod 0600 it, have a new certificate with a new key issued, and revoke this one",
        );
    } else if mode & 0o020 != 0 || stranger {
        let seen =
            format!("the private key {} (mode {mode:04o}) can be changed by others than its owner", path.display());
        findings.failure(
            "keys",
            seen,
            "chmod 0640 it at most, and give it to root or to the user that the gateway runs as",
        );
    } else {
        findings.ok("keys", format!("private key {}: mode {mode:04o}, user {}", path.display(), about.uid()));
    }
}

fn volumes(ground: &Ground<'_>, findings: &mut Findings) {
    let config = ground.config;
    let volume = |path: &Path| std::fs::metadata(path).map(|about| about.dev()).ok();
    let keys = volume(&config.keys_dir);
    if keys.is_some() && keys == volume(&config.data_dir) {
        let todo = "move keys_dir to another volume: whoever takes this one has both (docs/keys.md)";
        findings.warning("keys", "keys and journal are on one volume", todo);
    }
    match &config.keys.mirror_dir {
        None => findings.warning(
            "keys",
            "what has no history has no mirror: with the keys folder, every record is lost",
            "set mirror_dir in [keys] to a folder on another volume (docs/keys.md)",
        ),
        Some(mirror) if keys.is_some() && keys == volume(mirror) => findings.warning(
            "keys",
            "keys and their mirror are on one volume: with it, both are lost",
            "move mirror_dir to another volume",
        ),
        Some(_) => {}
    }
}
