//! Whom a verifier believes: the log's keys, the witnesses of a policy, and how old what they signed may be.

use causeway_journal::note::Note;
use causeway_journal::{Checkpoint, JournalError, Policy, VerifierKey};

use crate::VerifyError;

/// How far the clock of who made evidence may be ahead of the verifier's.
const MAX_AHEAD_SECONDS: u64 = 300;

/// How old evidence may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Its greatest age, in seconds.
    pub max_age_seconds: u64,
    /// The verifier's own time, in seconds since 1970-01-01T00:00:00Z.
    pub now_seconds: u64,
}

/// Whom a verifier believes. Without a key and without a policy nobody: evidence can then be consistent and proves nothing.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    policy: Option<Policy>,
    freshness: Option<Freshness>,
}

/// A checkpoint, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The log's keys that signed it; none where none were given.
    pub signers: Vec<VerifierKey>,
    /// The policy's witnesses that cosigned it, with the time in seconds since 1970.
    pub cosigned: Vec<(String, u64)>,
    /// Whether those are enough; also where no witness is asked for.
    pub quorum: bool,
    /// Since when enough witnesses have known it, in seconds since 1970.
    pub witnessed_seconds: Option<u64>,
}

impl Trust {
    /// Believes a policy, and these keys of logs beside those that it names.
    pub fn new(policy: Option<Policy>, keys: &[VerifierKey], freshness: Option<Freshness>) -> Self {
        let policy = match (policy, keys) {
            (Some(policy), keys) => Some(policy.with_log_keys(keys)),
            (None, [first, rest @ ..]) => Some(Policy::of_key(first.clone()).with_log_keys(rest)),
            (None, []) => None,
        };
        Self { policy, freshness }
    }

    /// Whether anybody is believed.
    pub fn is_somebody(&self) -> bool {
        self.policy.is_some()
    }

    /// Reads a signed checkpoint and verifies the signatures on it that are of keys which are known here.
    ///
    /// # Errors
    /// A note that is no checkpoint, that no key of its log signed, or with a known key's signature that is wrong. That too few
    /// witnesses cosigned is no error here, but in [`Trust::vouch`].
    pub fn check(&self, note: &str) -> Result<Vouched, VerifyError> {
        let Some(policy) = &self.policy else {
            let checkpoint = Checkpoint::parse(Note::parse(note)?.text)?;
            let (signers, cosigned) = (Vec::new(), Vec::new());
            return Ok(Vouched { checkpoint, signers, cosigned, quorum: true, witnessed_seconds: None });
        };
        let verdict = policy.check(note).map_err(|error| match error {
            JournalError::Signature(_) => another_key(note, policy).unwrap_or_else(|| error.into()),
            error => error.into(),
        })?;
        Ok(Vouched {
            checkpoint: verdict.checkpoint,
            signers: verdict.log_keys,
            cosigned: verdict.cosigned,
            quorum: verdict.quorum,
            witnessed_seconds: verdict.newest_quorum_time,
        })
    }

    /// Whether a checkpoint that holds is also vouched for as was asked: by somebody, by enough witnesses, and not too long ago. Its
    /// time is the witnesses' or, where the policy asks for none, that of the newest entry that was verified with it.
    ///
    /// # Errors
    /// [`VerifyError::Unsigned`], [`VerifyError::BelowQuorum`], [`VerifyError::Stale`] or, more than five minutes ahead, [`VerifyError::Ahead`].
    pub fn vouch(&self, vouched: &Vouched, newest_entry_micros: Option<u64>) -> Result<(), VerifyError> {
        let policy = self.policy.as_ref().ok_or(VerifyError::Unsigned)?;
        if !vouched.quorum {
            return Err(VerifyError::BelowQuorum { cosigned: vouched.cosigned.len() });
        }
        let Some(Freshness { max_age_seconds, now_seconds }) = self.freshness else { return Ok(()) };
        let time = match policy.asks_for_witnesses() {
            true => vouched.witnessed_seconds,
            false => newest_entry_micros.map(|micros| micros / 1_000_000),
        };
        let ahead = time.map_or(0, |time| time.saturating_sub(now_seconds));
        if ahead > MAX_AHEAD_SECONDS {
            return Err(VerifyError::Ahead { seconds: ahead });
        }
        match time.map(|time| now_seconds.saturating_sub(time)) {
            Some(age) if age <= max_age_seconds => Ok(()),
            age_seconds => Err(VerifyError::Stale { age_seconds, limit_seconds: max_age_seconds }),
        }
    }
}

/// A signer that bears the name of a key that was given, and is another.
fn another_key(note: &str, policy: &Policy) -> Option<VerifyError> {
    let note = Note::parse(note).ok()?;
    let is_other = |name: &str, id: [u8; 4]| {
        let mut of_name = policy.logs().iter().filter(|log| log.key.name() == name).peekable();
        of_name.peek().is_some() && of_name.all(|log| log.key.key_id() != id)
    };
    let other = note.signatures.iter().find(|signature| is_other(&signature.name, signature.key_id))?;
    Some(VerifyError::OtherKey { signer: format!("{}+{}", other.name, crate::hex::hex(&other.key_id)) })
}
