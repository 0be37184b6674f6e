//! `causeway keys`: rotates the gateway's keys live; backs up and restores what its root key protects; makes key pairs.

use std::path::PathBuf;

use causeway_journal::{KEY_CHECKPOINT_SIGNING, KEY_FEED_PREFIX, KEY_PAGES, KEY_ROOT};
use causeway_model::AgreementId;
use causeway_proto::v1::RotateKeyRequest;
use causeway_store::{RootSource, StoreError};
use clap::{ArgGroup, Args, Subcommand};

use crate::client_options::ClientOptions;
use crate::output::{note, say};
use crate::session::{Doing, Session};
use crate::{Failure, key_file, private_file};

/// Keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begins a key's next epoch, while the gateway runs.
    Rotate(RotateOptions),
    /// Seals the root key and the key ring to a recipient's public key, offline: the backup that the procedure in docs/keys.md
    /// asks for. Page keys and the register of erasures are not in it: they have no history, and are mirrored.
    Backup(BackupOptions),
    /// Puts the root key and the key ring of a backup into a folder that has none, offline.
    Restore(RestoreOptions),
    /// Makes a key pair for sealing: an agency's own, or the one that a backup is sealed to.
    New(NewOptions),
}

/// Which key.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["root", "pages", "signing", "feed"]))]
pub(crate) struct RotateOptions {
    /// The root key, which wraps the key ring and the page keys.
    #[arg(long)]
    root: bool,
    /// The keys of all key pages: everything is wrapped anew, the old keys are destroyed.
    #[arg(long)]
    pages: bool,
    /// The key that signs checkpoints. Proofs under the old key stay good with the old verifier key; for a while the old key signs beside
    /// the new one, unless it may be known to others.
    #[arg(long)]
    signing: bool,
    /// The key of one feed's pseudonyms: its live items are released again under new ones.
    #[arg(long, value_name = "AGREEMENT")]
    feed: Option<String>,
    /// The old key may be known to others: a feed then shows no old pseudonym beside a new one, and a checkpoint no old signature.
    #[arg(long)]
    compromised: bool,
    #[command(flatten)]
    client: ClientOptions,
}

/// Which keys, for whom.
#[derive(Debug, Args)]
pub(crate) struct BackupOptions {
    /// The gateway's settings, which say where its keys are.
    #[arg(long, value_name = "FILE", default_value = "config/gateway.toml")]
    config: PathBuf,
    /// The keys folder, in place of the one that the settings name.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    keys: Option<PathBuf>,
    /// Where the root key comes from, with --keys: file, credential:NAME or fd:N.
    #[arg(long, value_name = "SOURCE", default_value = "file", requires = "keys")]
    root: RootSource,
    /// The public key of whoever keeps the backup (`causeway keys new` makes a pair).
    #[arg(long, value_name = "PUBLICKEYFILE")]
    recipient: PathBuf,
    /// Write the backup to this new file (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Which backup, and where to.
#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// The backup.
    file: PathBuf,
    /// The recipient's private key.
    #[arg(long, value_name = "PRIVATEKEYFILE")]
    key: PathBuf,
    /// The keys folder: one without keys.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

/// Where the pair goes.
#[derive(Debug, Args)]
pub(crate) struct NewOptions {
    /// The folder, made where it is absent: sealing.key (private, 0600) and sealing.pub are written into it.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Rotate(options) => rotate(options).await,
        Command::Backup(options) => backup(options),
        Command::Restore(options) => restore(options),
        Command::New(options) => new(options),
    }
}

impl RotateOptions {
    /// The key's name in the journal.
    fn key(&self) -> Result<String, Failure> {
        if let Some(agreement) = &self.feed {
            let wrong = |_| Failure::usage("--feed takes an agreement, as ISA-AL-2026-014");
            let agreement: AgreementId = agreement.parse().map_err(wrong)?;
            return Ok(format!("{KEY_FEED_PREFIX}{agreement}"));
        }
        Ok(match (self.root, self.pages) {
            (true, _) => KEY_ROOT,
            (false, true) => KEY_PAGES,
            (false, false) => KEY_CHECKPOINT_SIGNING,
        }
        .to_owned())
    }
}

async fn rotate(options: &RotateOptions) -> Result<(), Failure> {
    let key = options.key()?;
    let session = Session::open(&options.client, Doing::Operating).await?;
    let request = RotateKeyRequest { key: key.clone(), compromised: options.compromised };
    let response = session.admin().rotate_key(request).await.map_err(|status| session.failure(status))?.into_inner();
    say(format_args!("{key}: epoch {} begins with entry {}", response.epoch, response.leaf_index));
    if !response.verifier_key.is_empty() {
        say(&response.verifier_key);
        note(
            "that verifier key checks all checkpoints from here on: pin it beside the old one, which checks those before, and give it to \
             every witness and into every policy file",
        );
        note(match options.compromised {
            true => {
                "the old key signs nothing more: a backup of the journal from before does not start any more, make another now"
            }
            false => {
                "until the overlap is over (signing_overlap_days) checkpoints carry the old signature too; after that, a backup of the \
                 journal from before does not start: make another now"
            }
        });
    }
    match (options.feed.is_some(), options.compromised) {
        (true, false) => note("its live items are released again, each with the old pseudonym beside the new one"),
        (true, true) => note("its live items are released again, under new pseudonyms only"),
        (false, _) => {}
    }
    // Page keys are in no backup: they are mirrored.
    if !options.pages {
        note("the backup of the keys that was made before is out of date: make another now (`causeway keys backup`)");
    }
    Ok(())
}

fn backup(options: &BackupOptions) -> Result<(), Failure> {
    let recipient = key_file::sealing_public(&options.recipient)?;
    let (keys, root) = match &options.keys {
        Some(keys) => (keys.clone(), options.root.clone()),
        None => {
            let config = super::serve::load(&options.config)?;
            (config.keys_dir, config.keys.root)
        }
    };
    let bundle = causeway_store::seal_keys(&keys, &root, &recipient).map_err(Failure::Keys)?;
    private_file::write(&options.out, &bundle)?;
    let (path, key) = (options.out.display(), recipient.key_id());
    say(format_args!("root key and key ring are in {path}, sealed to the key {key}"));
    note("it opens what this gateway's keys open: keep it, and the private half, apart from the journal's backups");
    Ok(())
}

fn restore(options: &RestoreOptions) -> Result<(), Failure> {
    let key = key_file::sealing_private(&options.key)?;
    let bundle = std::fs::read(&options.file).map_err(|error| Failure::file(&options.file, error))?;
    causeway_store::open_keys(&bundle, &key, &options.into).map_err(|error| match error {
        StoreError::Bundle(_) | StoreError::Corrupt(_) => Failure::of_file(&options.file, &error),
        error => Failure::Keys(error),
    })?;
    let into = options.into.display();
    say(format_args!("root key and key ring are in {into}"));
    note("before the gateway starts, put what the mirror holds beside them: page-keys, pages/ and erasures");
    Ok(())
}

fn new(options: &NewOptions) -> Result<(), Failure> {
    std::fs::create_dir_all(&options.out).map_err(|error| Failure::file(&options.out, error))?;
    let (private, public) = (options.out.join("sealing.key"), options.out.join("sealing.pub"));
    let key = key_file::write_pair(&private, &public)?;
    say(format_args!("wrote {} and {}", private.display(), public.display()));
    note(format_args!(
        "key id {}; whoever has the private half opens what is sealed to it: keep it off the gateway",
        key.key_id()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_goes_back_into_an_empty_folder_only_and_opens_for_its_recipient_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["kept", "other"] {
            new(&NewOptions { out: at(name) }).expect("a pair");
        }
        let settings = causeway_store::KeySettings {
            keys_dir: at("keys"),
            root: RootSource::File,
            previous_root: None,
            may_create: true,
        };
        drop(causeway_store::Keys::open(&settings).expect("keys are made"));
        let options = BackupOptions {
            config: PathBuf::new(),
            keys: Some(at("keys")),
            root: RootSource::File,
            recipient: at("kept/sealing.pub"),
            out: at("backup"),
        };
        backup(&options).expect("sealed");
        assert!(backup(&options).is_err(), "no backup is overwritten");
        let restored =
            |key: &str, into: &str| restore(&RestoreOptions { file: at("backup"), key: at(key), into: at(into) });
        assert!(restored("other/sealing.key", "again").is_err(), "sealed to another");
        restored("kept/sealing.key", "again").expect("opened");
        for name in ["root.key", "ring"] {
            let read = |dir: &str| std::fs::read(at(dir).join(name)).expect("there");
            assert_eq!(read("keys"), read("again"), "{name}");
        }
        std::fs::write(at("rubbish"), "a diary").expect("writable");
        let rubbish = RestoreOptions { file: at("rubbish"), key: at("kept/sealing.key"), into: at("nowhere") };
        let fault = restore(&rubbish).expect_err("no bundle").to_string();
        assert!(fault.contains("rubbish: "), "{fault}");
        let fault = restored("kept/sealing.key", "keys").expect_err("there are keys").to_string();
        assert!(fault.contains("already"), "{fault}");
    }
}
