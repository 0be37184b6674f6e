//! Frames to append: of the form that the journal gives them, with nothing in them that means anything.

use causeway_crypto::Digest;
use causeway_journal::{encode_frame, frame_id, v1};
use causeway_model::FrameSeq;
use causeway_store::SharedLog;

/// The log that all of them are of.
pub(crate) const LOG: [u8; 16] = [9; 16];

/// A frame that nobody else appends.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) id: Digest,
    pub(crate) bytes: Vec<u8>,
}

/// The frame with this number of this writer, about so long, in this log.
pub(crate) fn frame_in(log: [u8; 16], writer: &str, number: usize, length: usize) -> Frame {
    let item = v1::Item {
        entry: format!("{writer} {number}").into_bytes(),
        document_text: vec![b'x'; length],
        ..Default::default()
    };
    let frame = v1::Frame { rules_version: 1, log_id: log.to_vec(), items: vec![item], ..Default::default() };
    let bytes = encode_frame(&frame).expect("well formed");
    Frame { id: frame_id(&bytes), bytes }
}

pub(crate) fn frame(writer: &str, number: usize) -> Frame {
    frame_in(LOG, writer, number, 400)
}

/// Everything that a log holds, once it gives as much as `last`.
pub(crate) fn all(log: &dyn SharedLog, last: FrameSeq) -> Vec<(FrameSeq, Digest)> {
    let mut read = Vec::new();
    while read.len() < usize::try_from(last.0).expect("few") {
        let next = FrameSeq(read.len() as u64 + 1);
        let frames = log.read(next, 1 << 20).expect("readable");
        if frames.is_empty() {
            log.wait(FrameSeq(next.0 - 1), std::time::Duration::from_millis(100));
        }
        read.extend(frames.into_iter().map(|(seq, bytes)| (seq, frame_id(&bytes))));
    }
    for (index, (seq, _)) in read.iter().enumerate() {
        assert_eq!(seq.0, index as u64 + 1, "dense from 1");
    }
    read
}

/// That a log holds what was acknowledged, where it was acknowledged, and nothing twice.
pub(crate) fn holds(log: &dyn SharedLog, acknowledged: &[(FrameSeq, Digest)]) {
    let head = log.head().expect("a head").last;
    let read = all(log, head);
    for (seq, id) in acknowledged {
        let there = usize::try_from(seq.0).ok().and_then(|seq| read.get(seq - 1));
        assert_eq!(there, Some(&(*seq, *id)), "acknowledged at {seq}");
    }
    let mut ids: Vec<_> = read.iter().map(|(_, id)| *id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), read.len(), "nothing is there twice");
}
