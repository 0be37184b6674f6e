//! What the commands of auditors have in common: which entries, the answer and its checks, and rows as text and JSON.

pub(crate) mod about;
pub(crate) mod answer;
pub(crate) mod asking;
pub(crate) mod beside;
pub(crate) mod checks;
pub(crate) mod filters;
pub(crate) mod moment;
pub(crate) mod row;
pub(crate) mod span;
#[cfg(test)]
pub(crate) mod test_answers;
