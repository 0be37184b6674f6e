//! Ways on which people are brought to, and moved within, the United Kingdom. Invented along corridors that public
//! reports describe; ports and towns are real places with their UN/LOCODE, and nothing else is.

/// A place on a way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) country: &'static str,
    pub(crate) subdivision: &'static str,
    pub(crate) unlocode: &'static str,
    pub(crate) name: &'static str,
}

/// How one leg is travelled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) mode: &'static str,
    pub(crate) concealment: &'static str,
    pub(crate) days: u32,
}

/// One way from recruitment to exploitation: one `Way` between each two stops.
#[derive(Debug)]
pub(crate) struct Journey {
    /// Of the people who are moved.
    pub(crate) nationality: &'static str,
    pub(crate) weight: u32,
    pub(crate) stops: &'static [Stop],
    pub(crate) ways: &'static [Way],
    pub(crate) network: &'static str,
    pub(crate) types: &'static [&'static str],
}

const fn stop(country: &'static str, subdivision: &'static str, unlocode: &'static str, name: &'static str) -> Stop {
    Stop { country, subdivision, unlocode, name }
}

const fn way(mode: &'static str, concealment: &'static str, days: u32) -> Way {
    Way { mode, concealment, days }
}

const DURRES: Stop = stop("AL", "AL-02", "ALDRZ", "Durres");
const BARI: Stop = stop("IT", "IT-BA", "ITBRI", "Bari");
const ZEEBRUGGE: Stop = stop("BE", "BE-VWV", "BEZEE", "Zeebrugge");
const CALAIS: Stop = stop("FR", "FR-62", "FRCQF", "Calais");
const DUNKERQUE: Stop = stop("FR", "FR-59", "FRDKK", "Dunkerque");
const PARIS: Stop = stop("FR", "FR-75", "FRPAR", "Paris");
const BRUSSELS: Stop = stop("BE", "BE-BRU", "BEBRU", "Brussels");
const DOVER: Stop = stop("GB", "GB-KEN", "GBDVR", "Dover");
const HULL: Stop = stop("GB", "GB-ERY", "GBHUL", "Hull");
const TILBURY: Stop = stop("GB", "GB-ESS", "GBTIL", "Tilbury");
const HEATHROW: Stop = stop("GB", "GB-HIL", "GBLHR", "Heathrow");
const LONDON: Stop = stop("GB", "GB-LND", "GBLON", "London");
const BIRMINGHAM: Stop = stop("GB", "GB-BIR", "GBBHM", "Birmingham");
const LIVERPOOL: Stop = stop("GB", "GB-LIV", "GBLIV", "Liverpool");
const HANOI: Stop = stop("VN", "VN-HN", "VNHAN", "Ha Noi");
const SAIGON: Stop = stop("VN", "VN-SG", "VNSGN", "Ho Chi Minh City");
const MOSCOW: Stop = stop("RU", "RU-MOW", "RUMOW", "Moskva");
const RIGA: Stop = stop("LV", "LV-RIX", "LVRIX", "Riga");
const WARSAW: Stop = stop("PL", "PL-MZ", "PLWAW", "Warszawa");
const BERLIN: Stop = stop("DE", "DE-BE", "DEBER", "Berlin");
const ISTANBUL: Stop = stop("TR", "TR-34", "TRIST", "Istanbul");
const ASMARA: Stop = stop("ER", "ER-MA", "ERASM", "Asmara");
const KHARTOUM: Stop = stop("SD", "SD-KH", "SDKRT", "Khartoum");
const KASSALA: Stop = stop("SD", "SD-KA", "SDKSL", "Kassala");
const TRIPOLI: Stop = stop("LY", "LY-TB", "LYTIP", "Tripoli");
const POZZALLO: Stop = stop("IT", "IT-RG", "ITPZL", "Pozzallo");
const IASI: Stop = stop("RO", "RO-IS", "ROIAS", "Iasi");
const FRANKFURT: Stop = stop("DE", "DE-HE", "DEFRA", "Frankfurt am Main");
const DELHI: Stop = stop("IN", "IN-DL", "INDEL", "Delhi");
const LAHORE: Stop = stop("PK", "PK-PB", "PKLHE", "Lahore");

/// All journeys.
pub(crate) const JOURNEYS: &[Journey] = &[
    Journey {
        nationality: "AL",
        weight: 18,
        stops: &[DURRES, BARI, ZEEBRUGGE, HULL],
        ways: &[way("sea", "none", 1), way("road", "none", 3), way("sea", "vehicle_compartment", 1)],
        network: "organised_crime",
        types: &["ForcedCriminality", "ForcedLabour"],
    },
    Journey {
        nationality: "AL",
        weight: 12,
        stops: &[DURRES, BARI, PARIS, DUNKERQUE, DOVER, LONDON],
        ways: &[
            way("sea", "none", 1),
            way("rail", "none", 2),
            way("road", "none", 1),
            way("sea", "small_boat", 1),
            way("road", "none", 1),
        ],
        network: "organised_crime",
        types: &["ForcedCriminality"],
    },
    Journey {
        nationality: "AL",
        weight: 6,
        stops: &[DURRES, BARI, BRUSSELS, LONDON],
        ways: &[way("sea", "none", 1), way("road", "none", 2), way("rail", "false_documents", 1)],
        network: "family",
        types: &["SexualExploitation"],
    },
    Journey {
        nationality: "VN",
        weight: 16,
        stops: &[HANOI, MOSCOW, RIGA, WARSAW, BERLIN, DUNKERQUE, DOVER],
        ways: &[
            way("air", "none", 1),
            way("road", "vehicle_compartment", 9),
            way("road", "none", 3),
            way("road", "none", 4),
            way("road", "none", 6),
            way("sea", "small_boat", 1),
        ],
        network: "organised_crime",
        types: &["ForcedLabour", "ForcedCriminality"],
    },
    Journey {
        nationality: "VN",
        weight: 10,
        stops: &[SAIGON, PARIS, ZEEBRUGGE, TILBURY, BIRMINGHAM],
        ways: &[
            way("air", "false_documents", 1),
            way("road", "none", 5),
            way("sea", "container", 1),
            way("road", "none", 1),
        ],
        network: "employment_agency",
        types: &["ForcedLabour", "Servitude"],
    },
    Journey {
        nationality: "ER",
        weight: 10,
        stops: &[ASMARA, KASSALA, KHARTOUM, TRIPOLI, POZZALLO, CALAIS, DOVER],
        ways: &[
            way("foot", "none", 4),
            way("road", "none", 3),
            way("road", "vehicle_compartment", 20),
            way("sea", "small_boat", 3),
            way("rail", "none", 12),
            way("sea", "small_boat", 1),
        ],
        network: "militia",
        types: &["ForcedLabour", "SexualExploitation"],
    },
    Journey {
        nationality: "SD",
        weight: 8,
        stops: &[KHARTOUM, TRIPOLI, POZZALLO, CALAIS, DOVER],
        ways: &[
            way("road", "none", 15),
            way("sea", "small_boat", 3),
            way("rail", "none", 10),
            way("road", "vehicle_compartment", 1),
        ],
        network: "armed_rebel_group",
        types: &["ForcedLabour"],
    },
    Journey {
        nationality: "RO",
        weight: 7,
        stops: &[IASI, FRANKFURT, CALAIS, DOVER, BIRMINGHAM],
        ways: &[way("road", "none", 2), way("road", "none", 1), way("sea", "none", 1), way("road", "none", 1)],
        network: "family",
        types: &["SexualExploitation", "ForcedBegging"],
    },
    Journey {
        nationality: "IN",
        weight: 5,
        stops: &[DELHI, HEATHROW],
        ways: &[way("air", "none", 1)],
        network: "employment_agency",
        types: &["Servitude", "ForcedLabour"],
    },
    Journey {
        nationality: "PK",
        weight: 3,
        stops: &[LAHORE, ISTANBUL, BERLIN, CALAIS, DOVER],
        ways: &[
            way("air", "none", 1),
            way("road", "vehicle_compartment", 14),
            way("road", "none", 3),
            way("sea", "small_boat", 1),
        ],
        network: "organised_crime",
        types: &["ForcedLabour"],
    },
    Journey {
        nationality: "GB",
        weight: 15,
        stops: &[LONDON, DOVER],
        ways: &[way("rail", "none", 1)],
        network: "organised_crime",
        types: &["ForcedCriminality"],
    },
    Journey {
        nationality: "GB",
        weight: 8,
        stops: &[LIVERPOOL, BIRMINGHAM, LONDON],
        ways: &[way("road", "none", 1), way("rail", "none", 1)],
        network: "organised_crime",
        types: &["ForcedCriminality", "SexualExploitation"],
    },
];
