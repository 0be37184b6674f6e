//! The people of the sample: each number is one invented person, the same in every record that is about them.

use super::random::Random;

/// Referrals by nationality in 2024. The first five are published; the rest, 7,162 together, is a guess.
const NATIONALITIES: &[(&str, u32)] = &[
    ("GB", 4_441),
    ("AL", 2_492),
    ("VN", 2_153),
    ("ER", 1_702),
    ("SD", 1_175),
    ("IR", 900),
    ("ET", 800),
    ("IN", 780),
    ("RO", 750),
    ("SO", 700),
    ("NG", 640),
    ("AF", 600),
    ("IQ", 520),
    ("CN", 420),
    ("PK", 360),
    ("GH", 250),
    ("PL", 230),
    ("BG", 212),
];
/// Of 100 children referred: British ones are more often children, so that 44% of all are.
const CHILD_PERCENT: (u32, u32) = (70, 36);
const FEMALE_PERCENT: u32 = 24;
/// The ages of children at the end of 2024: none comes of age before 2029, and until then each is a child on the day of
/// receipt, as the schema asks.
const YOUNGEST: u32 = 9;
const CHILDREN_AGES: u32 = 5;
/// Given names and family names by nationality; the last row is for all others.
const NAMES: &[(&str, &[&str], &[&str])] = &[
    ("GB", &["Jordan", "Casey", "Alex", "Taylor", "Morgan", "Jamie"], &["Samplewood", "Testerley", "Mockford"]),
    ("AL", &["Arben", "Elira", "Dritan", "Besa", "Ilir", "Mirela"], &["Provaj", "Shembulli", "Testaku"]),
    ("VN", &["Linh", "Minh", "Huong", "Tuan", "Lan", "Duc"], &["Nguyen Mau", "Tran Thu", "Le Vi"]),
    ("", &["Sami", "Noor", "Ada", "Ravi", "Mika", "Selam"], &["Example", "Specimen", "Placeholder"]),
];

/// One invented person.
#[derive(Debug)]
pub(crate) struct Person {
    /// The owner's stable reference.
    pub(crate) reference: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) nationality: &'static str,
    pub(crate) child: bool,
    pub(crate) gender: &'static str,
    pub(crate) given_name: &'static str,
    pub(crate) family_name: &'static str,
    pub(crate) birth_year: u32,
    /// CTDC's age band at the end of 2024.
    pub(crate) age_band: &'static str,
}

impl Person {
    pub(crate) fn new(seed: u64, number: usize) -> Self {
        let mut random = Random::of(seed, "person", number);
        let nationality = random.weighted(NATIONALITIES);
        let child = random.chance(if nationality == "GB" { CHILD_PERCENT.0 } else { CHILD_PERCENT.1 });
        let age = if child { YOUNGEST + random.below(CHILDREN_AGES) } else { 18 + random.below(18) + random.below(18) };
        let gender = match random.below(100) {
            0 => random.pick(&["transgender_female", "transgender_male", "non_conforming"]),
            drawn if drawn < FEMALE_PERCENT => "female",
            _ => "male",
        };
        let (_, given, family) =
            NAMES.iter().find(|(of, _, _)| *of == nationality || of.is_empty()).expect("the last row is for all");
        Self {
            reference: format!("SYN-P-{:04x}{number:07}", seed & 0xffff),
            nationality,
            child,
            gender,
            given_name: random.pick(given),
            family_name: random.pick(family),
            birth_year: 2024 - age,
            age_band: age_band(age),
        }
    }
}

fn age_band(age: u32) -> &'static str {
    match age {
        0..=8 => "0-8",
        9..=17 => "9-17",
        18..=20 => "18-20",
        21..=23 => "21-23",
        24..=26 => "24-26",
        27..=29 => "27-29",
        30..=38 => "30-38",
        39..=47 => "39-47",
        _ => "48+",
    }
}
