//! The words and numbers of a summary, and what makes a number an amount.

/// A run of letters and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As it is written.
    pub(crate) raw: String,
    /// What stands between it and the one before.
    pub(crate) before: String,
}

impl Token {
    pub(crate) fn digits(&self) -> usize {
        self.raw.chars().filter(char::is_ascii_digit).count()
    }

    pub(crate) fn is_number(&self) -> bool {
        self.raw.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether one separator, or none, or blanks alone divide it from the one before.
    pub(crate) fn is_joined(&self) -> bool {
        matches!(self.before.trim(), "" | "-" | "." | "/" | "_")
    }

    /// Whether a sentence may begin with it.
    pub(crate) fn begins(&self) -> bool {
        self.before.is_empty() || self.before.contains(['.', '!', '?', ':', ';', '\n', '"', '(', '\u{2022}'])
    }

    pub(crate) fn is_capitalised(&self) -> bool {
        self.raw.chars().next().is_some_and(|first| !first.is_lowercase())
    }

    pub(crate) fn lower(&self) -> String {
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

pub(crate) fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

/// Whether these may be year, month and day, or year, day and month.
pub(crate) fn is_date(year: &str, month: &str, day: &str) -> bool {
    let small = |text: &str| text.len() <= 2 && text.parse::<u8>().is_ok_and(|number| (1..=31).contains(&number));
    (is_year(year) || year.len() == 2) && small(month) && small(day)
}

/// What money is called in the countries that records come from, in lower case.
const CURRENCY_WORDS: &[&str] = &[
    "afghani",
    "baht",
    "birr",
    "cedi",
    "cedis",
    "denar",
    "dinar",
    "dinars",
    "dirham",
    "dirhams",
    "dollar",
    "dollars",
    "dong",
    "euro",
    "euros",
    "forint",
    "franc",
    "francs",
    "hryvnia",
    "kip",
    "koruna",
    "kroner",
    "kronor",
    "kuna",
    "kyat",
    "lei",
    "lek",
    "leke",
    "lek\u{eb}",
    "leu",
    "lev",
    "leva",
    "lira",
    "naira",
    "nakfa",
    "peso",
    "pesos",
    "pound",
    "pounds",
    "quid",
    "rand",
    "real",
    "reais",
    "renminbi",
    "rial",
    "rials",
    "riel",
    "ringgit",
    "riyal",
    "riyals",
    "rmb",
    "rouble",
    "roubles",
    "ruble",
    "rubles",
    "rupee",
    "rupees",
    "rupiah",
    "shilling",
    "shillings",
    "som",
    "taka",
    "tenge",
    "toman",
    "won",
    "yen",
    "yuan",
    "zloty",
    "z\u{142}oty",
    "\u{111}\u{1ed3}ng",
];
/// The same by their codes (ISO 4217), which are written in capitals.
const CURRENCY_CODES: &[&str] = &[
    "AED", "AFN", "ALL", "AUD", "BAM", "BDT", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EGP", "ERN", "ETB",
    "EUR", "GBP", "GHS", "HRK", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "JPY", "KES", "KHR", "KRW", "KZT", "LAK",
    "LKR", "LYD", "MAD", "MDL", "MKD", "MMK", "MXN", "MYR", "NGN", "NOK", "NPR", "PHP", "PKR", "PLN", "RON", "RSD",
    "RUB", "SDG", "SEK", "SOS", "SYP", "THB", "TND", "TRY", "TZS", "UAH", "UGX", "USD", "UZS", "VND", "XAF", "XOF",
    "ZAR",
];

/// Whether the word names a currency.
pub(crate) fn is_currency(word: &str) -> bool {
    CURRENCY_CODES.contains(&word) || CURRENCY_WORDS.contains(&word.to_lowercase().as_str())
}

/// Whether the text ends with the sign of a currency.
pub(crate) fn is_currency_sign(character: char) -> bool {
    matches!(character, '$' | '\u{a3}' | '\u{a5}' | '\u{20a0}'..='\u{20c0}')
}
