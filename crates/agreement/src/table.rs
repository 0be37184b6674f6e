//! Published tables of numbers: what is counted, by what, how often, and how small cells are protected.

use std::fmt;
use std::str::FromStr;

use causeway_model::{ClauseId, Date, Kind, Malformed, Step, Timestamp};

/// A table that is published for each period: numbers of what its clause grants, by up to four dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its id within the agreement.
    pub id: TableId,
    /// The clause under which it is counted: a record is counted if this clause is the one that grants it.
    pub clause: ClauseId,
    /// The kind of record that is counted. A clause has at most one table of a kind, so that no two of them can be subtracted.
    pub kind: Kind,
    /// What the numbers are broken down by: 1 to 4.
    pub dimensions: Vec<Dimension>,
    /// The breakdowns that are published, each a part of `dimensions` and in their order; the empty one is the total. All of
    /// them where the agreement states none.
    pub levels: Vec<Vec<Dimension>>,
    /// How often it is published.
    pub period: TablePeriod,
    /// A cell that stands for fewer is suppressed; at least 1.
    pub threshold: u32,
    /// Numbers are rounded to a multiple of this; 1 leaves them as they are.
    pub rounding: u32,
}

/// The id of a table within its agreement, as in `t1` or `t3.1`; at most 16 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(Box<str>);

/// How often a table is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TablePeriod {
    /// For each calendar month (UTC).
    Month,
    /// For each quarter of the calendar year (UTC).
    Quarter,
    /// For each calendar year (UTC).
    Year,
}

macro_rules! dimensions {
    ($($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)?) => {
        /// What the numbers of a table may be broken down by. Each is counted at one step, however finely the clause lets it leave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Dimension { $($(#[$doc])* $variant),+ }

        impl Dimension {
            /// Every dimension.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As an agreement writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }
    };
}

dimensions!(
    /// The person's nationality (profiles).
    Nationality = "nationality",
    /// The person's age band (profiles).
    AgeBand = "age_band",
    /// Female, male or unknown (profiles).
    Gender = "gender",
    /// The type of exploitation (both kinds).
    ExploitationType = "exploitation_type",
    /// The stage of the referral (profiles).
    Stage = "stage",
    /// The quarter of the referral, or in which a route was first observed (both kinds).
    Quarter = "quarter",
    /// The country where the person was exploited (profiles).
    CountryOfExploitation = "country_of_exploitation",
    /// The country of origin and that of destination, as `AL>GB` (routes).
    RouteCorridor = "route_corridor",
);

impl Table {
    /// Dimensions of one table at most.
    pub const MAX_DIMENSIONS: usize = 4;
    /// The threshold of a table that states none.
    pub const DEFAULT_THRESHOLD: u32 = 11;
    /// The rounding of a table that states none.
    pub const DEFAULT_ROUNDING: u32 = 5;

    /// Every part of `dimensions`, from the total to the finest breakdown.
    pub(crate) fn all_levels(dimensions: &[Dimension]) -> Vec<Vec<Dimension>> {
        let mut levels = vec![Vec::new()];
        for dimension in dimensions {
            let with = |level: &Vec<Dimension>| level.iter().chain([dimension]).copied().collect();
            levels.extend(levels.iter().map(with).collect::<Vec<_>>());
        }
        levels.sort_by_key(Vec::len);
        levels
    }
}

impl Dimension {
    /// The fields of a record of this kind that it is read from, and the step at which it is counted (none for an open field);
    /// no field where records of the kind are not counted by it.
    pub const fn fields(self, kind: Kind) -> (&'static [&'static str], Option<Step>) {
        match (self, kind) {
            (Self::Nationality, Kind::VictimProfile) => (&["nationalities[]"], Some(Step::Country)),
            (Self::AgeBand, Kind::VictimProfile) => (&["age_band"], Some(Step::Band)),
            (Self::Gender, Kind::VictimProfile) => (&["gender"], Some(Step::FemaleMale)),
            (Self::ExploitationType, _) => (&["exploitation_types[]"], None),
            (Self::Stage, Kind::VictimProfile) => (&["nrm_stage"], None),
            (Self::Quarter, Kind::VictimProfile) => (&["referral_date"], Some(Step::Quarter)),
            (Self::Quarter, Kind::TraffickingRoute) => (&["first_observed"], Some(Step::Quarter)),
            (Self::CountryOfExploitation, Kind::VictimProfile) => (&["exploitation_countries[]"], Some(Step::Country)),
            (Self::RouteCorridor, Kind::TraffickingRoute) => (&["origin_country", "destination_country"], None),
            _ => (&[], None),
        }
    }

    /// Whether records of this kind are counted by it.
    pub const fn counts(self, kind: Kind) -> bool {
        !self.fields(kind).0.is_empty()
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dimension {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.iter().copied().find(|dimension| dimension.as_str() == text).ok_or(Malformed("dimension"))
    }
}

impl TableId {
    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TableId {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
        let numbers = text.strip_prefix('t').filter(|_| text.len() <= 16);
        if numbers.is_some_and(|numbers| numbers.split('.').all(number)) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed("table id"))
        }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TablePeriod {
    /// As an agreement writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The period that a moment falls in: `2026-07`, `2026-Q3` or `2026`.
    pub fn label_of(self, at: Timestamp) -> String {
        let (year, month, _) = at.date().parts();
        self.label(year, month)
    }

    /// The first moment of the period with this label and the first one after it; none for a label that is not of this period.
    pub fn bounds(self, label: &str) -> Option<(Timestamp, Timestamp)> {
        let year = label.get(..4)?.parse().ok()?;
        let month = match (self, label.get(4..)?) {
            (Self::Year, "") | (Self::Quarter, "-Q1") => 1,
            (Self::Quarter, "-Q2") => 4,
            (Self::Quarter, "-Q3") => 7,
            (Self::Quarter, "-Q4") => 10,
            (Self::Month, rest) => rest.strip_prefix('-')?.parse().ok()?,
            _ => return None,
        };
        let first = Date::new(year, month, 1).filter(|_| self.label(year, month) == label)?;
        let (year, month) = self.after(year, month);
        Some((first.start(), Date::new(year, month, 1)?.start()))
    }

    /// The last period that is over at `now`: its label, its first moment and the first one after it.
    pub fn previous(self, now: Timestamp) -> (String, Timestamp, Timestamp) {
        let (year, month, _) = now.date().parts();
        let first = month - (month - 1) % self.months();
        let (earlier_year, earlier) =
            if first > self.months() { (year, first - self.months()) } else { (year - 1, first + 12 - self.months()) };
        let start = |year, month| Date::new(year, month, 1).map_or(Timestamp(0), Date::start);
        (self.label(earlier_year, earlier), start(earlier_year, earlier), start(year, first))
    }

    const fn months(self) -> u8 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }

    /// The first month of the next period, from the first month of one.
    const fn after(self, year: u16, month: u8) -> (u16, u8) {
        if month + self.months() > 12 { (year + 1, 1) } else { (year, month + self.months()) }
    }

    fn label(self, year: u16, month: u8) -> String {
        match self {
            Self::Month => format!("{year:04}-{month:02}"),
            Self::Quarter => format!("{year:04}-Q{}", (month - 1) / 3 + 1),
            Self::Year => format!("{year:04}"),
        }
    }
}

impl fmt::Display for TablePeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TablePeriod {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        [Self::Month, Self::Quarter, Self::Year]
            .into_iter()
            .find(|period| period.as_str() == text)
            .ok_or(Malformed("period of a table"))
    }
}
