//! A witness in a process of its own, and a log that has it cosign its growth.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::witness::AddCheckpoint;
use causeway_journal::{Checkpoint, Tree, VerifierKey, leaf_hash, node_hash};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failed;
use crate::load::Ledger;
use crate::power::Recorder;
use causeway_rig::Process;

const ORIGIN: &str = "faults.causeway.example/journal";

/// How often the log asks, before and after the witness is started anew.
const TIMES: u64 = 25;

/// Its folder: settings, key and state.
#[derive(Debug)]
pub(super) struct Party {
    folder: TempDir,
    log_key: SigningKey,
}

impl Party {
    pub(super) fn new() -> Result<Self, Failed> {
        let (folder, log_key) = (tempfile::tempdir()?, SigningKey::generate());
        let verifier = VerifierKey::new(ORIGIN, log_key.public_key())?;
        let settings = format!(
            "name = \"witness.example\"\nlisten = \"127.0.0.1:0\"\nstate_dir = \"state\"\nkey = \"witness.key\"\n\n\
             [[logs]]\nkeys = [\"{verifier}\"]\n"
        );
        fs::write(folder.path().join("witness.toml"), settings)?;
        let key = folder.path().join("witness.key");
        fs::write(&key, causeway_witness::encode_key(&SigningKey::generate()).as_bytes())?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        Ok(Self { folder, log_key })
    }

    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Has a log's growth cosigned; gives size and root of each checkpoint that was, in order.
    pub(super) async fn record(&self, recorder: &Recorder) -> Result<Vec<(u64, Digest)>, Failed> {
        let settings = self.root().join("witness.toml");
        let words = ["witness", "--config", &settings.display().to_string(), "--begin"].map(str::to_owned);
        let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let (mut leaves, mut cosigned, mut held) = (Vec::new(), Vec::new(), 0);
        let marks = Ledger::default();
        marks.mark_in(recorder.marks()?);
        for phase in ["begin", "again"] {
            recorder.phase(phase)?;
            let process = Process::running(&words, "witnessing on http://", &recorder.launch())?;
            for turn in 0..TIMES {
                leaves.extend((0..=turn % 3).map(|_| leaf_hash(&turn.to_be_bytes())));
                let checkpoint = self.ask(process.address(), &leaves, held).await?;
                held = checkpoint.size;
                cosigned.push((checkpoint.size, checkpoint.root));
                marks.keep(crate::load::Kept::Signed { note: String::new() });
            }
            process.stop()?;
            words.truncate(3);
        }
        Ok(cosigned)
    }

    async fn ask(&self, address: SocketAddr, leaves: &[Digest], held: u64) -> Result<Checkpoint, Failed> {
        let mut tree = Tree::new();
        leaves.iter().for_each(|leaf| drop(tree.push(*leaf)));
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() };
        let proof = if held == 0 { Vec::new() } else { consistency(usize::try_from(held)?, leaves, true) };
        let request = AddCheckpoint { old_size: held, proof, checkpoint: checkpoint.sign(&self.log_key) }.to_string();
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            request.len()
        );
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("{head}{request}").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        if answer.starts_with(b"HTTP/1.1 200 ") {
            return Ok(checkpoint);
        }
        Err(format!("the witness refused: {}", String::from_utf8_lossy(&answer)).into())
    }
}

/// A consistency proof (RFC 6962 section 2.1.2), of a log that is small enough to be hashed each time.
fn consistency(first: usize, leaves: &[Digest], is_whole: bool) -> Vec<Digest> {
    if first == leaves.len() {
        return if is_whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(middle(leaves.len()));
    if first <= left.len() {
        let mut proof = consistency(first, left, is_whole);
        proof.push(root(right));
        return proof;
    }
    let mut proof = consistency(first - left.len(), right, false);
    proof.push(root(left));
    proof
}

fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(middle(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The largest power of two below a size.
fn middle(size: usize) -> usize {
    size.next_power_of_two() / 2
}
