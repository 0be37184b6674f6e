//! The commands, one file each: its options and what it does with them.

pub(crate) mod acknowledge;
pub(crate) mod agreement;
pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod certs;
pub(crate) mod demo;
pub(crate) mod document;
pub(crate) mod erase;
pub(crate) mod hold;
pub(crate) mod identity;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod pseudonym;
pub(crate) mod pull;
pub(crate) mod receipt;
pub(crate) mod restrict;
pub(crate) mod retention;
pub(crate) mod sample;
pub(crate) mod schemas;
pub(crate) mod serve;
pub(crate) mod submit;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod withdraw;
