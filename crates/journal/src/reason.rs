//! The reason codes that `apply` knows: what an allowed entry with one of them does. Other codes only say what happened.

/// The first entry of a log, of operation administration: its actor's agency is the operator.
pub const REASON_GENESIS: &str = "genesis";

/// Closes genesis; of operation administration.
pub const REASON_GENESIS_COMPLETE: &str = "genesis-complete";

/// The alteration that withdraws a record.
pub const REASON_WITHDRAWN: &str = "withdrawn";

/// The alteration that makes a record's next version. Rules version 2; under the first a correction was a collection.
pub const REASON_CORRECTED: &str = "corrected";

/// The alteration that restricts a record's processing (DPA 2018 s.47): it leaves every feed, and is kept. Rules version 2.
pub const REASON_RESTRICTED: &str = "restricted";

/// The alteration that lifts a restriction. Rules version 2.
pub const REASON_UNRESTRICTED: &str = "unrestricted";

/// The retention entry that puts a record under a legal hold: neither erasure nor expiry touches it. Rules version 2.
pub const REASON_HOLD_SET: &str = "hold-set";

/// The retention entry that lifts a legal hold. Rules version 2.
pub const REASON_HOLD_LIFTED: &str = "hold-lifted";

/// The retention entry by which records whose last day is over are to be erased; needs no approvals. Rules version 2.
pub const REASON_RETENTION_EXPIRED: &str = "retention-expired";

/// The erasure that two persons of the owner approved: the records are unreadable from here on. Rules version 2.
pub const REASON_ERASURE_ORDERED: &str = "erasure-ordered";

/// The erasure's end: the keys of the records' bodies are destroyed. Rules version 2.
pub const REASON_ERASURE_COMPLETE: &str = "erasure-complete";

/// The key entry that begins a key's next epoch. Rules version 2.
pub const REASON_KEY_ROTATED: &str = "key-rotated";

/// Somebody asks for the identity in one record: consultation. Rules version 2.
pub const REASON_IDENTITY_REQUESTED: &str = "identity-requested";

/// A rostered person of the owner approves a request: consultation. Rules version 2.
pub const REASON_IDENTITY_APPROVED: &str = "identity-approved";

/// The owner refuses a request: consultation. Rules version 2.
pub const REASON_IDENTITY_REFUSED: &str = "identity-refused";

/// The sealed body of an approved request leaves to its owner's system: disclosure, once. Rules version 2.
pub const REASON_IDENTITY_RELEASED: &str = "identity-released";

/// The owner hands in what it has sealed again to the requesting partner: disclosure, once. Rules version 2.
pub const REASON_IDENTITY_DELIVERED: &str = "identity-delivered";

/// The partner fetches what was sealed to it: disclosure, once. Rules version 2.
pub const REASON_IDENTITY_COLLECTED: &str = "identity-collected";

/// The alteration that says that a person in a record is in danger: it leaves every feed, and is kept back. Rules version 3.
pub const REASON_AT_RISK: &str = "victim-at-risk";

/// A table of numbers is published: combination. Rules version 3.
pub const REASON_TABLE_PUBLISHED: &str = "table-published";

/// Recalls that a partner has not acknowledged in time: administration. Rules version 3.
pub const REASON_OVERDUE: &str = "acknowledgement-overdue";

/// From here on a quorum of witnesses is expected, which has not been there yet: administration, without effect.
pub const REASON_WITNESSES_EXPECTED: &str = "witnesses-expected";

/// No quorum of witnesses has cosigned a checkpoint for too long: administration, without effect.
pub const REASON_WITNESSES_AWAY: &str = "witnesses-away";

/// Nor for so long that disclosures have stopped: administration, without effect.
pub const REASON_DISCLOSURES_STOPPED: &str = "disclosures-stopped";

/// A quorum has cosigned again: administration, without effect.
pub const REASON_WITNESSES_BACK: &str = "witnesses-back";

/// A node of several says how far the log goes and what its root is, for the others to compare: administration. Rules version 5.
pub const REASON_CHECKPOINT: &str = "checkpoint";

/// The operator states which nodes share the log from here on: administration. Rules version 5.
pub const REASON_ROSTER_STATED: &str = "roster-stated";

/// A node begins a term in which it is the releaser, and no other node is: administration. Rules version 5.
pub const REASON_TERM_BEGUN: &str = "term-begun";

/// A node has destroyed the keys of what an entry ordered to be erased, in its own files: erasure. Rules version 5.
pub const REASON_ERASURE_ATTESTED: &str = "erasure-attested";

/// The name of the key that signs checkpoints, in key entries.
pub const KEY_CHECKPOINT_SIGNING: &str = "checkpoint-signing";

/// What the names of feeds' keys begin with, in key entries; the agreement's id follows.
pub const KEY_FEED_PREFIX: &str = "feed/";

/// The name of the key pages' keys, in key entries.
pub const KEY_PAGES: &str = "pages";

/// The name of the root key, in key entries.
pub const KEY_ROOT: &str = "root";

/// A key entry's action where the key before is not known to others.
pub const ACTION_ROTATED: &str = "rotated";

/// A key entry's action where the key before may be known to others.
pub const ACTION_COMPROMISED: &str = "rotated-after-compromise";
