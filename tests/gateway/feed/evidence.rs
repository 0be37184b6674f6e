//! What a partner can check of a page by itself: dense positions, the chain, the page's digest and the proof that its
//! disclosure was recorded. Worked out from the format's description and not with the gateway's code.

use causeway_crypto::{Digest, digest};
use causeway_journal::{VerifierKey, v1 as journal};
use causeway_model::LeafIndex;
use causeway_proto::v1::{Item, ItemKind, Page, item::Content};

/// A partner that has read a feed up to some position.
#[derive(Debug, Clone)]
pub(crate) struct Partner {
    agency: &'static str,
    key: VerifierKey,
    pub(crate) position: u64,
    chain: Digest,
}

impl Partner {
    pub(crate) fn new(agency: &'static str, verifier_key: &str) -> Self {
        let key = verifier_key.parse().expect("a verifier key");
        Self { agency, key, position: 0, chain: Digest([0; 32]) }
    }

    /// Checks the page that follows what was read before, and gives its disclosure entry; none for an empty page.
    pub(crate) fn read(&mut self, page: &Page) -> Result<Option<journal::Entry>, String> {
        let first = self.position + 1;
        require(page.chain_before == self.chain.0, "the chain does not go on from the page before")?;
        for item in &page.items {
            require(item.position == self.position + 1, "positions are not dense")?;
            self.position = item.position;
            self.chain = digest(
                "causeway/v1/chain",
                &[&self.chain.0, &item.position.to_be_bytes(), &[kind(item)?], &hex16(&item.item_id)?],
            );
        }
        require(page.chain_after == self.chain.0, "the chain does not lead over the items")?;
        require(page.more == (self.position < page.newest_position), "more is not what positions say")?;
        if page.items.is_empty() {
            require(page.evidence.is_none() && page.digest_salt.is_empty(), "an empty page has nothing to prove")?;
            return Ok(None);
        }
        self.disclosure(page, first).map(Some)
    }

    fn disclosure(&self, page: &Page, first: u64) -> Result<journal::Entry, String> {
        let evidence = page.evidence.as_ref().ok_or("no evidence")?;
        let proof = evidence.inclusion_proof.as_ref().ok_or("no inclusion proof")?;
        let hashes = proof.hashes.iter().map(|hash| Digest::try_from(hash.as_slice()));
        let hashes: Vec<Digest> = hashes.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let receipt = causeway_verify::Receipt {
            entry: &evidence.entry,
            index: LeafIndex(proof.leaf_index),
            proof: &hashes,
            checkpoint: &evidence.checkpoint,
        };
        let verified = causeway_verify::receipt(&receipt, &self.key, None).map_err(|error| error.to_string())?;
        let entry = verified.entry;
        let recorded = entry.page.clone().ok_or("the entry is of no page")?;
        let recipient = entry.recipient.clone().ok_or("the entry names no recipient")?;
        require(entry.operation() == journal::Operation::Disclosure, "the entry is no disclosure")?;
        require(entry.decision() == journal::Decision::Allowed, "the disclosure was denied")?;
        require(recorded.feed == page.agreement && recipient.agreement == page.agreement, "another feed's entry")?;
        require(recipient.agency == self.agency, "another partner's entry")?;
        require((recorded.from_position, recorded.to_position) == (first, self.position), "other positions")?;
        require(recorded.digest == page_digest(page)?.0, "the page is not the one that was recorded")?;
        let documents = page.items.iter().filter_map(|item| match &item.content {
            Some(Content::Released(released)) => Some(released.document.len() as u64),
            _ => None,
        });
        let (count, bytes) = documents.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
        require((entry.count, entry.byte_count) == (count, bytes), "count or bytes are not the page's")?;
        Ok(entry)
    }
}

fn page_digest(page: &Page) -> Result<Digest, String> {
    let items: Vec<Digest> = page.items.iter().map(item_digest).collect::<Result<_, _>>()?;
    let version = page.agreement_version.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![
        &page.digest_salt,
        page.agreement.as_bytes(),
        &version,
        page.onward_transfer.as_bytes(),
        &page.chain_before,
        &page.chain_after,
    ];
    parts.extend(items.iter().map(|item| item.0.as_slice()));
    Ok(digest("causeway/v1/page", &parts))
}

fn item_digest(item: &Item) -> Result<Digest, String> {
    let (position, id, kind) = (item.position.to_be_bytes(), hex16(&item.item_id)?, [kind(item)?]);
    let domain = "causeway/v1/page-item";
    match item.content.as_ref().ok_or("an item without content")? {
        Content::Released(released) => {
            let schema = format!("{}/{}", released.kind, released.schema_version);
            let replaces = match released.replaces_item_id.as_str() {
                "" => Vec::new(),
                id => hex16(id)?,
            };
            let clause = released.clause.as_bytes();
            let mut parts: Vec<&[u8]> =
                vec![&position, &id, &kind, &[1], schema.as_bytes(), &released.document, clause, &replaces];
            parts.push(released.onward_transfer.as_bytes());
            for change in &released.pseudonym_changes {
                parts.extend([change.previous.as_bytes(), change.current.as_bytes()]);
            }
            Ok(digest(domain, &parts))
        }
        Content::Withdrawn(withdrawn) => {
            Ok(digest(domain, &[&position, &id, &kind, &[2], &hex16(&withdrawn.item_id)?]))
        }
        Content::Deferred(_) => Ok(digest(domain, &[&position, &id, &kind, &[3]])),
    }
}

fn kind(item: &Item) -> Result<u8, String> {
    match item.kind() {
        ItemKind::Release => Ok(1),
        ItemKind::Withdrawal => Ok(2),
        ItemKind::Unspecified => Err("an item of no kind".into()),
    }
}

fn hex16(text: &str) -> Result<Vec<u8>, String> {
    require(text.len() == 32 && text.is_ascii(), "an item id is 32 hexadecimal digits")?;
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).map_err(|error| error.to_string());
    (0..32).step_by(2).map(byte).collect()
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
