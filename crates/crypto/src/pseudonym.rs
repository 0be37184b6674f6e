//! Keyed pseudonyms: from an owner's identifier to an internal value, and from that to what one feed shows.

use std::fmt;

use causeway_model::{AgencyId, ItemId};

use crate::mac::MacKey;
use crate::secret::Secret;

/// HMAC of owner, scheme and normalised value under the pseudonym key.
const INTERNAL: &str = "causeway/v1/internal-pseudonym";
/// HMAC of an internal pseudonym under a feed's key, the same in every item.
const LINKED: &str = "causeway/v1/feed-pseudonym";
/// HMAC of an internal pseudonym and an item under a feed's key, so that no two items share one.
const UNLINKED: &str = "causeway/v1/item-pseudonym";

/// RFC 4648 section 6, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 26 characters hold 130 bits of the HMAC.
const BODY_LENGTH: usize = 26;
const CHECK_LENGTH: usize = 2;

/// What the gateway holds in place of an identifier: HMAC-SHA-256 over owner, scheme and normalised value. It never
/// leaves the gateway, and its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InternalPseudonym(pub [u8; 32]);

impl fmt::Debug for InternalPseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalPseudonym(..)")
    }
}

/// The key of internal pseudonyms.
#[derive(Debug, Clone)]
pub struct PseudonymKey(MacKey);

impl PseudonymKey {
    pub(crate) fn from_secret(secret: Secret) -> Self {
        Self(MacKey::from_secret(secret))
    }

    /// The internal pseudonym of an owner's identifier. Two owners' records of one person have different ones.
    pub fn internal(&self, owner: &AgencyId, scheme: &str, normalised: &str) -> InternalPseudonym {
        let parts = [owner.as_str().as_bytes(), scheme.as_bytes(), normalised.as_bytes()];
        InternalPseudonym(self.0.tag(INTERNAL, &parts))
    }
}

/// The pseudonym key of one feed in one epoch.
#[derive(Debug, Clone)]
pub struct FeedKey {
    key: MacKey,
    epoch: u32,
}

impl FeedKey {
    pub(crate) fn from_secret(secret: Secret, epoch: u32) -> Self {
        Self { key: MacKey::from_secret(secret), epoch }
    }

    /// What this feed shows for an identifier: `p<epoch>-`, 26 base32 characters, `-`, two check characters. With an
    /// item it is good in that item only, and two items of one person cannot be joined by it.
    pub fn pseudonym(&self, internal: &InternalPseudonym, item: Option<&ItemId>) -> String {
        let tag = match item {
            None => self.key.tag(LINKED, &[&internal.0]),
            Some(item) => self.key.tag(UNLINKED, &[&internal.0, item.as_bytes()]),
        };
        let body = base32_symbols(&tag);
        let epoch = self.epoch.to_string();
        let check = check_symbols(epoch_symbols(&epoch).chain(body));
        let mut text = String::with_capacity(epoch.len() + BODY_LENGTH + CHECK_LENGTH + 3);
        text.push('p');
        text.push_str(&epoch);
        for symbols in [body.as_slice(), check.as_slice()] {
            text.push('-');
            text.extend(characters(symbols));
        }
        text
    }
}

/// Whether the text reads as a pseudonym of any feed and its check characters agree: a slip of the hand, not a guess at
/// another person's pseudonym, is what this catches. Every single changed character and every swap of neighbours is found
/// (a Reed-Solomon code of distance 3).
pub fn pseudonym_is_well_formed(text: &str) -> bool {
    parts_of(text).is_some_and(|(epoch, body, check)| {
        check_symbols(epoch_symbols(epoch).chain(body)).as_slice() == check.as_slice()
    })
}

/// Epoch digits, body symbols and check symbols, if the text has the form of a pseudonym.
fn parts_of(text: &str) -> Option<(&str, Vec<u8>, Vec<u8>)> {
    let (epoch, rest) = text.strip_prefix('p')?.split_once('-')?;
    let (body, check) = rest.split_once('-')?;
    // Written again, the epoch must be the same text: no sign, no leading zero, no number above 2^32 - 1.
    let canonical = epoch.parse::<u32>().is_ok_and(|number| number.to_string() == epoch);
    let sized = body.len() == BODY_LENGTH && check.len() == CHECK_LENGTH;
    if canonical && sized { Some((epoch, symbols_of(body)?, symbols_of(check)?)) } else { None }
}

/// The first 130 bits as 26 symbols of five bits.
fn base32_symbols(tag: &[u8; 32]) -> [u8; BODY_LENGTH] {
    std::array::from_fn(|index| {
        let (byte, shift) = (index * 5 / 8, index * 5 % 8);
        let window = u16::from_be_bytes([tag[byte], tag[byte + 1]]) << shift;
        window.to_be_bytes()[0] >> 3
    })
}

fn symbols_of(text: &str) -> Option<Vec<u8>> {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' => Some(byte - b'a'),
            b'2'..=b'7' => Some(byte - b'2' + 26),
            _ => None,
        })
        .collect()
}

fn characters(symbols: &[u8]) -> impl Iterator<Item = char> {
    symbols.iter().map(|symbol| char::from(ALPHABET[usize::from(*symbol)]))
}

fn epoch_symbols(digits: &str) -> impl Iterator<Item = u8> {
    digits.bytes().map(|digit| digit - b'0')
}

/// The two symbols that make a multiple of (x + a)(x + a^2) of the message, over GF(32) with a a root of x^5 + x^2 + 1:
/// a Reed-Solomon code of distance 3. Any one or two changed symbols, and so a swap, are found, unless the two are 31
/// places apart, which only the digits of an epoch above 999 and the check characters are.
fn check_symbols(message: impl Iterator<Item = u8>) -> [u8; CHECK_LENGTH] {
    // (x + 2)(x + 4) = x^2 + 6 x + 8
    let [mut high, mut low] = [0, 0];
    for symbol in message {
        let carried = symbol ^ high;
        high = low ^ multiply(carried, 6);
        low = multiply(carried, 8);
    }
    [high, low]
}

/// The product of two elements of GF(32), as polynomials over GF(2) modulo x^5 + x^2 + 1.
fn multiply(left: u8, right: u8) -> u8 {
    let mut product = 0;
    for bit in (0..5).rev() {
        product <<= 1;
        if product & 0b10_0000 != 0 {
            product ^= 0b10_0101;
        }
        if right >> bit & 1 == 1 {
            product ^= left;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyRing;

    fn agency(text: &str) -> AgencyId {
        text.parse().expect("an agency id")
    }

    fn feed(ring: &KeyRing, agreement: &str, epoch: u32) -> FeedKey {
        let agreement = agreement.parse().expect("an agreement id");
        let begun = ring.feed_key(&agreement, epoch);
        begun.or_else(|| ring.with_feed_secret(&agreement, epoch).feed_key(&agreement, epoch)).expect("it has begun")
    }

    #[test]
    fn an_internal_pseudonym_is_of_owner_scheme_and_value() {
        let key = KeyRing::generate().pseudonym_key();
        let base = key.internal(&agency("gb-nca"), "nrm", "123");
        assert_eq!(base, key.internal(&agency("gb-nca"), "nrm", "123"));
        assert_ne!(base, key.internal(&agency("al-police"), "nrm", "123"));
        assert_ne!(base, key.internal(&agency("gb-nca"), "nrm1", "23"));
        assert_ne!(base, key.internal(&agency("gb-nca"), "nrm", "124"));
        assert_ne!(base, KeyRing::generate().pseudonym_key().internal(&agency("gb-nca"), "nrm", "123"));
        assert_eq!(format!("{:?}", InternalPseudonym([7; 32])), "InternalPseudonym(..)");
    }

    #[test]
    fn a_pseudonym_is_of_its_feed_epoch_and_item() {
        let ring = KeyRing::generate();
        let internal = InternalPseudonym([9; 32]);
        let item = ItemId::from_bytes([1; 16]);
        let albania = feed(&ring, "ISA-AL-2026-014", 1);
        let base = albania.pseudonym(&internal, None);
        assert_eq!(base, feed(&ring, "ISA-AL-2026-014", 1).pseudonym(&internal, None));
        let others = [
            feed(&ring, "ISA-VN-2026-021", 1).pseudonym(&internal, None),
            feed(&ring, "ISA-AL-2026-014", 2).pseudonym(&internal, None),
            albania.pseudonym(&InternalPseudonym([8; 32]), None),
            albania.pseudonym(&internal, Some(&item)),
            albania.pseudonym(&internal, Some(&ItemId::from_bytes([2; 16]))),
        ];
        let body = |text: &str| text.split('-').nth(1).map(str::to_owned);
        for (at, other) in others.iter().enumerate() {
            assert!(others[..at].iter().chain([&base]).all(|earlier| body(earlier) != body(other)), "{at}");
        }
    }

    #[test]
    fn a_pseudonym_reads_as_epoch_130_bits_and_check() {
        // RFC 4648's alphabet over 26 groups of five bits: 0xf8 repeated is 11111 000 11111 000 ...
        assert!(characters(&base32_symbols(&[0xff; 32])).eq(['7'; 26]));
        let text: String = characters(&base32_symbols(b"foobar the quick brown fox jumps")).collect();
        assert_eq!(text, "mzxw6ytboiqhi2dfebyxk2ldnm");
        let key = feed(&KeyRing::generate(), "ISA-AL-2026-014", 37);
        let text = key.pseudonym(&InternalPseudonym([9; 32]), None);
        assert!(text.starts_with("p37-") && text.len() == 4 + 26 + 1 + 2, "{text}");
        assert!(pseudonym_is_well_formed(&text));
    }

    #[test]
    fn every_single_change_and_every_swap_of_neighbours_is_caught() {
        let ring = KeyRing::generate();
        for epoch in [0, 1, 9, 12, 4_000_000_000] {
            let text = feed(&ring, "ISA-AL-2026-014", epoch).pseudonym(&InternalPseudonym(crate::random()), None);
            assert!(pseudonym_is_well_formed(&text), "{text}");
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                for replacement in (0x20..0x7f).filter(|byte| *byte != text.as_bytes()[at]) {
                    bytes[at] = replacement;
                    let changed = String::from_utf8(bytes.clone()).expect("ascii");
                    assert!(!pseudonym_is_well_formed(&changed), "{text} -> {changed}");
                }
                let mut swapped = text.clone().into_bytes();
                if at + 1 < swapped.len() && swapped[at] != swapped[at + 1] {
                    swapped.swap(at, at + 1);
                    let swapped = String::from_utf8(swapped).expect("ascii");
                    assert!(!pseudonym_is_well_formed(&swapped), "{text} -> {swapped}");
                }
            }
        }
    }

    #[test]
    fn any_two_changes_within_a_body_are_caught() {
        let body = base32_symbols(&crate::random());
        let check = check_symbols(body.into_iter());
        for (first, second) in (0..26).flat_map(|first| (0..first).map(move |second| (first, second))) {
            for (one, other) in (1..32).flat_map(|one| (1..32).map(move |other| (one, other))) {
                let mut changed = body;
                changed[first] ^= one;
                changed[second] ^= other;
                assert_ne!(check_symbols(changed.into_iter()), check, "{first} {second}");
            }
        }
    }

    /// Worked out apart from this code, with Python's hmac and base64 and a division of polynomials written out. A value
    /// that changes here would part every partner's records from what it already holds.
    #[test]
    fn pseudonyms_stay_what_they_are() {
        let internal = PseudonymKey::from_secret(Secret::new([2; 32])).internal(&agency("gb-nca"), "nrm", "123");
        let hex = crate::Digest(internal.0).to_string();
        assert_eq!(hex, "83d010aabac7698eec8198e2fcd080203208592180d7657547afda5cced90d21");
        let secret = Secret::new([1; 32]).derive("causeway/v1/feed", &[b"ISA-AL-2026-014", &37_u32.to_be_bytes()]);
        let key = FeedKey::from_secret(secret, 37);
        assert_eq!(key.pseudonym(&internal, None), "p37-h7732gkxogvfwly477t47i3hzc-yg");
        let item = ItemId::from_bytes([1; 16]);
        assert_eq!(key.pseudonym(&internal, Some(&item)), "p37-hatdrnjux4srbuzahgb7zbva2j-od");
    }

    #[test]
    fn what_is_no_pseudonym_is_not_well_formed() {
        let text = feed(&KeyRing::generate(), "ISA-AL-2026-014", 1).pseudonym(&InternalPseudonym([9; 32]), None);
        let cases = ["", "p", "p1", "p1-", "p1--", "p-", "é", "p1-é-é"].map(str::to_owned);
        let variants = [
            text.to_uppercase(),
            text.replace("p1-", "p01-"),
            text.replace("p1-", "p+1-"),
            text.replace("p1-", "p4294967297-"),
            format!("{text}a"),
            format!("{text}-"),
            text[..text.len() - 1].to_owned(),
        ];
        for case in cases.iter().chain(&variants) {
            assert!(!pseudonym_is_well_formed(case), "{case}");
        }
    }
}
