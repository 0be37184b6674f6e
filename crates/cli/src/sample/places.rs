//! Places in the United Kingdom, responders and dates that the sample draws from.

use causeway_model::Timestamp;

use super::random::Random;

/// Towns with their subdivision (ISO 3166-2).
pub(crate) const TOWNS: &[(&str, &str)] = &[
    ("Birmingham", "GB-BIR"),
    ("Bradford", "GB-BRD"),
    ("Cardiff", "GB-CRF"),
    ("Dover", "GB-KEN"),
    ("Glasgow", "GB-GLG"),
    ("Leeds", "GB-LDS"),
    ("Leicester", "GB-LCE"),
    ("Liverpool", "GB-LIV"),
    ("Manchester", "GB-MAN"),
    ("Nottingham", "GB-NGM"),
    ("Sheffield", "GB-SHF"),
];
/// First responders as the NRM form lists them.
pub(crate) const RESPONDERS: &[(&str, u32)] = &[
    ("Home Office - Asylum Group - Illegal Migration Intake Unit", 30),
    ("Home Office - UK Border Force UKBF", 12),
    ("Metropolitan Police Service", 9),
    ("West Midlands Police", 6),
    ("Kent Police", 5),
    ("Birmingham City Council", 6),
    ("Manchester City Council", 5),
    ("The Salvation Army", 6),
    ("Migrant Help", 4),
    ("Gangmasters and Labour Abuse Authority GLAA", 2),
    ("Barnardo's", 2),
];
/// Days since 1970 of 2024-01-01 and the days of that year: all that happens in the sample happens in or before it.
const YEAR_START: u64 = 19_723;
const YEAR_DAYS: u32 = 366;

/// The date `after` days after the one numbered `day`.
pub(crate) fn date(day: u64) -> String {
    Timestamp(day * 86_400_000_000).date().to_string()
}

/// The number of a day of 2024.
pub(crate) fn day(random: &mut Random) -> u64 {
    YEAR_START + u64::from(random.below(YEAR_DAYS))
}
