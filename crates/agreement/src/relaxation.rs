//! The protective defaults of a clause, and what it takes to relax one: a statement and its reason.

use crate::ReleasePeriod;
use crate::section::{Section, flag, positive, text};

/// Characters of a reason at least; a shorter one explains nothing.
const MIN_REASON_CHARS: usize = 10;
/// The minimum cell of a clause that states none.
const DEFAULT_MINIMUM_CELL: u32 = 11;

/// What a clause may relax. Absent keys have the protective default.
pub(crate) struct Relaxations {
    pub(crate) release: ReleasePeriod,
    pub(crate) link_persons: bool,
    pub(crate) minimum_cell: u32,
    pub(crate) children: bool,
}

impl Relaxations {
    /// Reads them; every relaxation without its reason, and every reason without its relaxation, is a fault.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let release = section.optional("release", |value| match text(value)?.as_str() {
            "daily" => Ok(ReleasePeriod::Daily),
            "immediate" => Ok(ReleasePeriod::Immediate),
            _ => Err("is not \"daily\" or \"immediate\"".into()),
        });
        let release = release.unwrap_or(ReleasePeriod::Daily);
        reason(section, "release", release == ReleasePeriod::Immediate);
        let link_persons = relaxed(section, "link_persons");
        let children = relaxed(section, "children");
        let minimum_cell = section.optional("minimum_cell", positive).unwrap_or(DEFAULT_MINIMUM_CELL);
        reason(section, "minimum_cell", minimum_cell < DEFAULT_MINIMUM_CELL);
        if minimum_cell != 1 {
            // Ends when the releaser counts the persons behind each combination of values.
            section.fault(
                "minimum_cell",
                "record-level cells are not enforced yet: state minimum_cell = 1 with its reason, or wait",
            );
        }
        Self { release, link_persons, minimum_cell, children }
    }
}

/// A relaxation that is either made, with its reason, or not.
pub(crate) fn relaxed(section: &mut Section<'_>, key: &str) -> bool {
    let stated = section.optional(key, flag).unwrap_or(false);
    reason(section, key, stated);
    stated
}

fn reason(section: &mut Section<'_>, key: &str, relaxed: bool) {
    let reason_key = format!("{key}_reason");
    let stated = section.optional(&reason_key, text);
    match stated {
        Some(_) if !relaxed => section.fault(&reason_key, format!("gives a reason, but {key} is not relaxed")),
        Some(reason) if reason.trim().chars().count() >= MIN_REASON_CHARS => {}
        _ if relaxed => {
            section
                .fault(&reason_key, format!("relaxing {key} needs a reason of at least {MIN_REASON_CHARS} characters"));
        }
        _ => {}
    }
}
