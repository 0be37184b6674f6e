//! What a part holds: records one after the other, each a kind, a number, a length, and so many bytes.

use causeway_model::FrameSeq;

const FRAME: u8 = b'f';
const KEY_PAGE: u8 = b'k';
const PAST: u8 = b'p';
const CHECKPOINT: u8 = b'c';

/// Kind, number and length.
const HEAD_BYTES: usize = 1 + 8 + 4;

/// One thing of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// A frame's bytes.
    Frame(FrameSeq, &'a [u8]),
    /// A key page as it is stored. A later one of the same number takes its place.
    KeyPage(u64, &'a [u8]),
    /// A checkpoint of the past, signed and perhaps cosigned.
    Past(&'a str),
    /// The checkpoint that the frames before it come to: it ends a run.
    Checkpoint(&'a str),
}

impl Record<'_> {
    /// Appends its bytes.
    pub(crate) fn put(&self, part: &mut Vec<u8>) {
        let (kind, number, bytes) = match self {
            Self::Frame(seq, bytes) => (FRAME, seq.0, *bytes),
            Self::KeyPage(number, bytes) => (KEY_PAGE, *number, *bytes),
            Self::Past(note) => (PAST, 0, note.as_bytes()),
            Self::Checkpoint(note) => (CHECKPOINT, 0, note.as_bytes()),
        };
        let length = u32::try_from(bytes.len()).expect("frames, pages and notes are far below 4 GiB");
        part.push(kind);
        part.extend_from_slice(&number.to_be_bytes());
        part.extend_from_slice(&length.to_be_bytes());
        part.extend_from_slice(bytes);
    }
}

/// The records of a part, in order. An error says what is wrong.
pub(crate) fn records(mut part: &[u8]) -> impl Iterator<Item = Result<Record<'_>, &'static str>> {
    std::iter::from_fn(move || {
        if part.is_empty() {
            return None;
        }
        let next = next(part);
        part = next.as_ref().map_or(&[], |(_, rest)| rest);
        Some(next.map(|(record, _)| record))
    })
}

fn next(part: &[u8]) -> Result<(Record<'_>, &[u8]), &'static str> {
    let cut = "ends within a record";
    let (head, rest) = part.split_first_chunk::<HEAD_BYTES>().ok_or(cut)?;
    let (number, length) = head[1..].split_first_chunk::<8>().expect("a head is longer");
    let number = u64::from_be_bytes(*number);
    let length = u32::from_be_bytes(length.try_into().expect("four bytes are left of a head"));
    let (bytes, rest) = rest.split_at_checked(usize::try_from(length).map_err(|_| cut)?).ok_or(cut)?;
    let text = || std::str::from_utf8(bytes).map_err(|_| "holds a checkpoint that is no text");
    let record = match head[0] {
        FRAME => Record::Frame(FrameSeq(number), bytes),
        KEY_PAGE => Record::KeyPage(number, bytes),
        PAST => Record::Past(text()?),
        CHECKPOINT => Record::Checkpoint(text()?),
        _ => return Err("holds a record of an unknown kind"),
    };
    Ok((record, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_a_cut_or_unknown_one_is_a_fault() {
        let all = [
            Record::Frame(FrameSeq(7), b"frame"),
            Record::KeyPage(3, b""),
            Record::Past("a\n"),
            Record::Checkpoint("b"),
        ];
        let mut part = Vec::new();
        all.iter().for_each(|record| record.put(&mut part));
        assert_eq!(records(&part).collect::<Result<Vec<_>, _>>(), Ok(all.to_vec()));
        assert!(records(&part[..part.len() - 1]).any(|record| record.is_err()));
        part[0] = b'x';
        assert_eq!(records(&part).collect::<Vec<_>>(), [Err("holds a record of an unknown kind")]);
    }
}
