//! Verifying each kind of evidence, and comparing what it rests on with what was seen before.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use causeway_crypto::Digest;
use causeway_journal::v1::{Decision, Entry};
use causeway_model::Timestamp;

use super::evidence::Evidence;
use super::many::Many;
use super::report::Report;
use crate::hex::hex;
use crate::memory::{Memory, Remembered, write_evidence};
use crate::pages::pages_each;
use crate::trust::{Trust, Vouched};
use crate::{
    ConsistencyFile, Mirrored, VerifyError, decision_name, export, extends, included_in_file, mirror, operation_name,
    receipts,
};

/// Who judges: whom it believes, what it remembers, and where it writes what convicts.
pub(super) struct Court {
    pub(super) trust: Trust,
    pub(super) memory: Option<Memory>,
    pub(super) evidence_folder: PathBuf,
    /// Whether a mirror without notes is enough.
    pub(super) entries_only: bool,
}

/// What shows how a checkpoint stands to an older one.
pub(super) enum Link<'a> {
    /// The checkpoint is said to be the newest, and this may prove that it goes on from the one before.
    Newest(Option<&'a ConsistencyFile>),
    /// The same, and this proves that it goes on from the one that came with it, which may be another than the one before.
    Pair(Option<&'a ConsistencyFile>),
    /// It is the older one of a pair, and not to be remembered.
    Older,
    /// All entries are there: the root at the size from before, where it has that size.
    Whole(Option<Digest>),
    /// It may be of any time.
    AnyTime,
}

impl Court {
    pub(super) fn judge(&self, evidence: &Evidence, report: &mut Report) -> Result<(), VerifyError> {
        match evidence {
            Evidence::Proof(text) => self.proof(text, report),
            Evidence::Checkpoint(note, proof) => self.checkpoint(note, proof.as_ref(), report),
            Evidence::Pair(older, newer, proof) => self.pair(older, newer, proof.as_ref(), report),
            Evidence::Export(path) => self.export(path, report),
            Evidence::Receipts(path) => self.receipts(path, report),
            Evidence::Pages(path) => self.pages(path, report),
            Evidence::Mirror(path) => self.mirror(path, report),
        }
    }

    fn proof(&self, text: &str, report: &mut Report) -> Result<(), VerifyError> {
        let included = included_in_file(text, &self.trust)?;
        let note = text.split_once("\n\n").map_or("", |(_, note)| note);
        report.set("evidence", "proof");
        report.set("leaf_index", included.index.0);
        report.say(format!("entry {} is in the journal {}", included.index, included.vouched.checkpoint.origin));
        report.checkpoint(&included.vouched);
        describe(&included.entry, report);
        self.compare(note, &included.vouched, &Link::AnyTime, report)?;
        self.trust.vouch(&included.vouched, Some(included.entry.time_micros))
    }

    fn checkpoint(&self, note: &str, proof: Option<&ConsistencyFile>, report: &mut Report) -> Result<(), VerifyError> {
        let vouched = self.trust.check(note)?;
        report.set("evidence", "checkpoint");
        report.say(format!("checkpoint of the journal {}", vouched.checkpoint.origin));
        report.checkpoint(&vouched);
        if let Some(proof) = proof {
            self.use_of(proof, note, &vouched, report)?;
        }
        self.compare(note, &vouched, &Link::Newest(proof), report)?;
        self.trust.vouch(&vouched, None)
    }

    /// A proof must lead to the checkpoint that it comes with, from one that is remembered: else it shows nothing, and who gave it would
    /// believe that it did.
    fn use_of(
        &self,
        proof: &ConsistencyFile,
        note: &str,
        found: &Vouched,
        report: &mut Report,
    ) -> Result<(), VerifyError> {
        let size = found.checkpoint.size;
        let known = match self.trust.is_somebody() {
            true => self.recall(&found.checkpoint.origin)?,
            false => None,
        };
        let missing = match known {
            _ if proof.second != size => proof.second,
            None => proof.first,
            Some(known) => {
                if known.checkpoint.size == size {
                    report.say("  the consistency file was not used: this size is the one seen before");
                }
                return Ok(());
            }
        };
        // Another root at the size that is remembered convicts, whatever came with it.
        self.compare(note, found, &Link::Older, report)?;
        Err(unused(proof, format_args!("give the checkpoint of size {missing} too")))
    }

    fn pair(
        &self,
        one_note: &str,
        other_note: &str,
        proof: Option<&ConsistencyFile>,
        report: &mut Report,
    ) -> Result<(), VerifyError> {
        let mut both = [(one_note, self.trust.check(one_note)?), (other_note, self.trust.check(other_note)?)];
        // Nothing signed says which was made first: their sizes do, and not the order in which they were given.
        both.sort_by_key(|(_, vouched)| vouched.checkpoint.size);
        let [(older_note, older), (newer_note, newer)] = both;
        let (one, two) = (&older.checkpoint, &newer.checkpoint);
        report.set("evidence", "checkpoints");
        report.set("first_size", one.size);
        let extended = continues(&older, &newer, proof);
        extended.map_err(|error| self.convict(error, older_note, newer_note, report))?;
        if let Some(proof) = proof.filter(|proof| !is_between(proof, one.size, two.size)) {
            return Err(unused(proof, "it is of other checkpoints than these"));
        }
        report.say(format!("the journal {} at size {} extends what it was at size {}", two.origin, two.size, one.size));
        report.checkpoint(&newer);
        self.compare(older_note, &older, &Link::Older, report)?;
        self.compare(newer_note, &newer, &Link::Pair(proof), report)?;
        self.trust.vouch(&newer, None)
    }

    fn export(&self, path: &Path, report: &mut Report) -> Result<(), VerifyError> {
        let file = File::open(path).map_err(|error| VerifyError::file(path, &error))?;
        let found = export(BufReader::new(file), &self.trust)?;
        report.set("evidence", "export");
        report.set("rows", found.rows);
        report.set("proofs", found.proofs);
        report.set("dense", found.dense);
        let Some(vouched) = &found.vouched else {
            report.say("an export without rows or checkpoints: nothing is proven by it");
            return Err(VerifyError::Unsigned);
        };
        let what = if found.proofs { "entries, each in" } else { "rows, each of which says what its entry says, of" };
        report.say(format!("{} {what} the journal {}", found.rows, vouched.checkpoint.origin));
        if let (true, Some((from, to))) = (found.dense, found.leaves) {
            report.say(format!("  all entries from {} to {}, none left out", from.min(to), from.max(to)));
        }
        report.checkpoint(vouched);
        self.compare(&found.note, vouched, &Link::AnyTime, report)?;
        if !found.proofs && found.rows > 0 {
            report.say("  without inclusion proofs: export with --prove to show that the entries are in the journal");
            return Err(VerifyError::Unproven);
        }
        self.trust.vouch(vouched, found.newest_micros)
    }

    /// Every receipt must hold, and all of one journal; the worst standing of any is that of the file.
    fn receipts(&self, path: &Path, report: &mut Report) -> Result<(), VerifyError> {
        let file = File::open(path).map_err(|error| VerifyError::file(path, &error))?;
        let (mut held, mut faulty, mut many) = (0u64, 0u64, Many::new(&self.trust));
        receipts(BufReader::new(file), &self.trust, |line, receipt| {
            match receipt.and_then(|included| many.take(&included)) {
                Ok(()) => held += 1,
                Err(fault) => {
                    faulty += 1;
                    report.fault(format!("line {line}: {fault}"));
                }
            }
        })?;
        report.set("evidence", "receipts");
        report.set("receipts", held);
        report.set("faulty", faulty);
        many.judge_histories(self, report)?;
        match &many.newest {
            Some(newest) if faulty == 0 => {
                report.say(format!("{held} receipts, each of an entry in the journal {}", newest.checkpoint.origin));
                report.checkpoint(newest);
                many.conclude(self, report)
            }
            _ => Err(VerifyError::at(path.display(), format_args!("{faulty} of {} receipts", faulty + held))),
        }
    }

    fn pages(&self, path: &Path, report: &mut Report) -> Result<(), VerifyError> {
        let (mut many, mut unlike) = (Many::new(&self.trust), None);
        let found = pages_each(path, &self.trust, |page| {
            if let Err(fault) = many.take(page) {
                unlike.get_or_insert(fault);
            }
        });
        report.set("evidence", "pages");
        many.judge_histories(self, report)?;
        let found = unlike.map_or(found, Err)?;
        report.set("agreement", found.agreement.as_str());
        report.set("pages", found.pages);
        report.set("first_position", found.first);
        report.set("last_position", found.last);
        let Some(newest) = &many.newest else { return Err(VerifyError::at(path.display(), "there is no page in it")) };
        let origin = &newest.checkpoint.origin;
        report.say(format!(
            "{} pages of {}, each disclosed by an entry in the journal {origin}",
            found.pages, found.agreement
        ));
        report.say(format!("  positions {} to {} without a gap, chain {}", found.first, found.last, found.chain));
        report.checkpoint(newest);
        many.conclude(self, report)
    }

    fn mirror(&self, path: &Path, report: &mut Report) -> Result<(), VerifyError> {
        let before = self.recall_for(path)?;
        let found = mirror(path, &self.trust, before.as_ref().map(|before| before.checkpoint.size))?;
        report.set("evidence", "mirror");
        report.say(format!("the whole journal {}", found.vouched.checkpoint.origin));
        report.checkpoint(&found.vouched);
        describe_mirror(&found, report);
        self.compare(&found.note, &found.vouched, &Link::Whole(found.root_asked), report)?;
        self.trust.vouch(&found.vouched, found.newest_micros)?;
        // Whoever takes the notes away must not turn off the checks of outcomes and approvals unnoticed.
        if found.applied || self.entries_only { Ok(()) } else { Err(VerifyError::OutcomesUnknown) }
    }

    /// What is remembered of the log that a mirror says it is of.
    fn recall_for(&self, mirror: &Path) -> Result<Option<Remembered>, VerifyError> {
        if self.memory.is_none() {
            return Ok(None);
        }
        let note = crate::files::read_text(&mirror.join("checkpoint"), causeway_journal::note::MAX_NOTE_BYTES)?;
        self.recall(&self.trust.check(&note)?.checkpoint.origin)
    }

    /// What is remembered of a log.
    pub(super) fn recall(&self, origin: &str) -> Result<Option<Remembered>, VerifyError> {
        self.memory.as_ref().map_or(Ok(None), |memory| memory.recall(origin, &self.trust))
    }

    /// Compares with what was verified before, and remembers the newer of both where it is shown to go on from the other.
    pub(super) fn compare(
        &self,
        note: &str,
        found: &Vouched,
        link: &Link<'_>,
        report: &mut Report,
    ) -> Result<(), VerifyError> {
        // What nobody is believed to have signed is not remembered.
        let Some(memory) = self.memory.as_ref().filter(|_| self.trust.is_somebody()) else { return Ok(()) };
        let checkpoint = &found.checkpoint;
        let known = match (memory.recall(&checkpoint.origin, &self.trust)?, link) {
            (Some(known), _) => known,
            (None, Link::Older) => return Ok(()),
            (None, _) => return memory.remember(note, checkpoint),
        };
        report.set("remembered_size", known.checkpoint.size);
        let older = Vouched { checkpoint: known.checkpoint.clone(), ..found.clone() };
        let (size, known_size) = (checkpoint.size, known.checkpoint.size);
        let shown = match link {
            _ if size == known_size => extends(&known.checkpoint, checkpoint, &[]),
            _ if size < known_size && cosigned_later(found, &self.trust.check(&known.note)?) => {
                Err(VerifyError::Rollback { known: known_size, found: size })
            }
            Link::AnyTime | Link::Older => return Ok(()),
            // An archived one is as small as one of a log that was cut back.
            Link::Newest(_) | Link::Pair(_) | Link::Whole(_) if size < known_size => {
                Err(VerifyError::OlderThanSeen { known: known_size })
            }
            Link::Pair(Some(proof)) if proof.first == known_size => continues(&older, found, Some(proof)),
            Link::Newest(None) | Link::Pair(_) => {
                report.say(format!(
                    "  not compared with size {known_size}, seen before: `causeway audit consistency` proves it"
                ));
                return Ok(());
            }
            Link::Newest(proof) => continues(&older, found, *proof),
            Link::Whole(root) if *root == Some(known.checkpoint.root) => Ok(()),
            Link::Whole(_) => Err(VerifyError::SplitView { size: known_size }),
        };
        shown.map_err(|error| self.convict(error, &known.note, note, report))?;
        if matches!(link, Link::Older) {
            return Ok(());
        }
        report.say(format!("  goes on from size {known_size}, seen before"));
        memory.remember(note, checkpoint)
    }

    /// Writes both checkpoints where they contradict each other.
    pub(super) fn convict(&self, error: VerifyError, known: &str, found: &str, report: &mut Report) -> VerifyError {
        if error.exit_code() != 4 || !self.trust.is_somebody() {
            return error;
        }
        match write_evidence(&self.evidence_folder, known, found) {
            Ok(paths) => {
                let paths = paths.map(|path| path.display().to_string());
                report.fault(format!("both signed checkpoints are kept: {} and {}", paths[0], paths[1]));
                report.set("evidence_files", paths.to_vec());
            }
            Err(fault) => report.fault(format!("the evidence could not be written: {fault}")),
        }
        error
    }
}

/// How far the clocks of two witnesses may be apart, and how long one may take to answer.
const BETWEEN_WITNESSES_SECONDS: u64 = 300;

/// Whether a witness knew a smaller checkpoint later than any witness the larger one. A witness that cosigned both goes by one clock, and
/// cosigns nothing smaller than before; two may be asked at the same time.
fn cosigned_later(smaller: &Vouched, larger: &Vouched) -> bool {
    let Some(newest) = larger.cosigned.iter().map(|(_, time)| *time).max() else { return false };
    smaller.cosigned.iter().any(|(name, time)| {
        let of_both = larger.cosigned.iter().any(|(other, _)| other == name);
        *time > newest.saturating_add(if of_both { 0 } else { BETWEEN_WITNESSES_SECONDS })
    })
}

fn unused(proof: &ConsistencyFile, why: impl std::fmt::Display) -> VerifyError {
    let ConsistencyFile { first, second, .. } = proof;
    VerifyError::at(
        "consistency file",
        format_args!("it leads from size {first} to size {second}, and shows nothing here: {why}"),
    )
}

fn is_between(proof: &ConsistencyFile, first: u64, second: u64) -> bool {
    (proof.first, proof.second) == (first, second)
}

/// Whether a newer checkpoint goes on from an older one.
fn continues(older: &Vouched, newer: &Vouched, proof: Option<&ConsistencyFile>) -> Result<(), VerifyError> {
    let (one, two) = (&older.checkpoint, &newer.checkpoint);
    match proof.filter(|proof| is_between(proof, one.size, two.size)) {
        Some(proof) => extends(one, two, &proof.hashes),
        None if one.size == 0 || one.size >= two.size || one.origin != two.origin => extends(one, two, &[]),
        None => Err(VerifyError::NoConsistency { first: one.size, second: two.size }),
    }
}

/// The greater exit code of two verdicts.
pub(super) fn worse(one: Result<(), VerifyError>, two: Result<(), VerifyError>) -> Result<(), VerifyError> {
    let code = |verdict: &Result<(), VerifyError>| verdict.as_ref().err().map_or(0, VerifyError::exit_code);
    if code(&two) > code(&one) { two } else { one }
}

fn describe(entry: &Entry, report: &mut Report) {
    let actor = entry.actor.as_ref();
    let (agency, system) = actor.map_or(("the gateway", ""), |actor| (actor.agency.as_str(), actor.system.as_str()));
    let slash = if system.is_empty() { "" } else { "/" };
    let denied = if entry.decision() == Decision::Denied {
        format!(" {}", decision_name(Decision::Denied))
    } else {
        String::new()
    };
    let (time, operation) = (Timestamp(entry.time_micros), operation_name(entry.operation()));
    report.say(format!("  {time} {agency}{slash}{system} {operation}{denied} ({})", entry.reason));
    for record in &entry.records {
        report.say(format!("  record {} version {}", hex(&record.record_id), record.version));
    }
    report.set("entry", crate::entry_fields(entry));
}

fn describe_mirror(found: &Mirrored, report: &mut Report) {
    report.set("outcomes_recomputed", found.applied);
    if !found.applied {
        report.say(
            "  every entry and tile; outcomes NOT recomputed: it has no notes (`causeway audit mirror` makes them)",
        );
        return;
    }
    let outcomes: Vec<String> = found.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
    report.say(format!("  every entry, tile and outcome: {}", outcomes.join(", ")));
    let outcomes: serde_json::Map<_, _> =
        found.outcomes.iter().map(|(name, count)| ((*name).into(), (*count).into())).collect();
    report.set("outcomes", outcomes);
    report.say(format!("  {} approvals verified, {} texts of their digests", found.approvals.good, found.texts));
    if found.approvals.bad > 0 {
        report.say(format!("  {} signatures that are no approvals, which no outcome rests on", found.approvals.bad));
    }
    report.set("approvals_verified", found.approvals.good);
    report.set("approvals_without_effect", found.approvals.bad);
    report.set("texts", found.texts);
}
