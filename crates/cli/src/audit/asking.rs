//! How an auditor asks: who, whether proofs are fetched, with which key they are checked, and what an answer rests on in the end.

use causeway_journal::Checkpoint;
use causeway_proto::v1::{GetConsistencyProofRequest, QueryRequest};
use clap::Args;

use super::answer::Answer;
use super::checks::{Begin, Checks, Row, Told};
use crate::Failure;
use crate::client_options::ClientOptions;
use crate::output::note;
use crate::session::{Doing, Session};
use crate::verifier_keys::VerifierKeys;

/// Rows that are asked for at a time; the most there are.
pub(crate) const PAGE_ROWS: u32 = 10_000;

/// Code of the refusal where an auditor of another agency than the operator's asks what was in each page.
const ITEMS_REFUSED: &str = "items-for-operator";

/// Which purposes an auditor may state, for the help of each command.
pub(crate) const PURPOSES: &str = "The journal may be read for four purposes only (DPA 2018 s.62(4)): --purpose lawfulness, self-monitoring, integrity or \
                                   criminal-proceedings; a development identity states lawfulness where nothing is said. Each question is an entry of \
                                   the journal itself. Only what this auditor may see is answered.";

/// Who asks, and how.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// Fetch every entry's inclusion proof, and check it.
    #[arg(long)]
    pub(crate) prove: bool,
    /// Check the checkpoint's signature with this verifier key, or the file that holds it; after a rotation several, one a line.
    #[arg(long, value_name = "VKEY")]
    verifier_key: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    client: ClientOptions,
}

impl Asking {
    /// Connects.
    ///
    /// # Errors
    /// A key that is none, and what kept the connection from standing.
    pub(crate) async fn open(&self) -> Result<Desk, Failure> {
        let keys = self.verifier_key.as_deref().map(|key| VerifierKeys::of("--verifier-key", key)).transpose()?;
        let session = Session::open(&self.client, Doing::Auditing).await?;
        Ok(Desk { session, keys, prove: self.prove, grounds: Grounds::default() })
    }

    /// The gateway that is asked, for people.
    pub(crate) fn gateway(&self) -> &str {
        &self.client.gateway
    }
}

/// An auditor's connection, and what was answered on it so far.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) session: Session,
    pub(crate) keys: Option<VerifierKeys>,
    prove: bool,
    grounds: Grounds,
}

/// What the answers of a command rest on.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    rows: u64,
    newest: Option<Begin>,
}

impl Desk {
    /// Reads the whole answer to a question, page after page, each row checked.
    ///
    /// # Errors
    /// A refusal, the first thing that does not hold, or what `each` says.
    pub(crate) async fn each(
        &mut self,
        request: QueryRequest,
        mut each: impl FnMut(&Row) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut request = QueryRequest { prove: self.prove, limit: PAGE_ROWS, ..request };
        let answer = |request: &QueryRequest| {
            let checks = Checks::new(request.clone(), self.keys.clone());
            Answer::new(&self.session, request.clone(), checks, true)
        };
        let mut parts = answer(&request);
        loop {
            let told = match parts.next().await {
                Err(Failure::Refused { reason, .. }) if request.with_items && reason == ITEMS_REFUSED => {
                    note("what was in each page is for the operator's auditors: pages are shown without");
                    request.with_items = false;
                    parts = answer(&request);
                    continue;
                }
                told => told?,
            };
            let Some(told) = told else { return Ok(()) };
            match told {
                Told::Row(row) => {
                    self.grounds.rows += 1;
                    each(&row)?;
                }
                Told::Begin(begin) => self.grounds.newest = Some(begin),
                Told::End(_) => {}
            }
        }
    }

    /// Every row with its proof from here on, whatever was said.
    pub(crate) const fn prove(&mut self) {
        self.prove = true;
    }

    /// The checkpoint of the newest answer.
    pub(crate) const fn newest(&self) -> Option<&Begin> {
        self.grounds.newest.as_ref()
    }

    /// The proof that one checkpoint extends another, checked.
    ///
    /// # Errors
    /// A refusal, a second checkpoint that is smaller, and a journal of which the one does not extend the other.
    pub(crate) async fn consistency(&self, first: &Begin, second: &Begin) -> Result<Vec<Vec<u8>>, Failure> {
        let (first, second) = (&first.checkpoint, &second.checkpoint);
        let cannot = |what: &str| {
            let Checkpoint { size, root, .. } = first;
            let what = format!(
                "{what} the checkpoint of size {size} with root {root}, which is signed: keep it, and tell whoever watches over the journal"
            );
            Err(Failure::does_not_hold(what))
        };
        match first.size {
            size if size > second.size => return cannot("the journal is shorter than"),
            size if size == second.size && first.root != second.root => {
                return cannot("the journal is another one than");
            }
            size if size == second.size || size == 0 => return Ok(Vec::new()),
            _ => {}
        }
        let request = GetConsistencyProofRequest { first_size: first.size, second_size: second.size };
        let response = self.session.audit().get_consistency_proof(request).await;
        let hashes = response.map_err(|status| self.session.failure(status))?.into_inner().hashes;
        let digests = hashes.iter().map(|hash| hash.as_slice().try_into()).collect::<Result<Vec<_>, _>>();
        let digests =
            digests.map_err(|_| Failure::does_not_hold("a hash of the consistency proof is not of 32 bytes"))?;
        let holds = causeway_journal::verify_consistency(first.size, second.size, &digests, first.root, second.root);
        holds.map_err(|fault| {
            Failure::does_not_hold(format!("the checkpoints of sizes {} and {}: {fault}", first.size, second.size))
        })?;
        Ok(hashes)
    }

    /// Says beside the answer what it rests on.
    pub(crate) fn note_grounds(&self) {
        note(self.grounds.text(self.prove, self.keys.is_some()));
    }
}

impl Grounds {
    fn text(&self, proved: bool, signed: bool) -> String {
        let Self { rows, newest } = self;
        let Some(Begin { checkpoint, .. }) = newest else { return "nothing was asked".into() };
        let proofs = match (proved, signed) {
            (true, true) => "inclusion proofs and the checkpoint's signature hold",
            (true, false) => "inclusion proofs hold; the checkpoint's signature was not checked: give --verifier-key",
            (false, true) => "the checkpoint's signature holds; inclusion was not checked: give --prove",
            (false, false) => "nothing is proven: give --prove and --verifier-key",
        };
        format!("{rows} entries that this auditor may see, under the checkpoint of size {}; {proofs}", checkpoint.size)
    }
}
