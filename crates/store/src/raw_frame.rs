//! A frame as its bytes lie in the log: what is wanted of an item is found where it is, and nothing else is decoded or copied.

use std::ops::Range;

use causeway_journal::v1;

use crate::error::StoreError;
use crate::one_entry::item_offsets;

/// A frame whose bytes are those of its id.
pub(crate) struct RawFrame {
    bytes: Vec<u8>,
    /// Where each item begins.
    offsets: Vec<u32>,
}

/// What is needed of an item to open the body beside its entry.
#[derive(Clone, Copy)]
pub(crate) struct Shut<'f> {
    /// The entry's canonical bytes.
    pub(crate) entry: &'f [u8],
    /// None where the entry has no body.
    pub(crate) body: Option<Locked<'f>>,
}

/// A ciphertext, and where its key lies.
#[derive(Clone, Copy)]
pub(crate) struct Locked<'f> {
    pub(crate) page: u64,
    pub(crate) slot: u32,
    pub(crate) ciphertext: &'f [u8],
}

const NO_FRAME: StoreError = StoreError::Corrupt("an entry is not where it was applied");

impl RawFrame {
    /// The frame that these bytes are.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let offsets = item_offsets(&bytes);
        Self { bytes, offsets }
    }

    /// What is needed of the item at a place.
    pub(crate) fn shut(&self, place: u32) -> Result<Shut<'_>, StoreError> {
        let offset = usize::try_from(place).ok().and_then(|place| self.offsets.get(place)).ok_or(NO_FRAME)?;
        let bytes = usize::try_from(*offset).ok().and_then(|offset| self.bytes.get(offset..)).ok_or(NO_FRAME)?;
        shut_in(bytes).ok_or(NO_FRAME)
    }
}

impl std::fmt::Debug for RawFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawFrame({} bytes, {} items)", self.bytes.len(), self.offsets.len())
    }
}

impl<'f> Shut<'f> {
    /// Of an item that has been decoded.
    pub(crate) fn of(item: &'f v1::Item) -> Self {
        let locked = |body: &'f v1::Shrouded| Locked {
            page: body.page,
            slot: body.slot,
            ciphertext: body.ciphertext.as_slice(),
        };
        Self { entry: &item.entry, body: item.body.as_ref().map(locked) }
    }
}

/// The places of a body's schema and of its classified half in the bytes that it is.
pub(crate) fn half_in(body: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let (mut schema, mut classified) = (0..0, 0..0);
    let mut rest = body;
    while !rest.is_empty() {
        let (number, value) = field(&mut rest)?;
        let end = body.len() - rest.len();
        match (number, value) {
            (1, Value::Bytes(bytes)) => schema = end - bytes.len()..end,
            (2, Value::Bytes(bytes)) => classified = end - bytes.len()..end,
            _ => {}
        }
    }
    Some((schema, classified))
}

/// The item that begins with its own tag.
fn shut_in(bytes: &[u8]) -> Option<Shut<'_>> {
    let (_, Value::Bytes(mut item)) = field(&mut { bytes })? else { return None };
    let (mut entry, mut body) = (&[][..], None);
    while !item.is_empty() {
        match field(&mut item)? {
            (1, Value::Bytes(bytes)) => entry = bytes,
            (3, Value::Bytes(bytes)) => body = Some(locked_in(bytes)?),
            _ => {}
        }
    }
    Some(Shut { entry, body })
}

fn locked_in(mut bytes: &[u8]) -> Option<Locked<'_>> {
    // What is 0 is not written.
    let (mut page, mut slot, mut ciphertext) = (0, 0, &[][..]);
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            (1, Value::Number(number)) => page = number,
            (2, Value::Number(number)) => slot = u32::try_from(number).ok()?,
            (3, Value::Bytes(bytes)) => ciphertext = bytes,
            _ => {}
        }
    }
    Some(Locked { page, slot, ciphertext })
}

/// A field's value, of the two sorts that frames and bodies have.
pub(crate) enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// Takes the next field off a message, if it is whole: its number and its value.
pub(crate) fn field<'b>(rest: &mut &'b [u8]) -> Option<(u64, Value<'b>)> {
    let tag = varint(rest)?;
    let value = match tag & 7 {
        0 => Value::Number(varint(rest)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Value::Bytes(rest.split_off(..length)?)
        }
        _ => return None,
    };
    Some((tag >> 3, value))
}

/// A number as protobuf writes it: seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for place in 0..10 {
        let byte = bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn frame() -> v1::Frame {
        let shrouded = |number: u8| v1::Shrouded {
            page: u64::from(number) * 300,
            slot: u32::from(number % 3),
            ciphertext: vec![number; usize::from(number) * 40],
        };
        let item = |number: u8| v1::Item {
            entry: vec![number; 20 + usize::from(number)],
            aside: number.is_multiple_of(2).then(|| shrouded(200)),
            body: (number % 4 != 1).then(|| shrouded(number)),
            document_text: vec![7; usize::from(number % 5)],
        };
        v1::Frame {
            rules_version: 3,
            encapsulations: vec![vec![9; 300]],
            items: (0..40).map(item).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn what_is_found_is_what_a_decoder_finds() {
        let frame = frame();
        let raw = RawFrame::new(frame.encode_to_vec());
        let parts = |shut: Shut<'_>| {
            let body = shut.body.map(|body| (body.page, body.slot, body.ciphertext.to_vec()));
            (shut.entry.to_vec(), body)
        };
        for (place, item) in (0..).zip(&frame.items) {
            assert_eq!(raw.shut(place).map(parts).expect("found"), parts(Shut::of(item)), "{place}");
        }
        assert!(raw.shut(40).is_err());
    }

    #[test]
    fn a_half_is_where_a_decoder_finds_it_and_a_cut_is_refused() {
        let sealed = Some(v1::SealedBody { ciphertext: vec![3; 500], ..Default::default() });
        for sealed in [sealed, None] {
            let body = v1::Body { schema: "victim-profile/1.0".into(), classified: vec![1; 300], sealed };
            let bytes = body.encode_to_vec();
            let (schema, classified) = half_in(&bytes).expect("its own encoding");
            assert_eq!((&bytes[schema], &bytes[classified]), (body.schema.as_bytes(), &body.classified[..]));
            for cut in 0..bytes.len() {
                assert_eq!(half_in(&bytes[..cut]).is_some(), v1::Body::decode(&bytes[..cut]).is_ok(), "{cut}");
            }
        }
        assert!(half_in(&[0xff; 40]).is_none());
    }
}
