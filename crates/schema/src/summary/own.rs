//! What a record says of its own people, looked for in its summary in the spellings that people use.

use causeway_model::{Class, PartialDate};

use super::birthday;
use super::token::Token;
use crate::fold::{contracted, folded};
use crate::shape::{Leaf, Shape};
use crate::value::Value;

/// Sealed texts that tell of the case and identify nobody by themselves: a word of theirs in the summary is no slip.
const TEXTS: &[&str] = &["narrative.", "description", "purpose", "europol_handling_text", "sanitised_summary"];
/// A value with fewer letters and digits than this is not looked for, unless it is a name: two letters are in every text.
const SHORTEST: usize = 3;
/// A value of at least this many letters and digits is found inside longer words too; a shorter one, such as the name
/// Ali, only as whole words, or every Italian would be one.
const DISTINCT: usize = 8;
/// The same for a value with a digit in it.
const DISTINCT_NUMBER: usize = 5;
/// A name that is shorter than this once `ue` is `u` is not looked for in that spelling.
const CONTRACTED: usize = 4;
/// So many words may stand between those of a street.
const BETWEEN: usize = 2;
/// Parts of names that are half the names of a people, or none: they are looked for only as part of the whole name.
const PARTICLES: &[&str] = &[
    "abd", "abu", "al", "ben", "bin", "bint", "da", "de", "del", "den", "der", "di", "dos", "du", "el", "ibn", "la",
    "las", "los", "san", "ter", "von",
];
/// Words of every text that are names too. They are taken for the name where they have a capital letter that no beginning
/// sentence gave them.
const COMMON: &[&str] = &[
    "all", "an", "and", "any", "are", "art", "as", "at", "bay", "but", "by", "can", "car", "chance", "day", "did",
    "dong", "faith", "far", "few", "for", "grace", "had", "has", "he", "her", "him", "his", "hope", "how", "if", "in",
    "is", "it", "its", "joy", "king", "law", "long", "love", "man", "mark", "may", "men", "min", "my", "new", "no",
    "not", "now", "of", "off", "old", "on", "one", "or", "our", "out", "own", "per", "rich", "rose", "sea", "see",
    "she", "six", "so", "son", "song", "sun", "tan", "ten", "that", "the", "they", "this", "to", "two", "up", "us",
    "van", "via", "was", "way", "we", "who", "will", "win", "with", "yet", "you", "young",
];

/// Whether an identifying value of `root` stands in the summary with these words.
pub(crate) fn has_own_identifier(shape: &Shape, root: &Value<'_>, tokens: &[Token]) -> bool {
    let words = Words::of(tokens);
    let mut found = false;
    shape.visit(root, &mut |met| {
        let leaf = &shape.leaves[met.leaf];
        if let (false, true, Some(value)) = (found, identifies(leaf), met.value.as_str()) {
            found = stands(&words, leaf, value);
        }
    });
    found
}

fn identifies(leaf: &Leaf) -> bool {
    let path = leaf.spec.path.as_str();
    matches!(leaf.spec.class, Class::Link | Class::Sealed) && !TEXTS.iter().any(|text| path.starts_with(text))
}

fn stands(words: &Words<'_>, leaf: &Leaf, value: &str) -> bool {
    let path = leaf.spec.path.as_str();
    if let (true, Ok(date)) = (leaf.past, value.parse::<PartialDate>()) {
        return birthday::stands(words.tokens, date);
    }
    if path.contains("name") || path.contains("alias") {
        return words.hold_name(value) || parts(value).any(|part| words.hold_name(part));
    }
    words.hold(&folded(value)) || (path.contains("street") && words.hold_swapped(value))
}

/// The parts of a name that are names by themselves.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|part| {
        let particle = PARTICLES.contains(&folded(part).as_str());
        let small = part.chars().count() <= SHORTEST && part.starts_with(char::is_lowercase);
        !particle && !small
    })
}

/// The summary's words, one after the other without what stands between them.
struct Words<'t> {
    tokens: &'t [Token],
    /// Each word by itself, folded.
    folded: Vec<String>,
    plain: Joined,
    /// The same with `ue` for `u` and the like undone.
    contracted: Joined,
}

impl<'t> Words<'t> {
    fn of(tokens: &'t [Token]) -> Self {
        let folded: Vec<String> = tokens.iter().map(|token| folded(&token.raw)).collect();
        let shorter = folded.iter().map(|word| contracted(word));
        Self { tokens, plain: Joined::of(folded.iter().cloned()), contracted: Joined::of(shorter), folded }
    }

    fn hold(&self, spelling: &str) -> bool {
        spelling.chars().count() >= SHORTEST && self.plain.places(spelling).any(|at| self.plain.is_whole(at, spelling))
    }

    fn hold_name(&self, name: &str) -> bool {
        let name = folded(name);
        let (length, common) = (name.chars().count(), COMMON.contains(&name.as_str()));
        if length < SHORTEST || common {
            let names = |(token, word): (&Token, &String)| {
                *word == name && token.is_capitalised() && !(common && token.begins())
            };
            let written = length > 1 && self.tokens.iter().zip(&self.folded).any(names);
            return written || (length > 1 && is_unspaced(&name) && self.plain.joined.contains(&name));
        }
        let short = contracted(&name);
        self.plain.has_name(&name) || (short.chars().count() >= CONTRACTED && self.contracted.has_name(&short))
    }

    /// Whether all words of a value stand close together, in whatever order.
    fn hold_swapped(&self, value: &str) -> bool {
        let wanted: Vec<String> = value.split(|c: char| !c.is_alphanumeric()).map(folded).collect();
        let wanted: Vec<&String> = wanted.iter().filter(|word| !word.is_empty()).collect();
        let letters: usize = wanted.iter().map(|word| word.chars().count()).sum();
        let reach = wanted.len() + BETWEEN;
        let near = |start: usize| {
            let window = &self.folded[start..self.folded.len().min(start + reach)];
            wanted.iter().all(|word| window.contains(word))
        };
        wanted.len() > 1 && letters >= DISTINCT_NUMBER && (0..self.folded.len()).any(near)
    }
}

struct Joined {
    joined: String,
    /// Where in `joined` a word begins or ends.
    bounds: Vec<usize>,
}

impl Joined {
    fn of(words: impl Iterator<Item = String>) -> Self {
        let (mut joined, mut bounds) = (String::new(), vec![0]);
        for word in words {
            joined.push_str(&word);
            bounds.push(joined.len());
        }
        Self { joined, bounds }
    }

    fn bound(&self, at: usize) -> bool {
        self.bounds.binary_search(&at).is_ok()
    }

    /// Whether the spelling at this place is whole words, or distinct enough to be found in any.
    fn is_whole(&self, at: usize, spelling: &str) -> bool {
        let length = spelling.chars().count();
        let has_digit = spelling.chars().any(char::is_numeric);
        let distinct = length >= DISTINCT || (has_digit && length >= DISTINCT_NUMBER);
        distinct || (self.bound(at) && self.bound(at + spelling.len()))
    }

    /// A name also as the plural that a family has: the Hoxhas.
    fn has_name(&self, name: &str) -> bool {
        self.places(name).any(|at| {
            let end = at + name.len();
            let plural = ["s", "es"]
                .iter()
                .any(|ending| self.joined[end..].starts_with(ending) && self.bound(end + ending.len()));
            self.is_whole(at, name) || is_unspaced(name) || (self.bound(at) && plural)
        })
    }

    /// Every place, overlapping ones too.
    fn places<'w>(&'w self, spelling: &'w str) -> impl Iterator<Item = usize> + 'w {
        let starts = self.joined.char_indices().map(|(at, _)| at);
        starts.filter(move |at| self.joined[*at..].starts_with(spelling))
    }
}

/// Whether it is in a script that has no blanks between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese.
fn is_unspaced(text: &str) -> bool {
    let unspaced = |c| {
        matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
    };
    text.chars().any(unspaced)
}
