//! The protective defaults of a clause, and what it takes to relax one: a statement and its reason.

use toml::Value;

use crate::ReleasePeriod;
use crate::section::{Section, flag, positive, text};

/// Characters of a reason at least; a shorter one explains nothing.
const MIN_REASON_CHARS: usize = 10;
/// The minimum cell of a clause that states none.
pub(crate) const DEFAULT_MINIMUM_CELL: u32 = 11;
/// The greatest minimum cell: an entry holds 200 releases, and what a cell lacks of its size leaves in one entry.
const MAX_MINIMUM_CELL: u32 = 100;

/// What a clause may relax. Absent keys have the protective default.
pub(crate) struct Relaxations {
    pub(crate) release: ReleasePeriod,
    pub(crate) link_persons: bool,
    pub(crate) minimum_cell: u32,
    pub(crate) children: bool,
    pub(crate) copies_stay: bool,
}

impl Relaxations {
    /// Reads them; every relaxation without its reason, and every reason without its relaxation, is a fault.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let release = section.optional("release", |value| match text(value)?.as_str() {
            "daily" => Ok(ReleasePeriod::Daily),
            "weekly" => Ok(ReleasePeriod::Weekly),
            "immediate" => Ok(ReleasePeriod::Immediate),
            _ => Err("is not \"daily\", \"weekly\" or \"immediate\"".into()),
        });
        let release = release.unwrap_or(ReleasePeriod::Daily);
        reason(section, "release", release == ReleasePeriod::Immediate);
        let link_persons = relaxed(section, "link_persons");
        let children = relaxed(section, "children");
        let copies_stay = relaxed(section, "copies_stay");
        let minimum_cell = lowered(section, "minimum_cell", DEFAULT_MINIMUM_CELL);
        if let Some(cell) = minimum_cell {
            check_cell(section, cell, release, link_persons);
        }
        let minimum_cell = minimum_cell.unwrap_or(DEFAULT_MINIMUM_CELL);
        Self { release, link_persons, minimum_cell, children, copies_stay }
    }
}

/// Whether a minimum cell can be kept beside what else the clause states. What is stated and cannot be read has its own fault.
fn check_cell(section: &Section<'_>, cell: u32, release: ReleasePeriod, link_persons: bool) {
    if cell > MAX_MINIMUM_CELL {
        section.fault(
            "minimum_cell",
            format!("is more than {MAX_MINIMUM_CELL}: a group leaves in one entry, which holds 200 releases"),
        );
    }
    if cell == 1 {
        return;
    }
    // Without a batch there is nothing for which a recoding could be chosen.
    if release == ReleasePeriod::Immediate {
        section.fault(
            "release",
            "a minimum cell needs a release period: state release = \"daily\" or \"weekly\", \
             or minimum_cell = 1 with its reason",
        );
    }
    if link_persons {
        section.fault(
            "link_persons",
            "items of one person could be joined, and what they show together is in no cell: a minimum cell does not hold \
             where persons are linked; leave link_persons out, or state minimum_cell = 1 with its reason",
        );
    }
}

/// A number of at least 1 that protects: one below its default is a relaxation. The default where it is absent, none where it
/// is stated and cannot be read.
pub(crate) fn lowered(section: &mut Section<'_>, key: &str, default: u32) -> Option<u32> {
    let number = if section.has(key) { section.optional(key, positive) } else { Some(default) };
    reason(section, key, number.is_some_and(|number| number < default));
    number
}

/// A relaxation that is either made, with its reason, or not.
pub(crate) fn relaxed(section: &mut Section<'_>, key: &str) -> bool {
    let stated = section.optional(key, flag).unwrap_or(false);
    reason(section, key, stated);
    stated
}

/// The reason of something that is no relaxation: a text of some length.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn explanation(value: &Value) -> Result<String, String> {
    let reason = text(value)?;
    if explains(&reason) {
        return Ok(reason);
    }
    Err(format!("is no reason: it needs at least {MIN_REASON_CHARS} characters"))
}

fn explains(reason: &str) -> bool {
    reason.trim().chars().count() >= MIN_REASON_CHARS
}

fn reason(section: &mut Section<'_>, key: &str, relaxed: bool) {
    let reason_key = format!("{key}_reason");
    let stated = section.optional(&reason_key, text);
    match stated {
        Some(_) if !relaxed => section.fault(&reason_key, format!("gives a reason, but {key} is not relaxed")),
        Some(reason) if explains(&reason) => {}
        _ if relaxed => {
            section
                .fault(&reason_key, format!("relaxing {key} needs a reason of at least {MIN_REASON_CHARS} characters"));
        }
        _ => {}
    }
}
