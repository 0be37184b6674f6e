//! Limits as they are held: rates, places and floods of each party, from the handshake to the last byte of an answer. What they are is
//! in the settings (`config/limits.rs`); nothing here knows of a record.

mod arriving;
mod attached;
mod bucket;
mod frames;
mod handshakes;
mod leaving;
mod link;
mod over;
mod parties;

pub(crate) use attached::Attached;
pub(crate) use frames::{Flood, Frames};
pub(crate) use handshakes::{Handshakes, Place as HandshakePlace};
pub(crate) use leaving::Pages;
pub(crate) use link::Link;
pub(crate) use over::Over;
pub(crate) use parties::{Manner, Parties, Place, Room};
