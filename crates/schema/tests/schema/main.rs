//! What the schema crate promises to the others, on the schema files that ship with the gateway.

// The complete records are written as one `json!` each.
#![recursion_limit = "512"]

mod any_list;
mod codes;
mod compat;
mod config_files;
mod facts;
mod fields;
mod parsing;
mod records;
mod rule_table;
mod rules;
mod split;
mod start;
mod summary;
