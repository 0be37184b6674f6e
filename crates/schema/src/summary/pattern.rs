//! E-mail addresses, postcodes and document numbers in a summary, by their form alone. Each function says what it takes for
//! one and what not; the tests list both sides.

use super::token::{Token, is_currency, is_currency_sign, is_date, is_year};

/// Hosts of whose users one writes `at gmail.com`; of another host, it may be where somebody works.
const MAIL_HOSTS: &[&str] = &[
    "gmail",
    "googlemail",
    "hotmail",
    "outlook",
    "live",
    "yahoo",
    "icloud",
    "proton",
    "protonmail",
    "gmx",
    "aol",
    "mail",
    "yandex",
];

/// `name@host.tld`, also with blanks around the sign, or `(at)`, `at`, `(dot)` and `dot` for the signs. Not `paid @ 5.50 a
/// day`, and not `at work`.
pub(crate) fn has_email(text: &str) -> bool {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    for (word, sign) in [("at", "@"), ("dot", ".")] {
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>')] {
            for spelled in [format!(" {open}{word}{close} "), format!("{open}{word}{close}")] {
                text = text.replace(&spelled, sign);
            }
        }
    }
    let spelled = text.contains(" dot ");
    text = text.replace(" dot ", ".");
    let by_word = text.match_indices(" at ").any(|(at, word)| {
        let host = domain(&text[at + word.len()..]);
        is_domain(host) && (spelled || host.split('.').any(|label| MAIL_HOSTS.contains(&label)))
    });
    by_word
        || text.match_indices('@').any(|(at, _)| {
            let (local, host) = (text[..at].trim_end(), domain(text[at + 1..].trim_start()));
            local.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-')) && is_domain(host)
        })
}

fn domain(text: &str) -> &str {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    text[..text.find(|c| !inner(c)).unwrap_or(text.len())].trim_end_matches('.')
}

/// Whether the last label may be a top-level domain's, which are letters or the ASCII form of letters (RFC 5890).
fn is_domain(host: &str) -> bool {
    host.rsplit_once('.').is_some_and(|(_, last)| {
        let letters = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic);
        letters || last.strip_prefix("xn--").is_some_and(|rest| !rest.is_empty())
    })
}

/// Words that say that what follows is a postcode, whatever its form; two words of which are one are tried together.
const POSTCODE_WORDS: &[&str] = &["postcode", "postalcode", "zip", "zipcode", "plz"];

/// A UK postcode, whole or in its two halves; an Irish or a Canadian one; a US one of nine digits; one with its country's
/// letter, as D-10115; or whatever has three digits after a word such as `postcode`. Not roads (M25), and not `A2 2nd exit`.
pub(crate) fn has_postcode(tokens: &[Token]) -> bool {
    let labelled = |place: usize| {
        let one = tokens[place].lower();
        let two = tokens.get(place + 1).map_or_else(String::new, |next| one.clone() + &next.lower());
        let after = [(POSTCODE_WORDS.contains(&one.as_str()), 1), (POSTCODE_WORDS.contains(&two.as_str()), 2)];
        after.into_iter().any(|(is_label, words)| {
            is_label && tokens.iter().skip(place + words).take(2).map(Token::digits).sum::<usize>() >= 3
        })
    };
    let single = |token: &Token| {
        token.raw.is_ascii() && (5..=7).contains(&token.raw.len()) && {
            let (outward, inward) = token.raw.split_at(token.raw.len() - 3);
            is_outward(outward) && is_inward(inward)
        }
    };
    let irish = |token: &Token| {
        token.raw.is_ascii()
            && token.raw.len() == 7
            && is_routing_key(&token.raw[..3])
            && is_eircode_end(&token.raw[3..])
    };
    tokens.iter().any(|token| single(token) || irish(token))
        || tokens.windows(2).any(|pair| is_pair(&pair[0], &pair[1]))
        || (0..tokens.len()).any(labelled)
}

fn is_pair(one: &Token, two: &Token) -> bool {
    let hyphen = two.before == "-";
    let sign = matches!(two.before.trim(), "-" | "\u{2010}" | "\u{2011}" | "\u{2013}" | "\u{2014}" | "." | "/" | "_");
    let blanks = !two.before.is_empty() && two.before.chars().all(char::is_whitespace);
    let country = one.raw.len() <= 2 && one.raw.bytes().all(|byte| byte.is_ascii_uppercase());
    let nine = one.raw.len() == 5 && two.raw.len() == 4 && one.is_number() && two.is_number();
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|ending| two.raw.get(1..) == Some(*ending));
    (is_outward(&one.raw) && is_inward(&two.raw) && (blanks || sign) && !ordinal)
        || (is_routing_key(&one.raw) && is_eircode_end(&two.raw) && (blanks || sign))
        || (is_form(&one.raw, "a9a") && is_form(&two.raw, "9a9") && (blanks || sign))
        || (hyphen && nine)
        || (hyphen && country && two.is_number() && (4..=6).contains(&two.raw.len()) && !is_year(&two.raw))
}

/// The first half of a UK postcode: SW1A, M1, CT16.
fn is_outward(text: &str) -> bool {
    ["a9", "a99", "a9a", "aa9", "aa99", "aa9a"].iter().any(|form| is_form(text, form))
}

/// The second half; some letters are never in it.
fn is_inward(text: &str) -> bool {
    is_form(text, "9aa") && !text.to_ascii_uppercase().contains(['C', 'I', 'K', 'M', 'O', 'V'])
}

/// The first half of an Irish postcode (Eircode): D02, T12, D6W.
fn is_routing_key(text: &str) -> bool {
    is_form(text, "a99") || text.eq_ignore_ascii_case("D6W")
}

/// The second half: four letters and digits, the first of them a letter, and some letters never in it.
fn is_eircode_end(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_digit() || b"ACDEFHKNPRTVWXY".contains(&byte.to_ascii_uppercase());
    let digit = text.bytes().any(|byte| byte.is_ascii_digit());
    text.len() == 4 && digit && text.bytes().all(known) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the text is of this form: `a` for a letter, `9` for a digit.
fn is_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
            b'a' => byte.is_ascii_alphabetic(),
            _ => byte.is_ascii_digit(),
        })
}

/// Words for documents, words that say that a number follows, and words that may stand around those.
const DOCUMENT_WORDS: &[&str] = &[
    "passport",
    "id",
    "identity",
    "card",
    "visa",
    "document",
    "licence",
    "license",
    "permit",
    "passports",
    "visas",
    "ids",
];
const NUMBER_WORDS: &[&str] = &["no", "nr", "num", "number", "numbers", "numbered"];
const BETWEEN: &[&str] = &["with", "the", "is", "was", "of", "its", "card"];
/// From so many digits on, letters and digits together are a document's number.
const DOCUMENT_DIGITS: usize = 5;

/// Letters with at least five digits in one word; one or two capitals before at least six digits in groups; nine to
/// twenty digits in one, which is no telephone number; or at least five digits after words such as `passport` or `passport
/// number`. Not roads, ranges, dates, years, amounts with their currency.
pub(crate) fn has_document_number(tokens: &[Token]) -> bool {
    (0..tokens.len()).any(|place| {
        let from = &tokens[place..];
        let amount = has_currency(tokens, place, place + 1);
        (!amount && is_document(&from[0])) || grouped(from) || labelled(tokens, place)
    })
}

/// Whether a currency stands right before or after these tokens.
fn has_currency(tokens: &[Token], start: usize, end: usize) -> bool {
    let close = |token: &Token| token.before.trim().is_empty();
    let sign = |at: usize| tokens.get(at).is_some_and(|token| token.before.contains(is_currency_sign));
    let before = start > 0 && close(&tokens[start]) && is_currency(&tokens[start - 1].raw);
    let after = tokens.get(end).is_some_and(|token| close(token) && is_currency(&token.raw));
    // An amount has no leading zero.
    (before || after || sign(start) || sign(end)) && !tokens[start].raw.starts_with('0')
}

/// Whether a word for a document stands here, and a number of enough digits after it, in one or in groups.
fn labelled(tokens: &[Token], place: usize) -> bool {
    if !DOCUMENT_WORDS.contains(&tokens[place].lower().as_str()) {
        return false;
    }
    let said = |token: &&Token| [NUMBER_WORDS, BETWEEN].iter().any(|words| words.contains(&token.lower().as_str()));
    let between = tokens[place + 1..].iter().take_while(said).count();
    let counted = tokens[place + 1..][..between].iter().any(|token| NUMBER_WORDS.contains(&token.lower().as_str()));
    let start = place + 1 + between;
    let Some(first) = tokens.get(start).filter(|_| between == 0 || counted) else { return false };
    if !first.is_number() {
        return counted && first.digits() >= DOCUMENT_DIGITS;
    }
    let more = tokens[start + 1..].iter().take_while(|token| token.is_number() && token.is_joined()).count();
    let numbers = &tokens[start..=start + more];
    let raw = |at: usize| numbers.get(at).map_or("", |token| token.raw.as_str());
    let date = is_date(raw(0), raw(1), raw(2)) || is_date(raw(2), raw(1), raw(0));
    let month = numbers.len() == 2 && (is_date(raw(0), raw(1), "1") || is_date(raw(1), raw(0), "1"));
    let dated = date || month || numbers.iter().all(|token| is_year(&token.raw));
    let digits: usize = numbers.iter().map(Token::digits).sum();
    digits >= DOCUMENT_DIGITS && !dated && !has_currency(tokens, start, start + 1 + more)
}

fn is_document(token: &Token) -> bool {
    let (length, digits) = (token.raw.chars().count(), token.digits());
    if token.is_number() {
        let telephone = token.raw.starts_with('0') || token.before.ends_with('+');
        return (9..=20).contains(&length) && !telephone;
    }
    // 15000EUR and 100000km are amounts.
    let leading = token.raw.bytes().take_while(u8::is_ascii_digit).count();
    let amount = leading == digits && leading <= 6 && (2..=3).contains(&(length - digits));
    digits >= DOCUMENT_DIGITS && length > DOCUMENT_DIGITS && !amount
}

/// `AB 12-34 56 C`: capitals, then numbers that follow closely and are neither years nor a date.
fn grouped(tokens: &[Token]) -> bool {
    let Some((first, rest)) = tokens.split_first() else { return false };
    let capitals = first.raw.len() <= 2 && first.raw.bytes().all(|byte| byte.is_ascii_uppercase());
    let numbers: Vec<&Token> = rest.iter().take_while(|token| token.is_number() && token.is_joined()).collect();
    let year = numbers.iter().any(|token| is_year(&token.raw));
    capitals && !year && numbers.iter().map(|token| token.digits()).sum::<usize>() > DOCUMENT_DIGITS
}
