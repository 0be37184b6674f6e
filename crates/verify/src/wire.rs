//! What a verifier reads of a page as it was received (`causeway.v1.Page`): written out here, since the generated code brings the
//! network with it. Fields that no digest covers are left out.

use std::fmt;

use causeway_journal::{Content, FeedItemKind, PageItem, PseudonymChange};
use causeway_model::{ItemId, Position, SchemaId};
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{Message, Oneof};

/// Most fields of a page with all that is in it: 1,000 items of a dozen each, and room for ten times as many changes of pseudonyms.
const MAX_FIELDS: usize = 128 * 1024;

/// Which fields of a message are messages again, whose fields are counted with its own.
struct Nested(&'static [(u32, &'static Nested)]);

const FLAT: Nested = Nested(&[]);
const RELEASED: Nested = Nested(&[(6, &FLAT)]);
const ITEM: Nested = Nested(&[(4, &RELEASED), (5, &FLAT), (6, &FLAT)]);
const EVIDENCE: Nested = Nested(&[(2, &FLAT)]);
const PAGE: Nested = Nested(&[(3, &ITEM), (10, &EVIDENCE)]);

/// Whether these bytes have no more fields than a page can have. To be asked before anything is made of them: an empty item takes two
/// bytes in a file, and two hundred in memory.
pub fn is_bounded_page(bytes: &[u8]) -> bool {
    count(bytes, &PAGE, &mut 0).is_some()
}

fn count(mut bytes: &[u8], message: &Nested, fields: &mut usize) -> Option<()> {
    while bytes.has_remaining() {
        *fields += 1;
        let (tag, wire_type) = decode_key(&mut bytes).ok().filter(|_| *fields <= MAX_FIELDS)?;
        match message.0.iter().find(|(nested, _)| *nested == tag) {
            Some((_, nested)) if wire_type == WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (inner, rest) = bytes.split_at_checked(length)?;
                count(inner, nested, fields)?;
                bytes = rest;
            }
            _ => skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?,
        }
    }
    Some(())
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Page {
    #[prost(string, tag = "1")]
    pub(crate) agreement: String,
    #[prost(uint32, tag = "2")]
    pub(crate) agreement_version: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) items: Vec<Item>,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) chain_before: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) chain_after: Vec<u8>,
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) digest_salt: Vec<u8>,
    #[prost(message, optional, tag = "10")]
    pub(crate) evidence: Option<Evidence>,
    #[prost(string, tag = "11")]
    pub(crate) onward_transfer: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Evidence {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) entry: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) inclusion_proof: Option<InclusionProof>,
    #[prost(string, tag = "3")]
    pub(crate) checkpoint: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InclusionProof {
    #[prost(uint64, tag = "1")]
    pub(crate) leaf_index: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) tree_size: u64,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) hashes: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Item {
    #[prost(uint64, tag = "1")]
    position: u64,
    #[prost(string, tag = "2")]
    item_id: String,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(oneof = "Served", tags = "4, 5, 6")]
    content: Option<Served>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Served {
    #[prost(message, tag = "4")]
    Released(Released),
    #[prost(message, tag = "5")]
    Withdrawn(Withdrawn),
    #[prost(message, tag = "6")]
    Deferred(Deferred),
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct Released {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    schema_version: String,
    #[prost(bytes = "vec", tag = "3")]
    document: Vec<u8>,
    #[prost(string, tag = "4")]
    clause: String,
    #[prost(string, tag = "5")]
    replaces_item_id: String,
    #[prost(message, repeated, tag = "6")]
    pseudonym_changes: Vec<Change>,
    #[prost(string, tag = "7")]
    onward_transfer: String,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct Change {
    #[prost(string, tag = "1")]
    previous: String,
    #[prost(string, tag = "2")]
    current: String,
}

#[derive(Clone, PartialEq, Message)]
struct Withdrawn {
    #[prost(string, tag = "1")]
    item_id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Deferred {}

impl Page {
    /// A page as it was kept; none where it is none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if is_bounded_page(bytes) { Self::decode(bytes).ok() } else { None }
    }
}

impl Item {
    /// What the page's digest covers of it; none where it is malformed.
    pub(crate) fn read(&self) -> Option<PageItem> {
        let kind = match self.kind {
            1 => FeedItemKind::Release,
            2 => FeedItemKind::Withdrawal,
            _ => return None,
        };
        let content = match self.content.as_ref()? {
            Served::Released(record) => record.read()?,
            Served::Withdrawn(withdrawn) => Content::Withdrawn(withdrawn.item_id.parse().ok()?),
            Served::Deferred(_) => Content::Deferred,
        };
        Some(PageItem { position: Position(self.position), item_id: self.item_id.parse().ok()?, kind, content })
    }
}

impl Released {
    fn read(&self) -> Option<Content> {
        let replaces: Option<ItemId> = match self.replaces_item_id.as_str() {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        let change =
            |change: &Change| PseudonymChange { previous: change.previous.clone(), current: change.current.clone() };
        Some(Content::Released {
            schema: SchemaId { kind: self.kind.parse().ok()?, version: self.schema_version.parse().ok()? },
            document: self.document.clone(),
            clause: self.clause.clone(),
            replaces,
            changes: self.pseudonym_changes.iter().map(change).collect(),
            onward_transfer: self.onward_transfer.clone(),
        })
    }
}

impl fmt::Debug for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Released(..)")
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change(..)")
    }
}

#[cfg(test)]
mod tests {
    use prost::encoding::encode_varint;

    use super::*;

    fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag << 3 | 2];
        encode_varint(content.len() as u64, &mut bytes);
        bytes.extend(content);
        bytes
    }

    #[test]
    fn more_fields_than_a_page_can_have_are_not_read_wherever_they_are() {
        let many = |tag: u8, count: usize| field(tag, &[]).repeat(count);
        assert!(is_bounded_page(&many(3, MAX_FIELDS)) && !is_bounded_page(&many(3, MAX_FIELDS + 1)));
        for (inside, bytes) in [
            ("items", many(3, 4_000_000)),
            ("changes of pseudonyms", field(3, &field(4, &many(6, 200_000)))),
            ("hashes of a proof", field(10, &field(2, &many(3, 200_000)))),
            ("items in which something is", field(3, &field(5, &many(1, 3))).repeat(40_000)),
        ] {
            assert!(Page::read(&bytes).is_none(), "{inside}");
        }
        assert!(!is_bounded_page(&[3 << 3 | 2, 5, 0]), "longer than it is");
        let page = Page { items: vec![Item::default(); 1_000], ..Page::default() };
        assert_eq!(Page::read(&page.encode_to_vec()), Some(page));
    }
}
