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
        format!("p{epoch}-{}-{}", characters(&body), characters(&check))
    }
}

/// Whether the text reads as a pseudonym of any feed and its check characters agree: a slip of the hand, not a guess at
/// another person's pseudonym, is what this catches. Every single changed character and every swap of neighbours is found
/// (see [`check_symbols`]).
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

fn epoch_symbols(digits: &str) -> impl Iterator<Item = u8> {
    digits.bytes().map(|digit| digit - b'0')
}

fn characters(symbols: &[u8]) -> String {
    symbols.iter().map(|symbol| char::from(ALPHABET[usize::from(*symbol)])).collect()
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
