//! The form in which the first start of a gateway reads the approvals of a document: a table each, base64 for what is bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_journal::v1::Approval;
use serde::Serialize;

#[derive(Serialize)]
struct Form {
    approval: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    agency: String,
    person: String,
    public_key: String,
    signature: String,
}

/// The text of the file, which begins by saying what is approved.
pub(crate) fn approvals_text(about: &str, approvals: impl IntoIterator<Item = Approval>) -> String {
    let row = |approval: Approval| Row {
        agency: approval.agency,
        person: approval.person,
        public_key: STANDARD.encode(approval.public_key),
        signature: STANDARD.encode(approval.signature),
    };
    let form = Form { approval: approvals.into_iter().map(row).collect() };
    format!("# {about}\n\n{}", toml::to_string(&form).expect("a list of tables of texts is TOML"))
}
