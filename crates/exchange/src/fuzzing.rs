//! What the fuzz targets of this crate reach beside its public functions (`fuzz/`): cursors, of feeds and of questions.

use causeway_crypto::MacKey;
use causeway_model::AgreementId;

use crate::{Query, cursor, query};

/// The text that a feed's cursor reads as again, where it is one of this key and agreement.
pub fn feed_cursor(key: &MacKey, agreement: &AgreementId, text: &str) -> Option<String> {
    let position = cursor::decode(key, agreement, text).ok()?;
    Some(cursor::encode(key, agreement, position))
}

/// The text that a question's cursor reads as again, where it is one of this key, of the system `gb-nca/audit` and of this question.
pub fn query_cursor(key: &MacKey, question: &Query, text: &str) -> Option<String> {
    query::read_again(key, question, text)
}
