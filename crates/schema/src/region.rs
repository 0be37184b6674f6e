//! The region of each country, as the UN's M49 standard groups them (intermediate region where there is one).
//!
//! From `datasets/country-codes`; Kosovo (XK) is not in M49 and is put beside its neighbours. Antarctica has no region.

/// The region of `country` (alpha-2), if it has one.
pub(crate) fn region_of(country: &str) -> Option<&'static str> {
    REGIONS.iter().find(|(_, members)| members.contains(&country)).map(|(region, _)| *region)
}

/// Whether `text` is the name of a region.
pub(crate) fn is_region(text: &str) -> bool {
    REGIONS.iter().any(|(region, _)| *region == text)
}

const REGIONS: &[(&str, &[&str])] = &[
    ("Australia and New Zealand", &["AU", "CC", "CX", "HM", "NF", "NZ"]),
    (
        "Caribbean",
        &[
            "AG", "AI", "AW", "BB", "BL", "BQ", "BS", "CU", "CW", "DM", "DO", "GD", "GP", "HT", "JM", "KN", "KY", "LC",
            "MF", "MQ", "MS", "PR", "SX", "TC", "TT", "VC", "VG", "VI",
        ],
    ),
    ("Central America", &["BZ", "CR", "GT", "HN", "MX", "NI", "PA", "SV"]),
    ("Central Asia", &["KG", "KZ", "TJ", "TM", "UZ"]),
    (
        "Eastern Africa",
        &[
            "BI", "DJ", "ER", "ET", "IO", "KE", "KM", "MG", "MU", "MW", "MZ", "RE", "RW", "SC", "SO", "SS", "TF", "TZ",
            "UG", "YT", "ZM", "ZW",
        ],
    ),
    ("Eastern Asia", &["CN", "HK", "JP", "KP", "KR", "MN", "MO", "TW"]),
    ("Eastern Europe", &["BG", "BY", "CZ", "HU", "MD", "PL", "RO", "RU", "SK", "UA"]),
    ("Melanesia", &["FJ", "NC", "PG", "SB", "VU"]),
    ("Micronesia", &["FM", "GU", "KI", "MH", "MP", "NR", "PW", "UM"]),
    ("Middle Africa", &["AO", "CD", "CF", "CG", "CM", "GA", "GQ", "ST", "TD"]),
    ("Northern Africa", &["DZ", "EG", "EH", "LY", "MA", "SD", "TN"]),
    ("Northern America", &["BM", "CA", "GL", "PM", "US"]),
    (
        "Northern Europe",
        &["AX", "DK", "EE", "FI", "FO", "GB", "GG", "IE", "IM", "IS", "JE", "LT", "LV", "NO", "SE", "SJ"],
    ),
    ("Polynesia", &["AS", "CK", "NU", "PF", "PN", "TK", "TO", "TV", "WF", "WS"]),
    (
        "South America",
        &["AR", "BO", "BR", "BV", "CL", "CO", "EC", "FK", "GF", "GS", "GY", "PE", "PY", "SR", "UY", "VE"],
    ),
    ("South-eastern Asia", &["BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN"]),
    ("Southern Africa", &["BW", "LS", "NA", "SZ", "ZA"]),
    ("Southern Asia", &["AF", "BD", "BT", "IN", "IR", "LK", "MV", "NP", "PK"]),
    (
        "Southern Europe",
        &["AD", "AL", "BA", "ES", "GI", "GR", "HR", "IT", "ME", "MK", "MT", "PT", "RS", "SI", "SM", "VA", "XK"],
    ),
    (
        "Western Africa",
        &["BF", "BJ", "CI", "CV", "GH", "GM", "GN", "GW", "LR", "ML", "MR", "NE", "NG", "SH", "SL", "SN", "TG"],
    ),
    (
        "Western Asia",
        &["AE", "AM", "AZ", "BH", "CY", "GE", "IL", "IQ", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"],
    ),
    ("Western Europe", &["AT", "BE", "CH", "DE", "FR", "LI", "LU", "MC", "NL"]),
];
