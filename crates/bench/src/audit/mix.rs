//! Entries as a gateway of 20 agencies writes them: 200 systems, 2,000 operators, 50 agreements, few of each busy and many quiet.

use causeway_journal::v1;
use causeway_store::{Draft, Term};

use crate::numbers::Numbers;

const AGENCIES: usize = 20;
const SYSTEMS: usize = 200;
const OPERATORS: usize = 2_000;
const AGREEMENTS: usize = 50;
const CLAUSES: usize = 8;

const PURPOSES: [&str; 11] = [
    "prevention",
    "investigation",
    "safeguarding",
    "victim-identification",
    "detection",
    "prosecution",
    "reintegration",
    "lawfulness",
    "self-monitoring",
    "integrity",
    "criminal-proceedings",
];

const REASONS: [&str; 12] = [
    "accepted",
    "page-served",
    "released",
    "schema-violation",
    "unknown-agreement",
    "role-missing",
    "handling-ceiling",
    "quota-reached",
    "expired",
    "not-releasable",
    "restricted-record",
    "crl-stale",
];

/// Operations by how often they come. Those that need a record are written as refused.
const OPERATIONS: [(v1::Operation, v1::Decision); 9] = [
    (v1::Operation::Consultation, v1::Decision::Allowed),
    (v1::Operation::Disclosure, v1::Decision::Allowed),
    (v1::Operation::Authentication, v1::Decision::Allowed),
    (v1::Operation::Collection, v1::Decision::Denied),
    (v1::Operation::Alteration, v1::Decision::Denied),
    (v1::Operation::Combination, v1::Decision::Allowed),
    (v1::Operation::Administration, v1::Decision::Allowed),
    (v1::Operation::Retention, v1::Decision::Denied),
    (v1::Operation::Erasure, v1::Decision::Denied),
];

/// Makes drafts, and knows by what they are found.
#[derive(Debug)]
pub(crate) struct Mix {
    pub(crate) numbers: Numbers,
    /// Some of the requests that there were.
    requests: Vec<[u8; 16]>,
    made: u64,
}

/// A kind of key, and its keys with the busiest first.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) keys: Vec<Term>,
}

impl Mix {
    pub(crate) const fn new() -> Self {
        Self::from_seed(0x00ca_05e3)
    }

    /// Others of the same kind.
    pub(crate) const fn from_seed(seed: u64) -> Self {
        Self { numbers: Numbers::from_seed(seed), requests: Vec::new(), made: 0 }
    }

    /// An entry of about 300 bytes, with the opening of its operator.
    pub(crate) fn draft(&mut self) -> Draft {
        let numbers = &mut self.numbers;
        let (operation, decision) = OPERATIONS[numbers.skewed(OPERATIONS.len())];
        let system = numbers.skewed(SYSTEMS);
        let request = (u128::from(numbers.next()) << 64 | u128::from(numbers.next())).to_be_bytes();
        self.made += 1;
        if self.made.is_multiple_of(1_009) {
            self.requests.push(request);
        }
        let recipient = matches!(operation, v1::Operation::Disclosure | v1::Operation::Combination).then(|| {
            let number = numbers.skewed(AGREEMENTS);
            v1::Recipient {
                agency: agency(number % AGENCIES),
                agreement: agreement(number),
                agreement_version: 1,
                clause: clause(numbers.skewed(CLAUSES)),
            }
        });
        let digest = |numbers: &mut Numbers| (0..4).flat_map(|_| numbers.next().to_be_bytes()).collect::<Vec<u8>>();
        let entry = v1::Entry {
            entry_id: [numbers.next().to_be_bytes(), numbers.next().to_be_bytes()].concat(),
            operation: operation.into(),
            decision: decision.into(),
            reason: REASONS[numbers.skewed(REASONS.len())].into(),
            actor: Some(v1::Actor {
                agency: agency(system % AGENCIES),
                system: system_name(system),
                certificate_digest: digest(numbers),
            }),
            purpose_code: PURPOSES[numbers.skewed(PURPOSES.len())].into(),
            recipient,
            subject_digest: digest(numbers),
            request_id: request.to_vec(),
            count: 1 + self.made % 500,
            byte_count: 1_000 + self.made % 100_000,
            ..Default::default()
        };
        let operator = operator(system, numbers.skewed(OPERATORS / SYSTEMS));
        let openings = Some(v1::Openings { operator, ..Default::default() });
        Draft { entry, openings, body: None, document_text: None }
    }

    /// Every kind of key that is searched by.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        let systems = || (0..SYSTEMS).map(|system| (agency(system % AGENCIES), system));
        let operators = systems().flat_map(|(agency, system)| {
            (0..OPERATORS / SYSTEMS)
                .map(move |number| Term::Operator { agency: agency.clone(), id: operator(system, number) })
        });
        let clauses = (0..AGREEMENTS).flat_map(|number| {
            (0..CLAUSES).map(move |place| Term::Clause { agreement: agreement(number), clause: clause(place) })
        });
        let kind = |name, keys| Kind { name, keys };
        vec![
            kind("operation", OPERATIONS.iter().map(|(operation, _)| Term::Operation(*operation)).collect()),
            kind("decision", [v1::Decision::Allowed, v1::Decision::Denied].map(Term::Decision).to_vec()),
            kind("agency", (0..AGENCIES).map(|number| Term::Agency(agency(number))).collect()),
            kind(
                "system",
                systems().map(|(agency, system)| Term::System { agency, system: system_name(system) }).collect(),
            ),
            kind("operator", operators.collect()),
            kind("recipient", (0..AGENCIES).map(|number| Term::Recipient(agency(number))).collect()),
            kind("agreement", (0..AGREEMENTS).map(|number| Term::Agreement(agreement(number))).collect()),
            kind("clause", clauses.collect()),
            kind("purpose", PURPOSES.iter().map(|code| Term::Purpose((*code).into())).collect()),
            kind("outcome", vec![Term::Outcome("effective".into()), Term::Outcome("void".into())]),
            kind("reason", REASONS.iter().map(|code| Term::Reason((*code).into())).collect()),
            kind("request id", self.requests.iter().map(|id| Term::RequestId(*id)).collect()),
        ]
    }
}

fn agency(number: usize) -> String {
    format!("{}-agency-{number}", ["gb", "al", "vn", "ro", "ng"][number % 5])
}

fn system_name(number: usize) -> String {
    format!("case-system-{number}")
}

fn operator(system: usize, number: usize) -> String {
    format!("officer.{system}.{number}")
}

fn agreement(number: usize) -> String {
    format!("ISA-AL-2026-{number:03}")
}

fn clause(number: usize) -> String {
    format!("c{number}.1")
}
