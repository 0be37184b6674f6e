//! Whoever knows the journal and the recipient's public key makes a backup of their own: what is sealed well, and is not what was signed.

use std::fs;

use causeway_crypto::{Digest, SigningKey};
use causeway_journal::{Checkpoint, decode_frame, encode_frame, frame_id};
use causeway_model::FrameSeq;

use super::super::folder::parts;
use super::super::header::Header;
use super::super::records::{Record, records};
use super::super::sealed_part;
use super::*;

/// One thing of a backup, owned.
#[derive(Debug, Clone)]
enum Held {
    Frame(FrameSeq, Vec<u8>),
    KeyPage(u64, Vec<u8>),
    Past(String),
    Checkpoint(String),
}

/// A backup in one part, as `alter` makes it of another.
fn forge(setting: &Setting, from: &Path, to: &Path, alter: impl FnOnce(&mut Vec<Held>)) {
    let mut held = Vec::new();
    let mut newest = None;
    for (path, header) in parts(from).expect("listed") {
        let part = fs::read(path).expect("read");
        let plaintext = sealed_part::open(&header, &part, &setting.recipient).expect("opens");
        held.extend(records(&plaintext).map(|record| match record.expect("a record") {
            Record::Frame(seq, bytes) => Held::Frame(seq, bytes.to_vec()),
            Record::KeyPage(number, bytes) => Held::KeyPage(number, bytes.to_vec()),
            Record::Past(note) => Held::Past(note.to_owned()),
            Record::Checkpoint(note) => Held::Checkpoint(note.to_owned()),
        }));
        newest = Some(header);
    }
    alter(&mut held);
    let mut header = newest.expect("there are parts");
    let mut plaintext = Vec::new();
    for one in &held {
        match one {
            Held::Frame(seq, bytes) => {
                Record::Frame(*seq, bytes).put(&mut plaintext);
                (header.through, header.through_id) = (*seq, frame_id(bytes));
            }
            Held::KeyPage(number, bytes) => Record::KeyPage(*number, bytes).put(&mut plaintext),
            Held::Past(note) => Record::Past(note).put(&mut plaintext),
            Held::Checkpoint(note) => Record::Checkpoint(note).put(&mut plaintext),
        }
    }
    let (header, sealed, _) =
        sealed_part::seal(&setting.recipient.public_key(), &plaintext, |encapsulation, length| Header {
            part: 1,
            previous: Digest([0; 32]),
            encapsulation,
            length,
            ..header
        });
    fs::create_dir_all(to).expect("made");
    fs::write(to.join("part-00000001"), [header.encode(), sealed].concat()).expect("written");
}

/// Changes the newest frame's only item.
fn newest_item(held: &mut [Held], change: impl FnOnce(&mut v1::Item)) {
    let frame = held.iter_mut().rev().find_map(|one| match one {
        Held::Frame(_, bytes) => Some(bytes),
        _ => None,
    });
    let bytes = frame.expect("there are frames");
    let mut frame = decode_frame(bytes).expect("a frame");
    change(frame.items.last_mut().expect("an item"));
    *bytes = encode_frame(&frame).expect("a frame");
}

fn flip(bytes: &mut [u8]) {
    bytes[20] ^= 1;
}

type Alteration = (&'static str, &'static str, fn(&mut Vec<Held>));

const ALTERATIONS: &[Alteration] = &[
    ("a body", "not the one whose digest", |held| {
        newest_item(held, |item| flip(&mut item.body.as_mut().expect("a body").ciphertext));
    }),
    ("no body", "digest without its body", |held| newest_item(held, |item| item.body = None)),
    ("openings", "does not open", |held| {
        newest_item(held, |item| flip(&mut item.aside.as_mut().expect("openings").ciphertext));
    }),
    ("a body's place", "does not open", |held| {
        newest_item(held, |item| item.body.as_mut().expect("a body").slot -= 2);
    }),
    ("no such place", "beyond the end of its page", |held| {
        newest_item(held, |item| item.body.as_mut().expect("a body").slot = 127);
    }),
    ("an entry", "not that of its entries", |held| {
        newest_item(held, |item| {
            let mut entry = causeway_journal::decode_entry(&item.entry).expect("an entry");
            entry.reason = "exported".into();
            item.entry = causeway_journal::encode_entry(&entry).expect("an entry");
        });
    }),
    ("a frame less", "not that of its entries", |held| {
        let newest = held.iter().rposition(|one| matches!(one, Held::Frame(..)));
        held.remove(newest.expect("there are frames"));
    }),
    ("a frame between", "frame 5", |held| {
        held.remove(3);
    }),
    ("a key page", "does not open", |held| {
        let page = held.iter_mut().find_map(|one| match one {
            Held::KeyPage(_, bytes) => Some(bytes),
            _ => None,
        });
        flip(page.expect("a page"));
    }),
    ("no key page", "a key page is missing", |held| held.retain(|one| !matches!(one, Held::KeyPage(..)))),
    ("another's signature", "signed by none of the keys", |held| {
        let Some(Held::Checkpoint(note)) = held.last_mut() else { panic!("it ends with a checkpoint") };
        let text = &note[..=note.rfind("\n\n").expect("a note")];
        *note = Checkpoint::parse(text).expect("a checkpoint").sign(&SigningKey::generate());
    }),
    ("a past that never was", "never was what its checkpoint of 3 entries says", |held| {
        let never = Checkpoint { origin: ORIGIN.into(), size: 3, root: Digest([9; 32]) };
        held.insert(held.len() - 1, Held::Past(never.sign(&SigningKey::generate())));
    }),
];

#[test]
fn what_is_sealed_well_and_is_not_what_was_signed_is_refused() {
    let setting = Setting::new();
    let backup = setting.at("backup");
    let journal = setting.begin(6);
    setting.back_up(&journal, &backup).expect("made");
    journal.close();
    for (number, (what, words, alter)) in ALTERATIONS.iter().enumerate() {
        let forged = setting.at(&format!("forged-{number}"));
        forge(&setting, &backup, &forged, alter);
        let error = setting.restore(&forged, &setting.at("restored")).expect_err(what);
        assert!(error.to_string().contains(words), "{what}: {error}");
        assert!(!setting.at("restored").exists() && !setting.at("restored.restoring").exists(), "{what}");
    }
    forge(&setting, &backup, &setting.at("same"), |_| {});
    setting.restore(&setting.at("same"), &setting.at("restored")).expect("unaltered, it holds");
}

/// Puts a part behind those of a backup, without any secret: what it seals to is public, and what it goes on from is in clear.
fn put_behind(setting: &Setting, backup: &Path, held: &[Record<'_>]) {
    let (path, header) = parts(backup).expect("listed").pop().expect("a part");
    let previous = causeway_crypto::sha256(&[&fs::read(path).expect("read")]);
    let mut plaintext = Vec::new();
    held.iter().for_each(|record| record.put(&mut plaintext));
    let part = header.part + 1;
    let (header, sealed, _) =
        sealed_part::seal(&setting.recipient.public_key(), &plaintext, |encapsulation, length| Header {
            part,
            closes: true,
            previous,
            encapsulation,
            length,
            ..header
        });
    fs::write(backup.join(format!("part-{part:08}")), [header.encode(), sealed].concat()).expect("written");
}

#[test]
fn a_part_that_somebody_put_behind_the_others_makes_nothing_look_erased() {
    let setting = Setting::new();
    let journal = setting.begin(70);
    let checkpoint = journal.checkpoint();
    // A page under a page key that there never was, as if that had been destroyed.
    let gone = [&(1u64 << 40).to_be_bytes()[..], &[0; 12 + 16 + 32 * 128]].concat();
    for page in [0, 1] {
        let backup = setting.at(&format!("backup-{page}"));
        setting.back_up(&journal, &backup).expect("made");
        let numbers = parts(&backup).expect("listed").last().map(|(_, header)| header.next_page);
        assert!(numbers.is_some_and(|newest| newest >= 1), "{numbers:?}");
        put_behind(&setting, &backup, &[Record::KeyPage(page, &gone), Record::Checkpoint(&checkpoint)]);
        let to = setting.at(&format!("restored-{page}"));
        let refused = setting.restore(&backup, &to).expect_err("no page was ever like that").to_string();
        assert!(refused.contains(&format!("the key page {page} takes the place of another")), "{refused}");
        assert!(!to.exists());
    }
    journal.close();
}
