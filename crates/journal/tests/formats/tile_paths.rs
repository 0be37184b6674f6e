//! Paths of tiles and bundles, and their bytes.

use causeway_crypto::Digest;
use causeway_journal::tlog_path::{decode_bundle, decode_tile, encode_bundle, encode_tile, tile_width};
use causeway_journal::{JournalError, MAX_ENTRY_BYTES, MAX_TREE_SIZE, TilePath};

#[test]
fn each_resource_has_one_path() {
    let hashes = |level, index, width| TilePath::Hashes { level, index, width };
    let entries = |index, width| TilePath::Entries { index, width };
    for (path, text) in [
        (hashes(0, 0, 256), "tile/0/000"),
        (hashes(0, 67, 1), "tile/0/067.p/1"),
        (hashes(3, 1_234_067, 256), "tile/3/x001/x234/067"),
        (hashes(63, 1_000, 255), "tile/63/x001/000.p/255"),
        (entries(999, 256), "tile/entries/999"),
        (entries(1_234_067, 112), "tile/entries/x001/x234/067.p/112"),
        (entries(MAX_TREE_SIZE >> 8, 256), "tile/entries/x018/x014/x398/x509/x481/984"),
    ] {
        assert_eq!(TilePath::parse(text), Ok(path));
        assert_eq!(path.to_string(), text);
    }
    for bad in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile//000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/x001x/067",
        "tile/0/+01",
        "tile/0/00a",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.q/1",
        "tile/entry/000",
        "tile/entries/x0/000",
        "tile/0/..",
        "tile/0/../0/000",
        "tile/0/000 ",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/entries/x018/x014/x398/x509/x481/985",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(TilePath::parse(bad), Err(JournalError::Malformed("tile path")), "{bad:?}");
    }
    assert!(matches!(TilePath::parse(&"x".repeat(65)), Err(JournalError::TooLarge { .. })));
}

/// The specification's example: a tree of 70,000 leaves.
#[test]
fn tiles_are_as_wide_as_the_tree_makes_them() {
    let size = 70_000;
    assert_eq!((0..300).filter(|index| tile_width(size, 0, *index) == Some(256)).count(), 273);
    assert_eq!(TilePath::hashes_in(size, 0, 273).expect("partial").to_string(), "tile/0/273.p/112");
    assert_eq!(TilePath::entries_in(size, 273).expect("partial").to_string(), "tile/entries/273.p/112");
    assert_eq!(TilePath::hashes_in(size, 1, 0).expect("full").to_string(), "tile/1/000");
    assert_eq!(TilePath::hashes_in(size, 1, 1).expect("partial").to_string(), "tile/1/001.p/17");
    assert_eq!(TilePath::hashes_in(size, 2, 0).expect("partial").to_string(), "tile/2/000.p/1");
    for (level, index) in [(0, 274), (1, 2), (2, 1), (3, 0), (63, 0), (0, u64::MAX)] {
        assert_eq!(TilePath::hashes_in(size, level, index), None, "{level}/{index}");
    }
    assert_eq!(tile_width(256, 0, 0), Some(256));
    assert_eq!(tile_width(256, 1, 0), Some(1));
    assert_eq!(tile_width(0, 0, 0), None);
}

#[test]
fn bundles_and_tiles_read_back_and_nothing_else_is_read() {
    let entries = vec![b"one".to_vec(), Vec::new(), vec![7; MAX_ENTRY_BYTES]];
    let bundle = encode_bundle(&entries).expect("within the limits");
    assert_eq!(&bundle[..5], b"\x00\x03one");
    assert_eq!(decode_bundle(&bundle, 3), Ok(entries));
    for width in [0, 1, 2, 4, 256, 257, u16::MAX] {
        assert!(decode_bundle(&bundle, width).is_err(), "{width}");
    }
    assert!(decode_bundle(&bundle[..bundle.len() - 1], 3).is_err());
    let too_large = JournalError::TooLarge { what: "entry", limit: MAX_ENTRY_BYTES };
    assert_eq!(encode_bundle(&[vec![0; MAX_ENTRY_BYTES + 1]]), Err(too_large.clone()));
    assert_eq!(decode_bundle(&[&[0x40, 1][..], &[0; MAX_ENTRY_BYTES + 1]].concat(), 1), Err(too_large));
    assert!(encode_bundle(&vec![b"x"; 257]).is_err());
    assert!(decode_bundle(&vec![0; 256 * (MAX_ENTRY_BYTES + 2) + 1], 256).is_err());

    let hashes: Vec<Digest> = (0..5).map(|n| Digest([n; 32])).collect();
    let tile = encode_tile(&hashes);
    assert_eq!(tile.len(), 160);
    assert_eq!(decode_tile(&tile, 5), Ok(hashes));
    assert!(decode_tile(&tile, 4).is_err() && decode_tile(&tile[1..], 5).is_err());
}
