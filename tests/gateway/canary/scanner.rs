//! Canaries: values that stand nowhere else in the world, and a search for them in every spelling that code is likely to
//! give them.

use std::fs;
use std::path::Path;

/// In every canary that is a text. Letters and digits only, so that normalising an identifier keeps it whole.
const WORD: &str = "Kq9Canary";

/// In every canary that must be a number: nine digits, since fewer can come up by chance.
const NUMBER: &str = "902107746";

/// Makes canaries and finds them.
#[derive(Debug)]
pub(crate) struct Canaries {
    made: u32,
    /// The spelling's name and what to look for.
    needles: Vec<(&'static str, Vec<u8>)>,
    /// Whether a needle begins with these two bytes.
    begins: Vec<bool>,
}

impl Canaries {
    pub(crate) fn new() -> Self {
        let mut needles = Vec::new();
        for stem in [WORD.to_owned(), WORD.to_lowercase(), WORD.to_uppercase(), NUMBER.to_owned()] {
            let bytes = stem.as_bytes();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            needles.push(("hexadecimal", hex.to_uppercase().into_bytes()));
            needles.push(("hexadecimal", hex.into_bytes()));
            needles.extend((0..3).map(|offset| ("base64", base64_within(bytes, offset))));
            needles.push(("as it is", stem.into_bytes()));
        }
        needles.sort();
        needles.dedup();
        let mut begins = vec![false; 1 << 16];
        for (_, needle) in &needles {
            begins[pair(needle)] = true;
        }
        Self { made: 0, needles, begins }
    }

    /// A text that is nowhere else: 15 letters and digits.
    pub(crate) fn word(&mut self) -> String {
        self.made += 1;
        format!("{WORD}{:04}Wx", self.made)
    }

    /// A text to be shared: it holds the canary, and nothing that has the form of an identifier.
    pub(crate) fn summary(&mut self) -> String {
        self.made += 1;
        format!("{WORD} was told of work")
    }

    /// A telephone number that is nowhere else.
    pub(crate) fn phone(&mut self) -> String {
        self.made += 1;
        format!("+35{NUMBER}{:04}", self.made)
    }

    /// Nine digits.
    pub(crate) fn number(&self) -> String {
        NUMBER.to_owned()
    }

    /// The spelling of a canary that is in the bytes, with what stands around it.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<String> {
        (0..bytes.len().saturating_sub(1)).filter(|at| self.begins[pair(&bytes[*at..])]).find_map(|at| {
            let (spelling, _) = self.needles.iter().find(|(_, needle)| bytes[at..].starts_with(needle))?;
            let around = &bytes[at.saturating_sub(40)..bytes.len().min(at + 60)];
            Some(format!("{spelling} at byte {at}: {:?}", String::from_utf8_lossy(around)))
        })
    }

    /// How many canaries are in the bytes.
    pub(crate) fn count(&self, bytes: &[u8]) -> usize {
        let begins = |at: &usize| self.begins[pair(&bytes[*at..])];
        let is_one = |at: &usize| self.needles.iter().any(|(_, needle)| bytes[*at..].starts_with(needle));
        (0..bytes.len().saturating_sub(1)).filter(begins).filter(is_one).count()
    }

    /// Fails where a canary is in what `place` holds.
    #[track_caller]
    pub(crate) fn assert_none_in(&self, place: &str, bytes: &[u8]) {
        if let Some(found) = self.find(bytes) {
            panic!("a canary is in {place}: {found}");
        }
    }

    /// Every file below a folder that holds a canary or is named after one, and how many files there are.
    pub(crate) fn find_below(&self, folder: &Path) -> (Vec<String>, usize) {
        let (mut found, mut files) = (Vec::new(), 0);
        for entry in fs::read_dir(folder).expect("a folder to look into") {
            let path = entry.expect("an entry of it").path();
            let name = path.display().to_string();
            found.extend(self.find(name.as_bytes()).map(|what| format!("the name {what}")));
            if path.is_dir() {
                let (below, count) = self.find_below(&path);
                found.extend(below);
                files += count;
            } else {
                let bytes = fs::read(&path).expect("a file of the gateway's");
                found.extend(self.find(&bytes).map(|what| format!("{name}: {what}")));
                files += 1;
            }
        }
        (found, files)
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// What stays the same of the base64 form of `bytes` after `offset` unknown bytes and before other unknown ones.
fn base64_within(bytes: &[u8], offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |index: usize| bytes[index / 8] >> (7 - index % 8) & 1;
    // Each character stands for six bits; the first whole one begins at the first multiple of six after the unknown.
    let start = (6 - offset * 8 % 6) % 6;
    let characters = (bytes.len() * 8 - start) / 6;
    let character = |index: usize| {
        let sextet = (0..6).fold(0u8, |value, step| value << 1 | bit(start + index * 6 + step));
        ALPHABET[usize::from(sextet)]
    };
    (0..characters).map(character).collect()
}

#[test]
fn a_planted_canary_is_found_in_every_spelling() {
    let mut canaries = Canaries::new();
    let (word, phone) = (canaries.word(), canaries.phone());
    // Base64 of the words after none, one and two bytes, by another implementation (coreutils' base64).
    let spelt = [
        word.clone(),
        word.to_lowercase(),
        word.to_uppercase(),
        phone.clone(),
        word.bytes().map(|byte| format!("{byte:02x}")).collect(),
        phone.bytes().map(|byte| format!("{byte:02X}")).collect(),
        "S3E5Q2FuYXJ5MDAwMVd4".to_owned(),
        "eEtxOUNhbmFyeTAwMDFXeA==".to_owned(),
        "eHhLcTlDYW5hcnkwMDAxV3g=".to_owned(),
        "eCszNTkwMjEwNzc0NjAwMDI=".to_owned(),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (index, planted) in spelt.iter().enumerate() {
        let mut bytes = vec![0xAA; 5_000];
        bytes.extend(planted.as_bytes());
        bytes.extend([0xBB; 3_000]);
        assert!(canaries.find(&bytes).is_some(), "{planted:?} is not found");
        let below = folder.path().join("deep").join(index.to_string());
        fs::create_dir_all(&below).expect("a folder");
        fs::write(below.join("file"), &bytes).expect("a file");
    }
    let (found, files) = canaries.find_below(folder.path());
    assert_eq!((found.len(), files), (spelt.len(), spelt.len()), "{found:?}");
    fs::write(folder.path().join(&word), b"").expect("a file");
    assert_eq!(canaries.find_below(folder.path()).0.len(), spelt.len() + 1, "a name is a place too");
    assert_eq!(canaries.find(b"Kq9 Canary, 90210774 and kq9canar"), None);
}
