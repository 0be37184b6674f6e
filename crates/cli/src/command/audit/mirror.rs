//! `causeway audit mirror`: the whole journal as tlog-tiles in a folder, verified while it is written, and gone on with.

use std::path::{Path, PathBuf};

use causeway_crypto::Digest;
use causeway_journal::{VerifierKey, v1::BundleNotes};
use causeway_proto::v1::{
    GetCheckpointRequest, GetConsistencyProofRequest, StreamEntriesRequest, StreamEntriesResponse,
};
use causeway_verify::command::{read_keys, read_policy};
use causeway_verify::{KnownCheckpoint, MirrorWriter, Trust, VerifyError, Vouched, extends, write_evidence};
use clap::Args;
use prost::Message;

use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::{Progress, note, say};
use crate::session::{Doing, Session};

/// Entries that one call streams at most.
const RANGE: u64 = 1_000_000;

/// The whole journal in a folder (C2SP tlog-tiles), with what `causeway verify` needs to apply every entry again. The same command
/// goes on where the folder ends. For auditors without limits of the operator's agency.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder: empty, absent, or a mirror to go on with.
    folder: PathBuf,
    /// The journal's verifier key, or a file that holds it; after a rotation several. Without it and without --policy the key that the
    /// gateway itself names is used: check the mirror with your own afterwards.
    #[arg(long, value_name = "VKEY|FILE")]
    verifier_key: Vec<String>,
    /// A trust policy (C2SP tlog-policy). Where it asks for witnesses, the newest checkpoint that they cosigned is mirrored.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// No progress on standard error.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    client: ClientOptions,
}

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let session = Session::open(&options.client, Doing::Auditing).await?;
    let (target, trust) = target(options, &session).await?;
    let mut writer = MirrorWriter::open(&options.folder, &trust).map_err(Failure::NotProven)?;
    if let Some(known) = writer.known() {
        check_known(&session, known, &target, &options.folder).await?;
    }
    let (before, size) = (writer.size(), target.vouched.checkpoint.size);
    writer.begin(&target.note).map_err(Failure::NotProven)?;
    let mut progress = Progress::start("entries", Some(size), options.quiet);
    while writer.size() < size {
        let from_leaf_index = writer.size();
        let to_leaf_index = size.min(from_leaf_index.saturating_add(RANGE));
        let request = StreamEntriesRequest { from_leaf_index, to_leaf_index };
        let answer = session.audit().stream_entries(request).await.map_err(|status| session.failure(status))?;
        let mut answer = answer.into_inner();
        while let Some(part) = answer.message().await.map_err(|status| session.failure(status))? {
            take(&mut writer, part)?;
            progress.at(writer.size());
        }
        if writer.size() == from_leaf_index {
            return Err(session.lost("the gateway streamed no entries; run it again to go on"));
        }
    }
    progress.finish();
    writer.finish(&trust).map_err(Failure::NotProven)?;
    report(options, &target.vouched, before);
    trust.vouch(&target.vouched, None).map_err(Failure::NotProven)
}

/// The checkpoint to mirror, and who is believed.
async fn target(options: &Options, session: &Session) -> Result<(KnownCheckpoint, Trust), Failure> {
    let mut keys = Vec::new();
    for text in &options.verifier_key {
        keys.extend(read_keys(text).map_err(Failure::NotProven)?);
    }
    let policy = options.policy.as_deref().map(read_policy).transpose().map_err(Failure::NotProven)?;
    let witnessed = policy.as_ref().is_some_and(|policy| policy.asks_for_witnesses());
    let request = GetCheckpointRequest { witnessed, size: 0 };
    let response =
        session.audit().get_checkpoint(request).await.map_err(|status| session.failure(status))?.into_inner();
    if keys.is_empty() && policy.is_none() {
        let named: VerifierKey =
            response.verifier_key.parse().map_err(|e| Failure::does_not_hold(format!("the verifier key: {e}")))?;
        note(format_args!("checked with the key that the gateway itself names: {named}"));
        keys.push(named);
    }
    let trust = Trust::new(policy, &keys, None);
    let note = response.checkpoint;
    let vouched = trust.check(&note).map_err(Failure::NotProven)?;
    Ok((KnownCheckpoint { note, vouched }, trust))
}

/// The journal must go on from what the mirror knows of it.
async fn check_known(
    session: &Session,
    known: &KnownCheckpoint,
    found: &KnownCheckpoint,
    folder: &Path,
) -> Result<(), Failure> {
    let (older, newer) = (&known.vouched.checkpoint, &found.vouched.checkpoint);
    let mut hashes = Vec::new();
    if (1..newer.size).contains(&older.size) {
        let request = GetConsistencyProofRequest { first_size: older.size, second_size: newer.size };
        let answer = session.audit().get_consistency_proof(request).await.map_err(|s| session.failure(s))?.into_inner();
        let hash = |hash: &Vec<u8>| Digest::try_from(hash.as_slice());
        let malformed = |_| Failure::does_not_hold("a hash of the consistency proof is not of 32 bytes");
        hashes = answer.hashes.iter().map(hash).collect::<Result<_, _>>().map_err(malformed)?;
    }
    let contradiction = match extends(older, newer, &hashes) {
        Ok(()) => return Ok(()),
        Err(error) if error.exit_code() == 4 => error,
        // Both are signed, and the log itself cannot show that one goes on from the other.
        Err(VerifyError::Journal(causeway_journal::JournalError::Proof(_))) => {
            VerifyError::SplitView { size: older.size }
        }
        Err(error) => return Err(Failure::NotProven(error)),
    };
    let mut beside = folder.as_os_str().to_owned();
    beside.push(".evidence");
    let paths = write_evidence(Path::new(&beside), &known.note, &found.note).map_err(Failure::NotProven)?;
    note(format_args!("both signed checkpoints are kept: {} and {}", paths[0].display(), paths[1].display()));
    Err(Failure::NotProven(contradiction))
}

fn take(writer: &mut MirrorWriter, part: StreamEntriesResponse) -> Result<(), Failure> {
    let StreamEntriesResponse { from_leaf_index, entries, notes } = part;
    let notes = BundleNotes::decode(notes.as_slice())
        .map_err(|_| Failure::does_not_hold(format!("the notes to entry {from_leaf_index}: malformed")))?;
    writer.take(from_leaf_index, entries, notes).map_err(Failure::NotProven)
}

fn report(options: &Options, vouched: &Vouched, before: u64) {
    let (folder, size) = (options.folder.display(), vouched.checkpoint.size);
    let more = size.saturating_sub(before);
    say(format_args!(
        "{folder}: {size} entries of {}, {more} of them new, each outcome recomputed",
        vouched.checkpoint.origin
    ));
    let believed = match &options.policy {
        Some(policy) => format!("--policy {}", policy.display()),
        None => "--key KEY".to_owned(),
    };
    note(format_args!("check it at any time, without the gateway: causeway verify {folder} {believed}"));
}
