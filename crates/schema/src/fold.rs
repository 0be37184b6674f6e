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

/// The plain text with the digits of every script in those of ASCII.
pub(crate) fn readable(text: &str) -> String {
    plain(text).chars().map(|character| digit(character).unwrap_or(character)).collect()
}

/// The zeros of the scripts that have decimal digits of their own (Unicode's category Nd); nine more follow each.
const ZEROS: &[char] = &[
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{1e950}',
];

fn digit(character: char) -> Option<char> {
    if character.is_ascii() {
        return None;
    }
    let value = |zero: &char| u32::from(character).checked_sub(u32::from(*zero)).filter(|value| *value < 10);
    ZEROS.iter().find_map(value).and_then(|value| char::from_digit(value, 10))
}

/// Two vowels that stand for one with two dots, a ring or a stroke, as that one: `mueller` is then `muller`, as `Müller`
/// folded is.
pub(crate) fn contracted(folded: &str) -> String {
    let pairs = [("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a")];
    pairs.iter().fold(folded.to_owned(), |text, (two, one)| text.replace(two, one))
}

/// The plain text's letters and digits alone, in lower case, without accents, and with Latin letters for the Cyrillic and
/// Greek ones that look like them.
pub(crate) fn folded(text: &str) -> String {
    let lower = readable(text).to_lowercase();
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
            other if other.is_alphanumeric() => folded.push(latin(other)),
            _ => {}
        }
    }
    folded
}

/// The Latin letter that looks the same, in capitals or in small letters.
fn latin(character: char) -> char {
    match character {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' | 'н' | 'η' => 'h',
        'і' | 'ι' | 'ӏ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'ν' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ѵ' => 'v',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ү' => 'y',
        'ζ' => 'z',
        other => other,
    }
}
