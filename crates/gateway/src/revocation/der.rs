//! The few fields of a revocation list that webpki keeps to itself (RFC 5280 section 5.1, DER as in X.690). What is read here has
//! parsed as a whole before.

use std::time::Duration;

use causeway_model::Date;
use rustls_pki_types::UnixTime;

/// Tags of what is looked at.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What is signed in a list, by what and over which time it holds.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// The bytes that the signature is over.
    pub(super) signed: &'a [u8],
    /// The algorithm identifier, without the tag and length of its sequence.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) this_update: UnixTime,
    pub(super) next_update: UnixTime,
}

impl<'a> Fields<'a> {
    /// The fields of a `CertificateList`; none where it is not one of version 2 with both its times.
    pub(super) fn of(list: &'a [u8]) -> Option<Self> {
        let mut list = Reader(Reader(list).take(SEQUENCE)?.content);
        let signed = list.take(SEQUENCE)?;
        let algorithm = list.take(SEQUENCE)?.content;
        let signature = match list.take(BIT_STRING)?.content.split_first()? {
            // No bits are unused in the last byte of a signature.
            (0, signature) => signature,
            _ => return None,
        };
        let mut fields = Reader(signed.content);
        fields.take(INTEGER)?;
        fields.take(SEQUENCE)?;
        fields.take(SEQUENCE)?;
        let (this_update, next_update) = (time(&fields.next()?)?, time(&fields.next()?)?);
        Some(Self { signed: signed.whole, algorithm, signature, this_update, next_update })
    }
}

/// One element.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

/// Elements one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }

    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some(Element { tag, content, whole })
    }
}

/// A time to the second in UTC, as RFC 5280 (4.1.2.5) has both forms: years of two digits are those from 1950 to 2049.
fn time(element: &Element<'_>) -> Option<UnixTime> {
    let digits = element.content.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0u16, |number, digit| number * 10 + u16::from(digit - b'0'));
    let (year, rest) = match (element.tag, digits.len()) {
        (UTC_TIME, 12) => match number(&digits[..2]) {
            year @ 50.. => (1900 + year, &digits[2..]),
            year => (2000 + year, &digits[2..]),
        },
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let two = |at: usize| number(&rest[at..at + 2]);
    let day = Date::new(year, u8::try_from(two(0)).ok()?, u8::try_from(two(2)).ok()?)?;
    let [hour, minute, second] = [two(4), two(6), two(8)].map(u64::from);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_day = Duration::from_secs(hour * 3600 + minute * 60 + second);
    Some(UnixTime::since_unix_epoch(Duration::from_micros(day.start().0) + of_day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tag: u8, text: &str) -> Option<u64> {
        let element = Element { tag, content: text.as_bytes(), whole: &[] };
        time(&element).map(|time| time.as_secs())
    }

    #[test]
    fn both_forms_of_a_time_are_read_and_nothing_else() {
        assert_eq!(seconds(UTC_TIME, "261121120000Z"), Some(1_795_262_400));
        assert_eq!(seconds(GENERALIZED_TIME, "20261121120000Z"), Some(1_795_262_400));
        assert_eq!(seconds(UTC_TIME, "700101000001Z"), Some(1));
        for wrong in ["", "Z", "261121120000", "2611211200Z", "261321120000Z", "261121240000Z", "26112112000xZ"] {
            assert_eq!(seconds(UTC_TIME, wrong), None, "{wrong}");
        }
        assert_eq!(seconds(GENERALIZED_TIME, "20261121120000+0100"), None);
        assert_eq!(seconds(INTEGER, "261121120000Z"), None);
    }

    #[test]
    fn what_is_cut_off_anywhere_is_no_list() {
        let issuer = crate::tls::issue::Ca::new("a root");
        let list = issuer.list(&[], 2026, 2027).der().to_vec();
        assert!(Fields::of(&list).is_some());
        for length in 0..list.len() {
            assert!(Fields::of(&list[..length]).is_none(), "{length} of {} bytes", list.len());
        }
    }
}
