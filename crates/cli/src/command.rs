//! The commands, one file each: its options and what it does with them.

pub(crate) mod acknowledge;
pub(crate) mod audit;
pub(crate) mod certs;
pub(crate) mod demo;
pub(crate) mod import;
pub(crate) mod pull;
pub(crate) mod receipt;
pub(crate) mod sample;
pub(crate) mod schemas;
pub(crate) mod serve;
pub(crate) mod submit;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod withdraw;
