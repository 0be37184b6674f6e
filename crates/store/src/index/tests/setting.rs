//! A journal with small blocks, random entries in it, and the filter that its index is compared with.

use std::fs;
use std::future::Future;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use causeway_journal::v1;
use causeway_model::{LeafIndex, Timestamp};
use event_listener::Listener;
use tempfile::TempDir;

use crate::index::{Settings, Term};
use crate::{Clock, Committed, Draft, Journal, Keys, ManualClock, Options, Search, SledLog};

/// Numbers that look random and are the same in every run (Steele et al., "SplitMix").
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(super) fn within(&mut self, range: Range<u64>) -> Range<u64> {
        let (one, other) = (range.start + self.below(range.end), range.start + self.below(range.end));
        one.min(other)..one.max(other) + 1
    }
}

/// What an entry has been appended with: what the filter knows.
pub(super) struct Known {
    pub(super) terms: Vec<Term>,
    pub(super) time: Timestamp,
}

/// A data directory, its keys, and what is in it.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) keys: Arc<Keys>,
    pub(super) clock: Clock,
    pub(super) hands: ManualClock,
    pub(super) numbers: Numbers,
    pub(super) known: Vec<Known>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (keys, _) = Keys::load_or_create(&folder.path().join("keys")).expect("keys are made");
        let (clock, hands) = Clock::manual(Timestamp(1_793_314_499_000_000));
        Self { folder, keys: Arc::new(keys), clock, hands, numbers: Numbers(seed), known: Vec::new() }
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn index_dir(&self) -> PathBuf {
        self.data_dir().join("index")
    }

    pub(super) fn start(&self) -> Journal {
        self.start_in(&self.data_dir())
    }

    pub(super) fn start_in(&self, data_dir: &Path) -> Journal {
        self.start_with(data_dir, Settings { block_entries: 64, fan: 3, follows: true, turn: 300 })
    }

    pub(super) fn start_with(&self, data_dir: &Path, settings: Settings) -> Journal {
        let options = Options {
            data_dir: data_dir.to_owned(),
            keys_dir: self.folder.path().join("keys"),
            mirror_dir: None,
            keys: Arc::clone(&self.keys),
            clock: self.clock.clone(),
            node: "node-1".into(),
            origin: "gateway.causeway.example/journal".into(),
            software: "causeway/0.1.0".into(),
            queue_depth: 1_024,
            signing_overlap: Duration::ZERO,
            headroom_bytes: 0,
            node_keys: None,
            index: settings.follows,
        };
        let log = SledLog::open(data_dir).expect("the log opens");
        Journal::start_with(Box::new(log), options, settings).expect("the journal starts")
    }

    /// Appends the two entries that a journal begins with.
    pub(super) fn begin(&mut self, journal: &Journal) {
        for reason in ["genesis", "genesis-complete"] {
            let mut entry = blank();
            entry.operation = v1::Operation::Administration.into();
            entry.reason = reason.into();
            let terms = vec![Term::Operation(v1::Operation::Administration), Term::Reason(reason.into())];
            let draft = Draft { entry, openings: None, body: None, document_text: None };
            let committed = wait_for(journal.append(draft)).expect("appended");
            self.know(terms, &committed);
        }
    }

    /// Appends random entries, some together; returns when all are acknowledged.
    pub(super) fn append(&mut self, journal: &Journal, count: u64) {
        let mut left = count;
        while left > 0 {
            let together = (1 + self.numbers.below(9)).min(left);
            let made: Vec<_> = (0..together).map(|_| self.draft()).collect();
            let taken: Vec<_> = made
                .into_iter()
                .map(|(draft, terms)| (wait_for(journal.enqueue(draft)).expect("taken"), terms))
                .collect();
            for (appending, terms) in taken {
                let committed = wait_for(appending).expect("appended");
                self.know(terms, &committed);
            }
            left -= together;
            self.hands.set(Timestamp(self.clock.now().0 + self.numbers.below(2_000_000)));
        }
    }

    fn know(&mut self, mut terms: Vec<Term>, committed: &Committed) {
        assert_eq!(committed.leaf.0, self.known.len() as u64);
        terms.push(Term::Decision(v1::Decision::Allowed));
        terms.push(Term::Agency("gb-nca".into()));
        terms.push(Term::Outcome(committed.outcome.as_str().into()));
        self.known.push(Known { terms, time: committed.time });
    }

    fn draft(&mut self) -> (Draft, Vec<Term>) {
        let numbers = &mut self.numbers;
        let mut entry = blank();
        let (system, operator) = (format!("system-{}", numbers.below(6)), format!("operator-{}", numbers.below(90)));
        let agency = "gb-nca".to_owned();
        let mut terms = vec![
            Term::System { agency: agency.clone(), system: system.clone() },
            Term::Operator { agency: agency.clone(), id: operator.clone() },
        ];
        entry.actor = Some(v1::Actor { agency, system, ..Default::default() });
        entry.reason = if numbers.below(50) == 0 { "seldom" } else { "accepted" }.into();
        terms.push(Term::Reason(entry.reason.clone()));
        entry.purpose_code = ["prevention", "investigation", "safeguarding"][usize::from(numbers.below(7) == 0)].into();
        terms.push(Term::Purpose(entry.purpose_code.clone()));
        let request = u128::from(numbers.next());
        entry.request_id = request.to_be_bytes().to_vec();
        terms.push(Term::RequestId(request.to_be_bytes()));
        let operation = if numbers.below(3) == 0 {
            let agreement = format!("ISA-{}", numbers.below(5));
            let clause = format!("c{}", numbers.below(3));
            terms.push(Term::Agreement(agreement.clone()));
            terms.push(Term::Recipient("al-police".into()));
            terms.push(Term::Clause { agreement: agreement.clone(), clause: clause.clone() });
            entry.recipient = Some(v1::Recipient {
                agency: "al-police".into(),
                agreement: agreement.clone(),
                agreement_version: 1,
                clause,
            });
            // A page of a feed that there is not: it is void.
            let digest = vec![0; 32];
            entry.page =
                Some(v1::Page { feed: agreement, from_position: 1, to_position: 1, digest, ..Default::default() });
            v1::Operation::Disclosure
        } else {
            v1::Operation::Consultation
        };
        entry.operation = operation.into();
        terms.push(Term::Operation(operation));
        let openings = Some(v1::Openings { operator, ..Default::default() });
        (Draft { entry, openings, body: None, document_text: None }, terms)
    }

    /// What the filter gives.
    pub(super) fn filter(&self, search: &Search, within: &[Vec<Term>]) -> Vec<LeafIndex> {
        let has_all = |known: &Known| {
            let has_one = |group: &Vec<Term>| group.iter().any(|term| known.terms.contains(term));
            search.terms.iter().all(|term| known.terms.contains(term)) && within.iter().all(has_one)
        };
        let is_among = |leaf: &LeafIndex| search.among.as_ref().is_none_or(|among| among.contains(leaf));
        let leaves = (0u64..).zip(&self.known).map(|(leaf, known)| (LeafIndex(leaf), known));
        let mut found: Vec<_> = leaves
            .filter(|(leaf, known)| search.from <= *leaf && *leaf < search.before && is_among(leaf) && has_all(known))
            .map(|(leaf, _)| leaf)
            .collect();
        if search.newest_first {
            found.reverse();
        }
        found.truncate(search.limit);
        found
    }

    /// A search that often finds something.
    pub(super) fn search(&mut self) -> Search {
        let size = self.known.len() as u64;
        let numbers = &mut self.numbers;
        let of = &self.known[usize::try_from(numbers.below(size)).expect("fits")].terms;
        let count = numbers.below(4);
        let terms = (0..count).map(|_| of[usize::try_from(numbers.below(of.len() as u64)).expect("fits")].clone());
        let terms = terms.collect();
        let among =
            (numbers.below(4) == 0).then(|| (0..size).filter(|_| numbers.below(9) == 0).map(LeafIndex).collect());
        let range = if numbers.below(3) == 0 { 0..u64::MAX } else { numbers.within(0..size + 9) };
        Search {
            terms,
            among,
            from: LeafIndex(range.start),
            before: LeafIndex(range.end),
            newest_first: numbers.below(2) == 0,
            limit: if numbers.below(2) == 0 { usize::MAX } else { usize::try_from(numbers.below(40)).expect("fits") },
        }
    }

    /// A few terms, of which one may be of no entry.
    fn group(&mut self) -> Vec<Term> {
        let size = self.known.len() as u64;
        let mut group = vec![Term::Agency("nobody".into())];
        for _ in 0..self.numbers.below(4) {
            let of = &self.known[usize::try_from(self.numbers.below(size)).expect("fits")].terms;
            group.push(of[usize::try_from(self.numbers.below(of.len() as u64)).expect("fits")].clone());
        }
        group
    }

    /// Compares many answers with what the filter gives.
    pub(super) fn compare(&mut self, journal: &Journal, searches: u64) {
        for _ in 0..searches {
            let search = self.search();
            let within: Vec<Vec<Term>> = (0..self.numbers.below(3)).map(|_| self.group()).collect();
            let expected = self.filter(&search, &within);
            let found = wait_for(journal.search_within(search.clone(), within.clone())).expect("searched");
            assert_eq!(
                found,
                expected,
                "{search:?} within {within:?} of {:?} with {:?}",
                self.known.len(),
                journal.index_measures()
            );
            let known = &self.known[usize::try_from(self.numbers.below(self.known.len() as u64)).expect("fits")];
            let time = Timestamp(known.time.0 + self.numbers.below(3) - 1);
            let first = self.known.partition_point(|known| known.time < time) as u64;
            assert_eq!(wait_for(journal.leaf_at(time)).expect("found"), LeafIndex(first));
        }
    }

    /// The paths of all blocks.
    pub(super) fn block_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.index_dir()).expect("listed").map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    }
}

fn blank() -> v1::Entry {
    v1::Entry {
        entry_id: causeway_crypto::random::<16>().to_vec(),
        decision: v1::Decision::Allowed.into(),
        actor: Some(v1::Actor { agency: "gb-nca".into(), ..Default::default() }),
        ..Default::default()
    }
}

/// Waits until the follower has nothing more to do: all is covered, and what can be merged is.
pub(super) fn settle(journal: &Journal) {
    let index = &journal.index;
    loop {
        let grown = index.grown.listen();
        index.woken.notify(1);
        index.absorb();
        let size = journal.read(|state| state.tree().size());
        let covered = index.covered();
        let is_whole = covered.gap(u64::MAX).is_none() && covered.open.range().end == size;
        let files = |folder: &PathBuf| fs::read_dir(folder).expect("listed").count();
        let is_swept = index.folder.as_ref().is_none_or(|folder| files(folder) == covered.blocks().count());
        let is_written = covered.waiting().is_none() && is_swept;
        drop(covered);
        if is_whole && is_written && index.run_to_merge().is_none() {
            return;
        }
        grown.wait();
    }
}

pub(super) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Runs a future on this thread.
pub(super) fn wait_for<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
