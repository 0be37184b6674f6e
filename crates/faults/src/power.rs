//! A power cut: what a gateway writes and syncs is recorded by a shim, and the disk is built again as the cut may have left it.

mod base;
mod cuts;
mod disk;
mod file;
mod folder;
mod names;
mod points;
mod recording;
mod survival;

pub(crate) use base::Base;
pub(crate) use cuts::{Found, Looking, Played, Subject, cut_off, left};
pub(crate) use disk::{Disk, Forgets};
pub(crate) use points::{Point, Wanted, choose};
pub(crate) use recording::{Event, Recorder, Recording};
pub(crate) use survival::Survival;
