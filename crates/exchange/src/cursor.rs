//! Cursors: a feed and a position, with a MAC so that nobody else can make one.
//!
//! A cursor is `1.<position>.<mac>`. It holds no more than that: no value of the feed, nothing that expires.

use causeway_crypto::{Digest, MacKey};
use causeway_model::{AgreementId, Position};

use crate::Error;

/// Domain of a cursor's MAC, over the agreement id and the position (u64, big-endian).
const DOMAIN: &str = "causeway/v1/cursor";

/// Longest cursor there is: version, twenty digits, 64 hexadecimal digits and two dots.
const MAX_LENGTH: usize = 1 + 1 + 20 + 1 + 64;

/// The cursor that stands after `position` in the agreement's feed.
pub(crate) fn encode(key: &MacKey, agreement: &AgreementId, position: Position) -> String {
    let tag = key.tag(DOMAIN, &[agreement.as_str().as_bytes(), &position.0.to_be_bytes()]);
    format!("1.{}.{}", position.0, Digest(tag))
}

/// The position that a cursor of this agreement's feed names. Anybody else's cursor is refused like a forged one.
pub(crate) fn decode(key: &MacKey, agreement: &AgreementId, cursor: &str) -> Result<Position, Error> {
    let refused =
        || Error::invalid("cursor-invalid", "the cursor is not one of this feed; pull without one to start over");
    if cursor.len() > MAX_LENGTH {
        return Err(refused());
    }
    let (digits, tag) = cursor.strip_prefix("1.").and_then(|rest| rest.split_once('.')).ok_or_else(refused)?;
    let position = digits.parse::<u64>().map_err(|_| refused())?;
    let tag = from_hex(tag).ok_or_else(refused)?;
    let genuine = key.verify(DOMAIN, &[agreement.as_str().as_bytes(), &position.to_be_bytes()], &tag);
    // The same position and code can be spelt otherwise (a leading zero, upper case); only one spelling is a cursor.
    if genuine && encode(key, agreement, Position(position)) == cursor {
        Ok(Position(position))
    } else {
        Err(refused())
    }
}

pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, index) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(index..index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_bound_to_its_feed_and_position() {
        let key = MacKey::new([7; 32]);
        let albania: AgreementId = "ISA-AL-2026-014".parse().expect("well formed");
        let vietnam: AgreementId = "ISA-VN-2026-021".parse().expect("well formed");
        let cursor = encode(&key, &albania, Position(41));
        assert_eq!(decode(&key, &albania, &cursor).expect("its own"), Position(41));
        assert!(decode(&key, &vietnam, &cursor).is_err(), "another partner's");
        assert!(decode(&MacKey::new([8; 32]), &albania, &cursor).is_err(), "another gateway's");
        assert!(decode(&key, &albania, &cursor.replace("1.41.", "1.40.")).is_err(), "another position");
        for bad in ["", "1", "1.41", "1.41.zz", "2.41.00", &format!("{cursor}0"), &cursor.replace("1.41.", "1.+41.")] {
            assert!(decode(&key, &albania, bad).is_err(), "{bad}");
        }
        assert!(decode(&key, &albania, &cursor.to_uppercase()).is_err(), "another spelling");
        for index in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[index] ^= 1;
            let changed = String::from_utf8(bytes).expect("still ASCII");
            assert!(decode(&key, &albania, &changed).is_err(), "changed at {index}");
        }
    }

    #[test]
    fn every_position_reads_back_and_no_flipped_bit_or_moved_code_does() {
        let key = MacKey::new([7; 32]);
        let feed: AgreementId = "ISA-AL-2026-014".parse().expect("well formed");
        let drawn = (0..16).map(|_| u64::from_be_bytes(causeway_crypto::random()));
        let positions: Vec<u64> = [0, 1, 9, 10, u64::from(u32::MAX), u64::MAX].into_iter().chain(drawn).collect();
        let cursors: Vec<String> = positions.iter().map(|at| encode(&key, &feed, Position(*at))).collect();
        for (position, cursor) in positions.iter().zip(&cursors) {
            assert_eq!(decode(&key, &feed, cursor).expect("its own"), Position(*position));
            for (at, bit) in (0..cursor.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut bytes = cursor.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(decode(&key, &feed, &changed).is_err(), "bit {bit} of byte {at}");
            }
            for other in cursors.iter().filter(|other| *other != cursor) {
                let (place, code) =
                    (cursor.rsplit_once('.').expect("three parts").0, other.rsplit_once('.').expect("three parts").1);
                assert!(decode(&key, &feed, &format!("{place}.{code}")).is_err(), "the code of another position");
            }
        }
    }
}
