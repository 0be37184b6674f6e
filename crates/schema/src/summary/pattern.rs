//! What a summary must not hold and shows by its form alone. Each function says what it takes for one and what not;
//! the tests list both sides.

/// A run of letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As it is written.
    pub(crate) raw: String,
    /// What stands between it and the one before.
    pub(crate) before: String,
}

impl Token {
    fn digits(&self) -> usize {
        self.raw.chars().filter(char::is_ascii_digit).count()
    }

    fn is_number(&self) -> bool {
        self.raw.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether one separator, or none, or blanks alone divide it from the one before.
    fn is_joined(&self) -> bool {
        matches!(self.before.trim(), "" | "-" | "." | "/")
    }

    fn lower(&self) -> String {
        self.raw.to_lowercase()
    }
}

/// The words and numbers of a text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut token) = (Vec::new(), Token { raw: String::new(), before: String::new() });
    for character in text.chars() {
        if character.is_alphanumeric() {
            token.raw.push(character);
        } else {
            if !token.raw.is_empty() {
                tokens.push(std::mem::replace(&mut token, Token { raw: String::new(), before: String::new() }));
            }
            token.before.push(character);
        }
    }
    if !token.raw.is_empty() {
        tokens.push(token);
    }
    tokens
}

/// `name@host.tld`, also with blanks around the sign, or `(at)` and `(dot)` for the signs. Not `paid @ 5.50 a day`.
pub(crate) fn has_email(text: &str) -> bool {
    let mut text = text.to_lowercase();
    for (word, sign) in [("at", "@"), ("dot", ".")] {
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            for spelled in [format!(" {open}{word}{close} "), format!("{open}{word}{close}")] {
                text = text.replace(&spelled, sign);
            }
        }
    }
    text.match_indices('@').any(|(at, _)| {
        let (local, domain) = (text[..at].trim_end(), text[at + 1..].trim_start());
        let inner = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let domain = &domain[..domain.find(|c| !inner(c)).unwrap_or(domain.len())];
        let last = domain.trim_end_matches('.').rsplit_once('.').map(|(_, last)| last);
        local.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'))
            && last.is_some_and(|last| last.chars().count() >= 2 && last.chars().all(char::is_alphabetic))
    })
}

/// Words that say that a number of any length is a telephone's.
const PHONE_WORDS: &[&str] = &["tel", "telephone", "phone", "mobile", "mob", "whatsapp", "viber", "fax"];
/// From so many digits on, a number after one of those words is a telephone's.
const LABELLED_PHONE_DIGITS: usize = 6;

/// A number with its plus sign and 7 to 15 digits (E.164), one of 9 to 15 digits with a leading zero, any of 10 to 15, one
/// of 9 in groups that are not thousands, or one of 6 and more after a word such as `tel`. Not dates, ranges of years, and
/// amounts in groups of thousands.
pub(crate) fn has_phone(text: &str, tokens: &[Token]) -> bool {
    let labelled = tokens.windows(2).enumerate().any(|(place, pair)| {
        let rest = tokens[place + 1..].iter().take_while(|token| token.is_number());
        PHONE_WORDS.contains(&pair[0].lower().as_str())
            && rest.map(Token::digits).sum::<usize>() >= LABELLED_PHONE_DIGITS
    });
    labelled || runs(text).iter().any(|run| run.parts().iter().any(|part| is_phone(part, run.plus)))
}

/// Groups of digits with separators such as telephone numbers have between them.
struct Run {
    plus: bool,
    groups: Vec<String>,
    /// What stands before each group but the first.
    separators: Vec<String>,
}

impl Run {
    /// The groups between the dates and the ranges of years.
    fn parts(&self) -> Vec<&[String]> {
        let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
        while at < self.groups.len() {
            let taken = self.date_at(at);
            if taken > 0 {
                parts.push(&self.groups[start..at]);
                start = at + taken;
            }
            at += taken.max(1);
        }
        parts.push(&self.groups[start..]);
        parts
    }

    /// How many groups from this one on are a date, or the two years of a range.
    fn date_at(&self, at: usize) -> usize {
        let number = |offset: usize| self.groups.get(at + offset).map_or("", String::as_str);
        let separator = |offset: usize| self.separators.get(at + offset).map_or("", |text| text.trim());
        let same = separator(0) == separator(1) && matches!(separator(0), "-" | "." | "/");
        if same && (is_date(number(0), number(1), number(2)) || is_date(number(2), number(1), number(0))) {
            return 3;
        }
        let years = is_year(number(0)) && is_year(number(1)) && matches!(separator(0), "-" | "/");
        if years { 2 } else { 0 }
    }
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

/// Whether these may be year, month and day, or year, day and month.
fn is_date(year: &str, month: &str, day: &str) -> bool {
    let small = |text: &str| text.len() <= 2 && text.parse::<u8>().is_ok_and(|number| (1..=31).contains(&number));
    (is_year(year) || year.len() == 2) && small(month) && small(day)
}

fn is_phone(groups: &[String], plus: bool) -> bool {
    let digits: usize = groups.iter().map(String::len).sum();
    let leading_zero = groups.first().is_some_and(|first| first.starts_with('0'));
    let thousands = groups.len() > 1 && groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    match digits {
        7..=15 if plus => true,
        9..=15 if leading_zero => true,
        10..=15 => true,
        9 => groups.len() > 1 && !thousands,
        _ => false,
    }
}

fn runs(text: &str) -> Vec<Run> {
    let characters: Vec<char> = text.chars().collect();
    let (mut runs, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        let inside_word = at > 0 && characters[at - 1].is_alphanumeric();
        let plus = characters[at] == '+';
        if inside_word || !(plus || characters[at].is_ascii_digit()) {
            at += 1;
            continue;
        }
        let mut run = Run { plus, groups: Vec::new(), separators: Vec::new() };
        let mut next = at + usize::from(plus);
        loop {
            let start = next;
            // A bracket after the plus sign or between groups: +44 (0) 20.
            while next < characters.len() && next - start < 3 && is_separator(characters[next]) {
                next += 1;
            }
            let end =
                characters[next..].iter().position(|c| !c.is_ascii_digit()).map_or(characters.len(), |n| next + n);
            if end == next {
                break;
            }
            if !run.groups.is_empty() {
                run.separators.push(characters[start..next].iter().collect());
            }
            run.groups.push(characters[next..end].iter().collect());
            next = end;
            at = end;
        }
        at += usize::from(run.groups.is_empty());
        runs.push(run);
    }
    runs
}

fn is_separator(character: char) -> bool {
    character == ' ' || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '.' | '(' | ')' | '/')
}

/// Words that say that what follows is a postcode, whatever its form; two words of which are one are tried together.
const POSTCODE_WORDS: &[&str] = &["postcode", "postalcode", "zip", "zipcode", "plz"];

/// A UK postcode, whole or in its two halves; a Canadian one; a US one of nine digits; one with its country's letter, as
/// D-10115; or whatever has three digits after a word such as `postcode`. Not roads (M25), and not `A2 2nd exit`.
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
    tokens.iter().any(single)
        || tokens.windows(2).any(|pair| is_pair(&pair[0], &pair[1]))
        || (0..tokens.len()).any(labelled)
}

fn is_pair(one: &Token, two: &Token) -> bool {
    let hyphen = two.before == "-";
    let blanks = !two.before.is_empty() && two.before.chars().all(char::is_whitespace);
    let country = one.raw.len() <= 2 && one.raw.bytes().all(|byte| byte.is_ascii_uppercase());
    let nine = one.raw.len() == 5 && two.raw.len() == 4 && one.is_number() && two.is_number();
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|ending| two.raw.get(1..) == Some(*ending));
    (is_outward(&one.raw) && is_inward(&two.raw) && (blanks || hyphen) && !ordinal)
        || (is_form(&one.raw, "a9a") && is_form(&two.raw, "9a9") && (blanks || hyphen))
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

/// Whether the text is of this form: `a` for a letter, `9` for a digit.
fn is_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
            b'a' => byte.is_ascii_alphabetic(),
            _ => byte.is_ascii_digit(),
        })
}

/// Words for documents, and words that say that a number follows.
const DOCUMENT_WORDS: &[&str] =
    &["passport", "id", "identity", "card", "visa", "document", "licence", "license", "permit"];
const NUMBER_WORDS: &[&str] = &["no", "nr", "num", "number"];
/// From so many digits on, letters and digits together are a document's number.
const DOCUMENT_DIGITS: usize = 5;

/// Letters with at least five digits in one word; one or two capitals before at least six digits in groups; nine to
/// twenty digits in one, which is no telephone number; or at least five digits after words such as `passport number`. Not
/// roads, ranges, dates, years, amounts with their currency.
pub(crate) fn has_document_number(tokens: &[Token]) -> bool {
    let labelled = tokens.windows(3).any(|three| {
        let [word, number, value] = three else { return false };
        DOCUMENT_WORDS.contains(&word.lower().as_str())
            && NUMBER_WORDS.contains(&number.lower().as_str())
            && value.digits() >= DOCUMENT_DIGITS
    });
    labelled || tokens.iter().any(is_document) || (0..tokens.len()).any(|place| grouped(&tokens[place..]))
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
