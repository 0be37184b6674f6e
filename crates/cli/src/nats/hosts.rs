//! Where servers are: what is to be known of a place to start one there, and to ask it.

use std::ffi::OsString;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr};

/// A place for each server, by its index.
pub trait Hosts: Debug + Send + Sync {
    /// The address at which the others reach it.
    fn address(&self, index: usize) -> IpAddr;

    /// The words before a command that is to run there. They become that command: its process id is theirs.
    fn words(&self, index: usize) -> Vec<OsString>;

    /// Does something from there.
    fn on(&self, index: usize, work: &mut (dyn FnMut() + Send));
}

/// All of them on this machine's loopback.
#[derive(Debug, Clone, Copy)]
pub struct Loopback;

impl Hosts for Loopback {
    fn address(&self, _: usize) -> IpAddr {
        Ipv4Addr::LOCALHOST.into()
    }

    fn words(&self, _: usize) -> Vec<OsString> {
        Vec::new()
    }

    fn on(&self, _: usize, work: &mut (dyn FnMut() + Send)) {
        work();
    }
}
