//! Folding a text so that one word has one spelling: width, case, accents and invisible characters go.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters that nobody sees, and that would otherwise cut a word or number in two.
const INVISIBLE: &[char] =
    &['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{feff}'];

/// The text in compatibility form (NFKC), without invisible characters: fullwidth letters and digits become plain ones.
pub(crate) fn plain(text: &str) -> String {
    text.nfkc().filter(|character| !INVISIBLE.contains(character)).collect()
}

/// The plain text's letters and digits alone, in lower case and without accents.
pub(crate) fn folded(text: &str) -> String {
    let lower = plain(text).to_lowercase();
    let bare = lower.nfd().filter(|character| !is_combining_mark(*character));
    let mut folded = String::with_capacity(lower.len());
    for character in bare {
        match character {
            // Letters that have a stroke or are two in one do not come apart by normalisation.
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ŧ' => folded.push('t'),
            'þ' => folded.push_str("th"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ß' => folded.push_str("ss"),
            other if other.is_alphanumeric() => folded.push(other),
            _ => {}
        }
    }
    folded
}
