//! Entries and frames as bytes: one encoding each, and limits that are applied before anything is decoded.

use causeway_crypto::{Digest, sha256};
use prost::Message;

use crate::{JournalError, shape, v1};

/// Largest entry.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// Largest frame.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// Largest text of a governed document.
pub const MAX_DOCUMENT_BYTES: usize = 128 * 1024;

/// The canonical bytes of an entry: a leaf of the tree.
///
/// # Errors
/// An entry over 16 KiB, or one whose fields could not be read back: an unknown operation, an id of a wrong length.
pub fn encode_entry(entry: &v1::Entry) -> Result<Vec<u8>, JournalError> {
    shape::check_entry(entry)?;
    within("entry", entry.encoded_len(), MAX_ENTRY_BYTES)?;
    Ok(entry.encode_to_vec())
}

/// Reads an entry.
///
/// # Errors
/// Whatever [`encode_entry`] would not have written: too long, not canonical, a field that cannot hold what it holds.
pub fn decode_entry(bytes: &[u8]) -> Result<v1::Entry, JournalError> {
    within("entry", bytes.len(), MAX_ENTRY_BYTES)?;
    let entry: v1::Entry = canonical("entry", bytes)?;
    shape::check_entry(&entry)?;
    Ok(entry)
}

/// The canonical bytes of a frame. The entries in it must come from [`encode_entry`].
///
/// # Errors
/// A frame over 256 KiB, without entries, or with fields of wrong lengths.
pub fn encode_frame(frame: &v1::Frame) -> Result<Vec<u8>, JournalError> {
    shape::check_frame(frame)?;
    within("frame", frame.encoded_len(), MAX_FRAME_BYTES)?;
    Ok(frame.encode_to_vec())
}

/// Reads a frame; the entries in it are decoded apart, by [`decode_entry`].
///
/// # Errors
/// Whatever [`encode_frame`] would not have written.
pub fn decode_frame(bytes: &[u8]) -> Result<v1::Frame, JournalError> {
    within("frame", bytes.len(), MAX_FRAME_BYTES)?;
    let frame: v1::Frame = canonical("frame", bytes)?;
    shape::check_frame(&frame)?;
    Ok(frame)
}

/// The id of a frame: SHA-256 of its bytes.
pub fn frame_id(bytes: &[u8]) -> Digest {
    sha256(&[bytes])
}

fn within(what: &'static str, length: usize, limit: usize) -> Result<(), JournalError> {
    if length <= limit { Ok(()) } else { Err(JournalError::TooLarge { what, limit }) }
}

/// prost skips unknown fields and takes fields in any order: only bytes that come out again are the one encoding.
fn canonical<M: Message + Default>(what: &'static str, bytes: &[u8]) -> Result<M, JournalError> {
    let message = M::decode(bytes).map_err(|_| JournalError::NotCanonical(what))?;
    if message.encode_to_vec() == bytes { Ok(message) } else { Err(JournalError::NotCanonical(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> v1::Entry {
        v1::Entry {
            entry_id: vec![7; 16],
            time_micros: 1,
            operation: v1::Operation::Consultation.into(),
            decision: v1::Decision::Allowed.into(),
            reason: "accepted".into(),
            actor: Some(v1::Actor { agency: "gb-nca".into(), ..Default::default() }),
            ..Default::default()
        }
    }

    #[test]
    fn an_entry_has_one_encoding() {
        let bytes = encode_entry(&entry()).expect("well formed");
        assert_eq!(decode_entry(&bytes), Ok(entry()));
        let not_canonical = Err(JournalError::NotCanonical("entry"));
        let unknown_field = [&bytes[..], &[0xf8, 0x07, 0x01]].concat();
        assert_eq!(decode_entry(&unknown_field), not_canonical);
        let default_written = [&bytes[..], &[0xa8, 0x01, 0x00]].concat();
        assert_eq!(decode_entry(&default_written), not_canonical, "count = 0");
        let moved = [&bytes[18..], &bytes[..18]].concat();
        assert_eq!(decode_entry(&moved), not_canonical, "the id (18 bytes) after the rest");
        assert_eq!(decode_entry(&bytes[..bytes.len() - 1]), not_canonical);
        let long_varint = [&bytes[..18], &[0x10, 0x81, 0x00], &bytes[20..]].concat();
        assert_eq!(decode_entry(&long_varint), not_canonical, "time 1 in two bytes");
    }

    #[test]
    fn an_entry_over_the_limit_is_not_decoded() {
        let large = v1::Entry { body_digest: vec![0; 32], ..entry() };
        let records = vec![v1::RecordRef { record_id: vec![1; 16], ..Default::default() }; 900];
        let refused = encode_entry(&v1::Entry { records, ..large });
        assert_eq!(refused, Err(JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES }));
        let refused = decode_entry(&vec![0xff; MAX_ENTRY_BYTES + 1]);
        assert_eq!(refused, Err(JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES }));
        let refused = decode_frame(&vec![0xff; MAX_FRAME_BYTES + 1]);
        assert_eq!(refused, Err(JournalError::TooLarge { what: "frame", limit: MAX_FRAME_BYTES }));
    }

    #[test]
    fn every_byte_of_a_frame_counts() {
        let frame = v1::Frame {
            rules_version: 1,
            log_id: vec![9; 16],
            items: vec![v1::Item { entry: encode_entry(&entry()).expect("well formed"), ..Default::default() }],
            ..Default::default()
        };
        let bytes = encode_frame(&frame).expect("well formed");
        assert_eq!(decode_frame(&bytes), Ok(frame));
        for cut in 0..bytes.len() {
            assert!(decode_frame(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
