//! What an entry is found by, and the keyed hashes that stand for it in the index, so that its files hold nothing readable.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hasher;

use causeway_crypto::MacKey;
use causeway_journal::v1;
use causeway_model::ClauseId;

/// One thing that an entry is found by. Empty texts are not indexed: nothing is found by them.
#[derive(Clone, PartialEq, Eq)]
pub enum Term {
    /// The operation that the entry records.
    Operation(v1::Operation),
    /// Whether what was asked for was done.
    Decision(v1::Decision),
    /// The agency that acted.
    Agency(String),
    /// The system that acted.
    System {
        /// Its agency.
        agency: String,
        /// Its name.
        system: String,
    },
    /// The person who acted. Found while the opening of the entry's commitment could be read when it was indexed.
    Operator {
        /// The agency that acted.
        agency: String,
        /// The operator id, in clear.
        id: String,
    },
    /// The agency that received.
    Recipient(String),
    /// The agreement that the entry's recipient, releases, withdrawals, page, acknowledgement, table or overdue recalls are
    /// of, or that it brings into force or suspends.
    Agreement(String),
    /// The clause that a decision about a recipient or a release rests on, or something in a disclosed page.
    Clause {
        /// The clause's agreement.
        agreement: String,
        /// The clause, as `c3.2`.
        clause: String,
    },
    /// The purpose's code.
    Purpose(String),
    /// What `apply` made of the entry, as [`causeway_journal::Outcome::as_str`] names it.
    Outcome(String),
    /// The reason code.
    Reason(String),
    /// The request that the entry was written for.
    RequestId([u8; 16]),
}

impl fmt::Debug for Term {
    /// The kind alone: a term may be an operator's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Term({})", self.kind())
    }
}

impl Term {
    /// A number for each kind, for ever: it is hashed.
    const fn kind(&self) -> u8 {
        match self {
            Self::Operation(_) => 1,
            Self::Decision(_) => 2,
            Self::Agency(_) => 3,
            Self::System { .. } => 4,
            Self::Operator { .. } => 5,
            Self::Recipient(_) => 6,
            Self::Agreement(_) => 7,
            Self::Clause { .. } => 8,
            Self::Purpose(_) => 9,
            Self::Outcome(_) => OUTCOME,
            Self::Reason(_) => 11,
            Self::RequestId(_) => 12,
        }
    }
}

const OUTCOME: u8 = 10;

/// Bytes of a term beyond which it is not put together before it is hashed.
const LONG_TERM: usize = 128;

/// The key of terms' hashes: of one log, and of one key ring.
#[derive(Clone)]
pub(crate) struct TermKey {
    first: u64,
    second: u64,
}

impl fmt::Debug for TermKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TermKey(..)")
    }
}

impl TermKey {
    /// The key for a log's entries.
    pub(crate) fn of(index_key: &MacKey, log_id: &[u8; 16]) -> Self {
        let tag = index_key.tag("causeway/v1/index/terms", &[log_id]);
        let (words, _) = tag.as_chunks::<8>();
        Self { first: u64::from_le_bytes(words[0]), second: u64::from_le_bytes(words[1]) }
    }

    /// The hash of a term that is searched for.
    pub(crate) fn hash(&self, term: &Term) -> u64 {
        let kind = term.kind();
        match term {
            Term::Operation(operation) => self.of_parts(kind, &i32::from(*operation).to_be_bytes(), &[]),
            Term::Decision(decision) => self.of_parts(kind, &i32::from(*decision).to_be_bytes(), &[]),
            Term::System { agency: first, system: second }
            | Term::Operator { agency: first, id: second }
            | Term::Clause { agreement: first, clause: second } => {
                self.of_parts(kind, first.as_bytes(), second.as_bytes())
            }
            Term::Agency(text)
            | Term::Recipient(text)
            | Term::Agreement(text)
            | Term::Purpose(text)
            | Term::Outcome(text)
            | Term::Reason(text) => self.of_parts(kind, text.as_bytes(), &[]),
            Term::RequestId(id) => self.of_parts(kind, id, &[]),
        }
    }

    /// A number that tells this key from another one, and nothing of it.
    pub(crate) fn check(&self) -> u64 {
        self.of_parts(0, b"check", &[])
    }

    /// The hash of an outcome.
    pub(crate) fn of_outcome(&self, outcome: &str) -> u64 {
        self.of_parts(OUTCOME, outcome.as_bytes(), &[])
    }

    /// The hashes of all terms of an entry but its outcome, which only `apply` knows: each once, in ascending order.
    /// `operator` is the operator id in clear; empty where there is none or it cannot be read any more. `clauses` are those of what its
    /// page held.
    pub(crate) fn of_entry(&self, entry: &v1::Entry, operator: &str, clauses: &BTreeSet<ClauseId>) -> Vec<u64> {
        let mut hashes = Hashes { key: self, all: Vec::with_capacity(16) };
        hashes.all.push(self.of_parts(1, &entry.operation.to_be_bytes(), &[]));
        hashes.all.push(self.of_parts(2, &entry.decision.to_be_bytes(), &[]));
        if let Some(v1::Actor { agency, system, .. }) = &entry.actor {
            hashes.add(3, agency, "");
            hashes.add_pair(4, agency, system);
            hashes.add_pair(5, agency, operator);
        }
        hashes.add(9, &entry.purpose_code, "");
        hashes.add(11, &entry.reason, "");
        if !entry.request_id.is_empty() {
            hashes.all.push(self.of_parts(12, &entry.request_id, &[]));
        }
        hashes.add_agreements(entry);
        let feed = entry.page.as_ref().map_or("", |page| &page.feed);
        clauses.iter().for_each(|clause| hashes.add_pair(8, feed, clause.as_str()));
        let mut all = hashes.all;
        all.sort_unstable();
        all.dedup();
        all
    }

    #[expect(
        deprecated,
        reason = "std's only SipHash-2-4 under a key that is given; the hashers that took its place may change"
    )]
    fn of_parts(&self, kind: u8, first: &[u8], second: &[u8]) -> u64 {
        let mut hasher = std::hash::SipHasher::new_with_keys(self.first, self.second);
        // The first part's length keeps ("ab", "c") from being ("a", "bc").
        let [a, b, c, d] = u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes();
        let parts: [&[u8]; 3] = [&[kind, a, b, c, d], first, second];
        // One write costs much less than three, and this is on the way of every append.
        let mut message = [0; LONG_TERM];
        let mut end = 0;
        for part in parts {
            match message.get_mut(end..end + part.len()) {
                Some(room) => room.copy_from_slice(part),
                None => {
                    parts.iter().for_each(|part| hasher.write(part));
                    return hasher.finish();
                }
            }
            end += part.len();
        }
        hasher.write(&message[..end]);
        hasher.finish()
    }
}

/// The hashes of an entry so far.
struct Hashes<'a> {
    key: &'a TermKey,
    all: Vec<u64>,
}

impl Hashes<'_> {
    fn add(&mut self, kind: u8, first: &str, second: &str) {
        if !first.is_empty() {
            self.all.push(self.key.of_parts(kind, first.as_bytes(), second.as_bytes()));
        }
    }

    fn add_pair(&mut self, kind: u8, first: &str, second: &str) {
        if !second.is_empty() {
            self.add(kind, first, second);
        }
    }

    fn add_agreements(&mut self, entry: &v1::Entry) {
        entry.agreements().for_each(|agreement| self.add(7, agreement, ""));
        if let Some(v1::Recipient { agency, agreement, clause, .. }) = &entry.recipient {
            self.add(6, agency, "");
            self.add_pair(8, agreement, clause);
        }
        if let Some(batch) = &entry.releases {
            let mut before = "";
            for release in &batch.releases {
                // Runs of one clause are the rule; each is hashed once.
                if release.clause != before {
                    self.add_pair(8, &batch.feed, &release.clause);
                    before = &release.clause;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aumasson and Bernstein, "SipHash: a fast short-input PRF", appendix A: key 00..0f, message 00..0e.
    #[test]
    #[expect(deprecated, reason = "see of_parts")]
    fn the_hash_is_siphash_2_4() {
        let word = |from: u8| u64::from_le_bytes(std::array::from_fn(|at| from + u8::try_from(at).expect("below 8")));
        let mut hasher = std::hash::SipHasher::new_with_keys(word(0), word(8));
        hasher.write(&(0..15).collect::<Vec<u8>>());
        assert_eq!(hasher.finish(), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn a_term_is_hashed_as_its_parts_are_whatever_its_length() {
        let key = TermKey::of(&MacKey::new([1; 32]), &[2; 16]);
        #[expect(deprecated, reason = "see of_parts")]
        let in_parts = |first: &[u8], second: &[u8]| {
            let mut hasher = std::hash::SipHasher::new_with_keys(key.first, key.second);
            hasher.write(&[4]);
            hasher.write(&u32::try_from(first.len()).expect("short").to_be_bytes());
            hasher.write(first);
            hasher.write(second);
            hasher.finish()
        };
        for (one, other) in [(0, 0), (3, 0), (60, 63), (60, 64), (123, 0), (124, 0), (9, 200), (300, 300)] {
            let (first, second) = (vec![7; one], vec![8; other]);
            assert_eq!(key.of_parts(4, &first, &second), in_parts(&first, &second), "{one} and {other}");
        }
    }

    #[test]
    fn an_entry_has_the_terms_that_it_is_searched_by_and_no_others() {
        let key = TermKey::of(&MacKey::new([1; 32]), &[2; 16]);
        let release = |clause: &str| v1::Release { clause: clause.into(), ..Default::default() };
        let entry = v1::Entry {
            operation: v1::Operation::Disclosure.into(),
            decision: v1::Decision::Allowed.into(),
            reason: "accepted".into(),
            actor: Some(v1::Actor { agency: "gb-nca".into(), system: "cms".into(), ..Default::default() }),
            purpose_code: "prevention".into(),
            recipient: Some(v1::Recipient { agency: "al-police".into(), agreement: "A".into(), ..Default::default() }),
            releases: Some(v1::ReleaseBatch {
                feed: "B".into(),
                releases: vec![release("c1"), release("c2"), release("c1")],
                ..Default::default()
            }),
            page: Some(v1::Page { feed: "C".into(), ..Default::default() }),
            request_id: vec![9; 16],
            ..Default::default()
        };
        let pair = |first: &str, second: &str| (first.to_owned(), second.to_owned());
        let clause = |text: &str| {
            let (agreement, clause) = pair("B", text);
            Term::Clause { agreement, clause }
        };
        let (agency, system) = pair("gb-nca", "cms");
        let terms = [
            Term::Operation(v1::Operation::Disclosure),
            Term::Decision(v1::Decision::Allowed),
            Term::Agency(agency.clone()),
            Term::System { agency: agency.clone(), system },
            Term::Operator { agency, id: "a.clerk".into() },
            Term::Recipient("al-police".into()),
            Term::Agreement("A".into()),
            Term::Agreement("B".into()),
            Term::Agreement("C".into()),
            clause("c1"),
            clause("c2"),
            Term::Purpose("prevention".into()),
            Term::Reason("accepted".into()),
            Term::RequestId([9; 16]),
        ];
        let held = Term::Clause { agreement: "C".into(), clause: "c7.1".into() };
        let clauses = BTreeSet::from(["c7.1".parse().expect("a clause")]);
        let terms = terms.into_iter().chain([held]).collect::<Vec<_>>();
        let mut expected: Vec<u64> = terms.iter().map(|term| key.hash(term)).collect();
        expected.sort_unstable();
        assert_eq!(key.of_entry(&entry, "a.clerk", &clauses), expected);
        assert_eq!(key.of_entry(&entry, "", &BTreeSet::new()).len(), expected.len() - 2);
        assert_eq!(key.of_outcome("effective"), key.hash(&Term::Outcome("effective".into())));
        assert_ne!(key.hash(&terms[2]), TermKey::of(&MacKey::new([1; 32]), &[3; 16]).hash(&terms[2]));
        assert_eq!(format!("{:?}", terms[4]), "Term(5)");
    }
}
