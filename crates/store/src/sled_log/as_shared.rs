//! A node's own log taken as the one that is shared: of one node, and the measure of what a shared one has to do.

use std::time::Duration;

use causeway_crypto::Digest;
use causeway_model::FrameSeq;

use super::SledLog;
use crate::log::{AppendError, Beside, FrameLog, ReadError};
use crate::shared_log::{Assurance, AssureError, Head, SharedLog, log_id_of};

/// Any frame's head is a head of the log; a frame in memory is enough to read its log's id.
const ONE_FRAME: usize = 1;

impl SharedLog for SledLog {
    fn append(&self, id: &Digest, bytes: &[u8], expect: Option<FrameSeq>) -> Result<FrameSeq, AppendError> {
        FrameLog::append(self, id, bytes, &Beside::default(), expect)
    }

    fn read(&self, from: FrameSeq, max_bytes: usize) -> Result<Vec<(FrameSeq, Vec<u8>)>, ReadError> {
        FrameLog::read(self, from, max_bytes)
    }

    fn wait(&self, after: FrameSeq, until: Duration) -> FrameSeq {
        FrameLog::wait(self, after, until)
    }

    fn head(&self) -> Result<Head, ReadError> {
        let last = FrameLog::wait(self, FrameSeq(0), Duration::ZERO);
        let first = FrameLog::read(self, FrameSeq(1), ONE_FRAME)?;
        let log = first.first().map(|(_, bytes)| log_id_of(bytes)).transpose()?;
        Ok(Head { log, last })
    }

    fn assure(&self) -> Result<Assurance, AssureError> {
        FrameLog::assure(self)?;
        let head = FrameLog::wait(self, FrameSeq(0), Duration::ZERO);
        let bytes = crate::measures::folder_bytes(&self.dir);
        Ok(Assurance { head, checked: vec!["this machine".into()], away: Vec::new(), bytes, max_bytes: None })
    }

    fn close(&self) -> Result<(), ReadError> {
        FrameLog::close(self)
    }
}
