//! Telephone numbers in a summary, by their form and by the words before them.

use super::token::{Token, is_currency, is_currency_sign, is_date, is_year, tokens};

/// Words that say that a number of any length is a telephone's.
const PHONE_WORDS: &[&str] = &[
    "tel",
    "telephone",
    "phone",
    "phoned",
    "mobile",
    "mob",
    "cell",
    "whatsapp",
    "viber",
    "signal",
    "telegram",
    "zalo",
    "wechat",
    "fax",
    "call",
    "called",
    "ring",
    "rang",
    "dial",
    "dialled",
    "sms",
    "texted",
    "contact",
];
/// Words that may stand between such a word and the number.
const BETWEEN: &[&str] = &["no", "nr", "num", "number", "is", "was", "on", "at", "her", "him", "them", "me", "via"];
/// From so many digits on, a number after one of those words is a telephone's.
const LABELLED_DIGITS: usize = 6;
/// The most digits of an amount of money.
const AMOUNT_DIGITS: usize = 12;

/// A number with its plus sign and 7 to 15 digits (E.164); one of 9 to 15 digits with a leading zero, whatever divides its
/// groups; any of 10 to 15; one of 8 or 9 in groups; or one of 6 and more after a word such as `tel`. Not dates, times and
/// ranges of years, nor amounts: round ones in groups of thousands, and whatever has its currency beside it.
pub(crate) fn has_phone(text: &str) -> bool {
    runs(text).iter().any(|run| {
        let labelled = run.is_labelled();
        run.parts().iter().any(|part| {
            let amount = !run.plus && run.currency && part.is_amount();
            !amount && (part.is_phone(run.plus) || (labelled && part.digits() >= LABELLED_DIGITS))
        })
    })
}

/// Groups of digits with separators such as telephone numbers have between them.
struct Run {
    plus: bool,
    /// Whether a currency stands right before or after it.
    currency: bool,
    /// The words before it, the nearest first.
    words: Vec<String>,
    groups: Vec<String>,
    /// What stands before each group but the first.
    separators: Vec<String>,
}

impl Run {
    fn is_labelled(&self) -> bool {
        let word = self.words.iter().find(|word| !BETWEEN.contains(&word.as_str()));
        word.is_some_and(|word| PHONE_WORDS.contains(&word.as_str()))
    }

    /// The groups between the dates, the times and the ranges of years.
    fn parts(&self) -> Vec<Part<'_>> {
        let part = |from: usize, to: usize| Part {
            groups: &self.groups[from..to],
            separators: self.separators.get(from..to.saturating_sub(1)).unwrap_or_default(),
        };
        let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
        while at < self.groups.len() {
            let taken = self.date_at(at).max(self.time_at(at));
            if taken > 0 {
                parts.push(part(start, at));
                start = at + taken;
            }
            at += taken.max(1);
        }
        parts.push(part(start, self.groups.len()));
        parts
    }

    fn number(&self, at: usize) -> &str {
        self.groups.get(at).map_or("", String::as_str)
    }

    /// What stands after this group.
    fn separator(&self, at: usize) -> Option<&str> {
        self.separators.get(at).map(|text| text.trim())
    }

    /// How many groups from this one on are a date, or the two years of a range.
    fn date_at(&self, at: usize) -> usize {
        let (one, two, three) = (self.number(at), self.number(at + 1), self.number(at + 2));
        let between = self.separator(at);
        let same = between == self.separator(at + 1);
        let signs = same && matches!(between, Some("-" | "." | "/"));
        if signs && (is_date(one, two, three) || is_date(three, two, one)) {
            return 3;
        }
        // 14 03 2026, and nothing after it.
        let blanks = same && between == Some("") && self.groups.len() == at + 3 && at == 0;
        if blanks && is_year(three) && is_date(three, two, one) {
            return 3;
        }
        let years = is_year(one) && is_year(two) && matches!(between, Some("-" | "/"));
        if years { 2 } else { 0 }
    }

    /// Two groups where they are the hour and the minute of a span, `06.00 - 18.00`, or both its ends, `0600-1800`.
    fn time_at(&self, at: usize) -> usize {
        let small = |text: &str, least: usize, below: u8| {
            (least..=2).contains(&text.len()) && text.parse::<u8>().is_ok_and(|number| number < below)
        };
        let time = |at: usize| {
            let point = self.separators.get(at).is_some_and(|text| text == ".");
            point && small(self.number(at), 1, 25) && small(self.number(at + 1), 2, 60)
        };
        let whole = |at: usize| {
            let halves = self.number(at).split_at_checked(2);
            halves.is_some_and(|(hour, minute)| small(hour, 2, 25) && small(minute, 2, 60))
        };
        let dash = |at: usize| self.separator(at).is_some_and(is_dash);
        let before = at >= 3 && dash(at - 1) && time(at - 2);
        let span = whole(at) && dash(at) && whole(at + 1) && !dash(at + 1);
        if span || (time(at) && ((dash(at + 1) && time(at + 2)) || before)) { 2 } else { 0 }
    }
}

/// Groups that belong together.
struct Part<'r> {
    groups: &'r [String],
    separators: &'r [String],
}

impl Part<'_> {
    fn digits(&self) -> usize {
        self.groups.iter().map(String::len).sum()
    }

    fn is_phone(&self, plus: bool) -> bool {
        let Some(first) = self.groups.first() else { return false };
        let rest = &self.groups[1..];
        let round = |number: &Vec<&str>| {
            let thousands = number.len() > 1 && is_amount(number) && number.last() == Some(&"000");
            thousands
                || (number.len() == 1 && self.groups.len() == 2 && number[0].len() <= 5 && number[0].ends_with('0'))
        };
        let numbers = self.numbers();
        if !plus && numbers.len() <= 2 && !first.starts_with('0') && numbers.iter().all(round) {
            return false;
        }
        // What follows a number may be a number too, so its first groups may be all of it.
        let mut digits = 0;
        let long = self.groups.iter().any(|group| {
            digits += group.len();
            match digits {
                7..=15 if plus => true,
                9..=15 if first.starts_with('0') => true,
                10..=15 => true,
                _ => false,
            }
        });
        long || (!rest.is_empty() && (8..=9).contains(&self.digits()))
    }

    /// The numbers of a span, each by its groups; one, where no dash divides them.
    fn numbers(&self) -> Vec<Vec<&str>> {
        let mut numbers = vec![Vec::new()];
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 && self.separators.get(at - 1).is_some_and(|text| is_dash(text.trim())) {
                numbers.push(Vec::new());
            }
            numbers.last_mut().expect("there is one from the start").push(group.as_str());
        }
        numbers
    }

    /// Whether the groups are one number or a span of two, each in one or in thousands, and possibly with its hundredths.
    fn is_amount(&self) -> bool {
        let numbers = self.numbers();
        numbers.len() <= 2 && numbers.iter().all(|number| is_amount(number))
    }
}

fn is_dash(text: &str) -> bool {
    matches!(text, "-" | "\u{2013}" | "\u{2014}")
}

fn is_amount(groups: &[&str]) -> bool {
    let Some((first, rest)) = groups.split_first() else { return false };
    let hundredths = usize::from(rest.last().is_some_and(|last| last.len() <= 2));
    let whole = &rest[..rest.len() - hundredths];
    let thousands = whole.is_empty() || (first.len() <= 3 && whole.iter().all(|group| group.len() == 3));
    let digits = first.len() + whole.iter().map(|group| group.len()).sum::<usize>();
    thousands && digits <= AMOUNT_DIGITS && (!first.starts_with('0') || *first == "0")
}

fn runs(text: &str) -> Vec<Run> {
    let characters: Vec<char> = text.chars().collect();
    let (mut runs, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        let inside_word = at > 0 && characters[at - 1].is_alphanumeric();
        let starts = characters[at] == '+' || characters[at].is_ascii_digit();
        if inside_word || !starts {
            at += 1;
            continue;
        }
        let (run, end) = run(&characters, at);
        at = end.max(at + 1);
        runs.extend((!run.groups.is_empty()).then_some(run));
    }
    runs
}

/// The run that starts at `at`, and where it ends.
fn run(characters: &[char], at: usize) -> (Run, usize) {
    let plus = characters[at] == '+';
    let (mut groups, mut separators): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut end, mut next) = (at, at + usize::from(plus));
    loop {
        let start = next;
        // A number that surely is a telephone's goes on over any sign.
        let surely = plus || groups.first().is_some_and(|first| first.len() >= 3 && first.starts_with('0'));
        let separates = |c: char| is_separator(c) || (surely && !c.is_alphanumeric());
        // A bracket after the plus sign or between groups: +44 (0) 20.
        while next < characters.len() && next - start < 3 && separates(characters[next]) {
            next += 1;
        }
        let digits = characters[next..].iter().take_while(|character| character.is_ascii_digit()).count();
        if digits == 0 {
            break;
        }
        if !groups.is_empty() {
            separators.push(characters[start..next].iter().collect());
        }
        groups.push(characters[next..next + digits].iter().collect());
        next += digits;
        end = next;
    }
    let before: String = characters[at.saturating_sub(LOOK)..at].iter().collect();
    let after: String = characters[end..characters.len().min(end + LOOK)].iter().collect();
    let words: Vec<Token> = tokens(&before);
    let currency = words.last().is_some_and(|word| before.trim_end().ends_with(&word.raw) && is_currency(&word.raw))
        || before.trim_end().ends_with(is_currency_sign)
        || after.trim_start().starts_with(is_currency_sign)
        || tokens(&after).first().is_some_and(|word| word.before.trim().is_empty() && is_currency(&word.raw));
    let words = words.iter().rev().map(Token::lower).collect();
    (Run { plus, currency, words, groups, separators }, end)
}

/// How many characters before and after a number are looked at.
const LOOK: usize = 24;

fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '.' | '(' | ')' | '/' | '_')
}
