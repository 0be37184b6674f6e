//! Reading an exclusion.

use super::filter;
use crate::Exclusion;
use crate::relaxation::explanation;
use crate::section::{Section, parsed};

pub(super) fn read(section: &mut Section<'_>) -> Option<Exclusion> {
    let id = section.required("id", parsed);
    let (kinds, filter) = filter::read(section, "it would exclude every record of that kind");
    // For whoever reads and approves the text; nothing depends on it.
    section.required("reason", explanation);
    Some(Exclusion { id: id?, kinds: kinds?, filter })
}
