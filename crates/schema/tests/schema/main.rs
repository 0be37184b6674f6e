//! What the schema crate promises to the others, on the schema files that ship with the gateway.

// The complete records are written as one `json!` each.
#![recursion_limit = "512"]

mod config_files;
mod parsing;
mod records;
mod rules;
mod split;
mod start;
