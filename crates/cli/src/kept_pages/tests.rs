//! Pages that were kept hold together; whatever is done to them on the way is found, at its position.

use std::fs;

use causeway_crypto::SigningKey;
use causeway_journal::VerifierKey;
use causeway_proto::v1::{ItemKind, item};
use causeway_verify::Trust;

use super::*;
use crate::test_pages::{deferred, digest, keys, page_at, released, withdrawn};

const START: Digest = Digest([0; 32]);

/// Three pages of three items each, one after the other.
fn pages(key: &SigningKey) -> Vec<Page> {
    let first = page_at(5, START, vec![released(1), released(2), released(3)], key);
    let second = page_at(9, digest(&first.chain_after), vec![released(4), withdrawn(5, 2), released(6)], key);
    let third = page_at(20, digest(&second.chain_after), vec![released(7), released(8), withdrawn(9, 7)], key);
    vec![first, second, third]
}

fn kept(pages: &[Page]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    pages.iter().for_each(|page| keep(folder.path(), page).expect("kept"));
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path()).collect();
    files.sort();
    files
}

/// The offline verifier has to say the same of every folder.
#[track_caller]
fn check(folder: &Path, keys: Option<&VerifierKeys>) -> Result<Checked, Failure> {
    let public = SigningKey::from_seed(&[3; 32]).public_key();
    let pinned = VerifierKey::new("test.example/journal", public).expect("a good name");
    let pinned = keys.map(|_| pinned);
    let offline = causeway_verify::pages(folder, &Trust::new(None, pinned.as_slice(), None));
    let checked = super::check(folder, keys);
    match (&checked, &offline) {
        (Ok(checked), Ok(offline)) => {
            assert_eq!((checked.last(), checked.pages.len() as u64), (offline.last, offline.pages));
            assert_eq!(
                (checked.before + 1, checked.chain_at(offline.last)),
                (offline.first, Some(offline.chain.to_string()))
            );
        }
        (Err(_), Err(_)) => {}
        _ => panic!("{checked:?} here, {offline:?} offline"),
    }
    checked
}

#[track_caller]
fn fault(folder: &Path) -> String {
    check(folder, Some(&keys().1)).expect_err("something was done to it").to_string()
}

#[test]
fn kept_pages_hold_and_lead_to_the_chain_of_the_feed() {
    let (key, verifier) = keys();
    let pages = pages(&key);
    let folder = kept(&pages);
    let checked = check(folder.path(), Some(&verifier)).expect("as received");
    assert_eq!((checked.last(), checked.pages.len()), (9, 3));
    assert_eq!(checked.chain_at(9), Some(causeway_verify::hex::hex(&pages[2].chain_after)));
    assert_eq!((checked.chain_at(0), checked.chain_at(10)), (Some(START.to_string()), None));
    keep(folder.path(), &Page { items: Vec::new(), ..pages[0].clone() }).expect("there is nothing to keep");
    fs::write(folder.path().join("1-2-3.partial"), "half a page").expect("written");
    check(folder.path(), Some(&verifier)).expect("a page that was being written is none");
    let forged = kept(&[page_at(5, START, vec![released(1)], &SigningKey::from_seed(&[4; 32]))]);
    fault(forged.path());
}

#[test]
fn another_page_of_the_same_place_is_kept_beside_the_first_and_said() {
    let (key, _) = keys();
    let (first, other) = (page_at(5, START, vec![released(1)], &key), page_at(5, START, vec![withdrawn(1, 9)], &key));
    let folder = kept(std::slice::from_ref(&first));
    keep(folder.path(), &first).expect("the same again");
    for _ in 0..2 {
        let said = keep(folder.path(), &other).expect_err("another one").to_string();
        assert!(said.contains("keep both"), "{said}");
    }
    let bytes: Vec<Vec<u8>> = files(folder.path()).iter().map(|path| fs::read(path).expect("readable")).collect();
    assert_eq!(bytes.len(), 2, "{:?}", files(folder.path()));
    assert!(bytes.contains(&first.encode_to_vec()) && bytes.contains(&other.encode_to_vec()));
    fault(folder.path());
}

#[test]
fn a_page_left_out_is_found_and_so_is_one_in_the_place_of_another() {
    let (key, _) = keys();
    let pages = pages(&key);
    let without = |left_out: usize| {
        let folder = kept(&pages);
        fs::remove_file(&files(folder.path())[left_out]).expect("removed");
        folder
    };
    let begun_later = check(without(0).path(), Some(&keys().1)).expect("what is there holds, and says where it begins");
    assert_eq!((begun_later.before, begun_later.last(), begun_later.chain_at(2)), (3, 9, None));
    assert_eq!(begun_later.chain_at(9), Some(causeway_verify::hex::hex(&pages[2].chain_after)));
    let reached = |left_out: usize| kept_up_to(without(left_out).path()).expect("named");
    assert_eq!((reached(0), reached(1), reached(2)), (0, 3, 6));
    assert_eq!(kept_up_to(Path::new("nowhere")).expect("there is none"), 0);
    assert!(fault(without(1).path()).contains("positions 4 to 6"));
    let cut = check(without(2).path(), None).expect("what is there holds; that the end is missing, the cursor tells");
    assert_eq!(cut.last(), 6);

    let folder = kept(&pages);
    let paths = files(folder.path());
    let contents: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("readable")).collect();
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let folder = kept(&pages);
        let paths = files(folder.path());
        fs::write(&paths[from], &contents[to]).expect("writable");
        fs::write(&paths[to], &contents[from]).expect("writable");
        assert!(fault(folder.path()).contains("another page than the one that"));
    }
    fs::write(&paths[1], &contents[1][..contents[1].len() / 2]).expect("writable");
    fault(folder.path());
}

#[test]
fn an_item_that_is_left_out_altered_repeated_or_reordered_is_found_in_its_page() {
    let (key, _) = keys();
    let good = pages(&key);
    let record =
        |item: &mut causeway_proto::v1::Item, change: &dyn Fn(&mut causeway_proto::v1::ReleasedRecord)| match &mut item
            .content
        {
            Some(item::Content::Released(record)) => change(record),
            _ => unreachable!("the item is a release"),
        };
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Page));
    let changes: [Change<'_>; 9] = [
        ("left out", &|page| drop(page.items.remove(1))),
        ("repeated", &|page| page.items.insert(1, page.items[1].clone())),
        ("reordered", &|page| page.items.swap(0, 2)),
        ("document", &|page| record(&mut page.items[0], &|record| record.document = b"{}".to_vec())),
        ("clause", &|page| record(&mut page.items[0], &|record| record.clause.push('9'))),
        ("onward transfer", &|page| record(&mut page.items[0], &|record| record.onward_transfer.clear())),
        ("kind of record", &|page| record(&mut page.items[0], &|record| record.kind = "trafficking-route".into())),
        ("kind of item", &|page| page.items[1].kind = ItemKind::Release.into()),
        ("content", &|page| page.items[1].content = released(5).content),
    ];
    for (what, change) in changes {
        let folder = kept(&good);
        let mut changed = good[1].clone();
        change(&mut changed);
        fs::write(&files(folder.path())[1], changed.encode_to_vec()).expect("writable");
        let fault = fault(folder.path());
        assert!(fault.contains("000000000004-000000000006-"), "{what}: {fault}");
        assert!(fault.contains(": positions 4 to 6: "), "{what}: {fault}");
        assert_eq!(fault.matches("does not hold").count(), 1, "{what}: {fault}");
    }
}

#[test]
fn pages_that_were_read_again_must_hold_the_same_items() {
    let (key, verifier) = keys();
    let mut pages = pages(&key);
    let ahead = vec![deferred(4), withdrawn(5, 2), deferred(6)];
    pages.push(page_at(8, digest(&pages[0].chain_after), ahead, &key));
    let checked = check(kept(&pages).path(), Some(&verifier)).expect("the same items, some of them put off at first");
    let leaves: Vec<u64> = checked.pages.iter().map(|page| page.leaf).collect();
    assert_eq!(leaves, [5, 8, 9, 20], "in the order in which they were received");
    pages[3] = page_at(8, digest(&pages[0].chain_after), vec![deferred(4), released(5)], &key);
    assert!(fault(kept(&pages).path()).contains("position 5: another page has another item there"));
}

#[test]
fn two_pages_at_one_place_of_the_journal_convict_its_key() {
    let (key, verifiers) = keys();
    let one = page_at(5, START, vec![released(1)], &key);
    let other = page_at(5, digest(&one.chain_after), vec![released(2)], &key);
    let folder = kept(&[one.clone(), other.clone()]);
    let note = |page: &Page| page.evidence.as_ref().expect("it has evidence").checkpoint.clone();
    let public = VerifierKey::new("test.example/journal", key.public_key()).expect("a good name");
    let outside = tempfile::tempdir().expect("a folder");
    let judged = |folder: &Path| {
        let options = causeway_verify::command::Options {
            evidence: vec![folder.to_owned()],
            key: vec![public.to_string()],
            policy: None,
            max_age: None,
            now: None,
            state: None,
            evidence_dir: Some(outside.path().to_owned()),
            entries_only: false,
            json: false,
        };
        causeway_verify::command::run(&options, || 0)
    };
    let answer = judged(folder.path());
    assert_eq!(answer.code, 4, "{answer:?}");
    let evidence: Vec<_> = files(outside.path()).iter().map(|path| fs::read_to_string(path).expect("read")).collect();
    assert!(evidence.contains(&note(&one)) && evidence.contains(&note(&other)), "{evidence:?}");
    // Also where they do not go on from each other, which by itself is a fault of the folder.
    let fork = page_at(5, Digest([1; 32]), vec![released(2)], &key);
    assert_eq!(judged(kept(&[one.clone(), fork]).path()).code, 4);
    assert_eq!(judged(kept(std::slice::from_ref(&one)).path()).code, 0);
    assert_eq!(super::check(kept(&[one]).path(), Some(&verifiers)).expect("it holds").last(), 1);
}

#[test]
fn a_page_that_is_a_pipe_or_of_more_fields_than_a_page_has_is_none() {
    let (key, _) = keys();
    let folder = kept(&pages(&key));
    let path = files(folder.path()).remove(1);
    fs::write(&path, [3 << 3 | 2, 0].repeat(1 << 20)).expect("written");
    assert!(fault(folder.path()).contains("no page"));
    fs::remove_file(&path).expect("removed");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("of coreutils").success());
    assert!(fault(folder.path()).contains("no page"), "and is not waited for");
}
