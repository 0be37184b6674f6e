//! The written forms of a date that a source uses.

use causeway_model::Date;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Letters of a month's short name.
const SHORT: usize = 3;

/// One form: `YYYY-MM-DD`, `D/M/YYYY`, `D MMMM YYYY` (June), `D-MMM-YYYY` (Jun), `YYYY-MM`, `YYYY`. `*` at the end stands for
/// anything that follows, as a time of day.
#[derive(Debug, Clone)]
pub(super) struct DateForm {
    parts: Vec<Part>,
    open_end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    /// A number of exactly two digits, or of one or two.
    Month {
        padded: bool,
    },
    MonthName {
        short: bool,
    },
    Day {
        padded: bool,
    },
    Literal(char),
}

impl DateForm {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (body, open_end) = text.strip_suffix('*').map_or((text, false), |body| (body, true));
        let mut parts = Vec::new();
        let mut rest = body;
        while let Some(first) = rest.chars().next() {
            let run = rest.chars().take_while(|c| *c == first).count();
            let part = match (first, run) {
                ('Y', 4) => Part::Year,
                ('M', 1 | 2) => Part::Month { padded: run == 2 },
                ('M', 3 | 4) => Part::MonthName { short: run == SHORT },
                ('D', 1 | 2) => Part::Day { padded: run == 2 },
                ('Y' | 'M' | 'D', _) => return Err("is not made of YYYY, M, MM, MMM, MMMM, D and DD"),
                _ => Part::Literal(first),
            };
            let length = if matches!(part, Part::Literal(_)) { first.len_utf8() } else { run };
            rest = &rest[length..];
            parts.push(part);
        }
        let count = |is: fn(&Part) -> bool| parts.iter().filter(|part| is(part)).count();
        let (years, months, days) = (count(Part::is_year), count(Part::is_month), count(Part::is_day));
        if years != 1 || months > 1 || days > months {
            return Err("needs one year, at most one month, and a day only beside a month");
        }
        Ok(Self { parts, open_end })
    }

    /// The date in ISO form, as far as it is stated; none where the text is not of this form, or no day of the calendar.
    pub(super) fn read(&self, text: &str) -> Option<String> {
        let (mut year, mut month, mut day) = (None, None, None);
        let mut rest = text;
        for part in &self.parts {
            match *part {
                Part::Year => year = Some(number(&mut rest, 4, 4)?),
                Part::Month { padded } => month = Some(number(&mut rest, if padded { 2 } else { 1 }, 2)?),
                Part::MonthName { short } => month = Some(month_name(&mut rest, short)?),
                Part::Day { padded } => day = Some(number(&mut rest, if padded { 2 } else { 1 }, 2)?),
                Part::Literal(literal) => rest = rest.strip_prefix(literal)?,
            }
        }
        if !rest.is_empty() && !self.open_end {
            return None;
        }
        let small = |number: u16| u8::try_from(number).ok();
        let (year, real_month, real_day) = (year?, small(month.unwrap_or(1))?, small(day.unwrap_or(1))?);
        Date::new(year, real_month, real_day)?;
        Some(match (month, day) {
            (Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
            (Some(month), None) => format!("{year:04}-{month:02}"),
            _ => format!("{year:04}"),
        })
    }

    /// Whether some text is of both forms and means two days: the day and the month change places.
    pub(super) fn mistakes(&self, other: &Self) -> bool {
        let blurred = |form: &Self| form.parts.iter().map(|part| part.blurred()).collect::<Vec<_>>();
        let order = |form: &Self| form.parts.iter().position(Part::is_day) < form.parts.iter().position(Part::is_month);
        blurred(self) == blurred(other) && order(self) != order(other)
    }
}

impl Part {
    fn is_year(&self) -> bool {
        *self == Self::Year
    }

    fn is_month(&self) -> bool {
        matches!(self, Self::Month { .. } | Self::MonthName { .. })
    }

    fn is_day(&self) -> bool {
        matches!(self, Self::Day { .. })
    }

    fn blurred(self) -> Self {
        if matches!(self, Self::Month { .. } | Self::Day { .. }) { Self::Day { padded: true } } else { self }
    }
}

fn number(rest: &mut &str, least: usize, most: usize) -> Option<u16> {
    let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits < least {
        return None;
    }
    let (number, after) = rest.split_at(digits);
    *rest = after;
    number.parse().ok()
}

fn month_name(rest: &mut &str, short: bool) -> Option<u16> {
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, after) = rest.split_at(letters);
    let name = name.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| if short { month[..SHORT] == name } else { **month == name })?;
    *rest = after;
    u16::try_from(place + 1).ok()
}
