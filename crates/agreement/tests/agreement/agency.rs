//! Agency files and their templates.

use causeway_agreement::{AgencyFile, AgencyTemplate, AuditLimits, Role};
use causeway_model::{Date, Timestamp};

use crate::lines;

const TEMPLATE: &str = r#"
id = "gb-nca"
version = 3
name = "National Crime Agency"
persons = ["director", "dpo"]

[[systems]]
name = "gateway"

[[systems]]
name = "case-management"
roles = ["submitter", "auditor"]
"#;

fn complete() -> AgencyFile {
    let template = AgencyTemplate::parse(TEMPLATE).expect("well formed");
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    template.complete(|id| [u8::try_from(id.as_str().len()).expect("short"); 32], vec![7; 1216], pem.into())
}

#[test]
fn a_completed_template_reads_back() {
    let file = complete();
    assert_eq!(AgencyFile::parse(&file.render()), Ok(file.clone()));
    assert_eq!(file.roles(&"case-management".parse().expect("a name")), [Role::Submitter, Role::Auditor]);
    assert!(file.roles(&"gateway".parse().expect("a name")).is_empty());
    assert!(file.roles(&"somebody-else".parse().expect("a name")).is_empty(), "unknown means no role");
}

#[test]
fn faults_of_an_agency_file_are_all_listed() {
    let with = |from: &str, to: &str| {
        let text = complete().render();
        assert!(text.contains(from), "{from:?} is not in {text}");
        lines(AgencyFile::parse(&text.replace(from, to)).expect_err("has a fault"))
    };
    assert_eq!(with("gb-nca", "NCA"), ["id: is a malformed agency id"]);
    assert_eq!(
        with("\"auditor\"", "\"admin\""),
        [
            "systems[1].roles[1]: is an unknown role; the roles are submitter, reader, auditor, protection, operator, witness"
        ]
    );
    assert_eq!(with("\"gateway\"", "\"case-management\""), ["systems: two systems have the name case-management"]);
    assert_eq!(with("\"dpo\"", "\"director\""), ["persons: two persons have the id director"]);
    assert_eq!(with("BEGIN CERTIFICATE", "BEGIN NOTHING"), ["trust_bundle_pem: holds no certificate in PEM"]);
    assert_eq!(
        with("MIIB", concat!("-----BEGIN ", "PRIVATE KEY-----")),
        ["trust_bundle_pem: holds a private key, which belongs in no agency file"]
    );
    assert_eq!(with("AwMD", "!"), ["persons[1].public_key: is not base64"]);
    assert_eq!(with("AwMD", ""), ["persons[1].public_key: is not a key of 32 bytes"]);
    assert_eq!(with("version = 3", "version = 3\nroot = true"), ["root: is not a known key"]);
    assert!(lines(AgencyFile::parse("").expect_err("empty")).len() >= 5);
}

#[test]
fn a_sealing_key_has_the_length_of_one() {
    for length in [32, 1184, 1215, 1217] {
        let mut file = complete();
        file.sealing_public_key = vec![7; length];
        let faults = lines(AgencyFile::parse(&file.render()).expect_err("nothing could be sealed to it"));
        assert_eq!(faults, ["sealing_public_key: is not an X-Wing public key of 1216 bytes"], "{length}");
    }
}

#[test]
fn two_persons_never_share_a_key() {
    let mut file = complete();
    file.persons[1].public_key = file.persons[0].public_key;
    let faults = lines(AgencyFile::parse(&file.render()).expect_err("one key could approve twice"));
    assert_eq!(faults, ["persons: the key of dpo is another person's too"]);
}

#[test]
fn a_template_holds_no_keys() {
    let text = format!("sealing_public_key = \"AA==\"\n{TEMPLATE}");
    assert_eq!(lines(AgencyTemplate::parse(&text).expect_err("has a key")), ["sealing_public_key: is not a known key"]);
}

#[test]
fn an_auditors_limits_read_back_and_an_old_file_stays_the_same_text() {
    let day = |text: &str| text.parse::<Date>().expect("a date");
    let old = complete();
    assert!(!old.limits_auditors() && !old.render().contains("audit_"), "{}", old.render());
    let both = AuditLimits {
        agencies: vec!["al-police".parse().expect("an id"), "vn-police".parse().expect("an id")],
        from: Some(day("2026-01-01")),
        to: Some(day("2026-12-31")),
    };
    for limits in [
        AuditLimits { agencies: both.agencies.clone(), ..AuditLimits::default() },
        AuditLimits { from: both.from, ..AuditLimits::default() },
        AuditLimits { to: both.to, ..AuditLimits::default() },
        both.clone(),
    ] {
        let mut file = complete();
        file.systems[1].audit = limits;
        assert!(file.limits_auditors());
        assert_eq!(AgencyFile::parse(&file.render()), Ok(file.clone()), "{}", file.render());
    }
    let text = format!("{TEMPLATE}audit_agencies = [\"al-police\"]\naudit_from = 2026-01-01\naudit_to = 2026-01-01\n");
    let template = AgencyTemplate::parse(&text).expect("a template states them too");
    let limits = AuditLimits { agencies: vec!["al-police".parse().expect("an id")], from: both.from, to: both.from };
    assert_eq!(template.systems[1].audit, limits);
    let (first, after) = (day("2026-01-01").start(), day("2026-01-02").start());
    assert!(limits.covers(first) && limits.covers(Timestamp(after.0 - 1)), "the whole day");
    assert!(!limits.covers(after) && !limits.covers(Timestamp(first.0 - 1)));
    assert!(AuditLimits::default().covers(Timestamp(0)) && AuditLimits::default().covers(Timestamp(u64::MAX)));
}

#[test]
fn faults_of_an_auditors_limits_are_all_listed() {
    let with = |lines_of_system: &str| {
        lines(AgencyTemplate::parse(&format!("{TEMPLATE}{lines_of_system}")).expect_err("has a fault"))
    };
    assert_eq!(
        with("audit_agencies = []"),
        ["systems[1].audit_agencies: is an empty list: leave it out or state what it holds"]
    );
    assert_eq!(
        with(
            "audit_agencies = [\"AL\", \"al-police\", \"al-police\"]\naudit_from = \"2026-01-01\"\naudit_until = 2026-01-01"
        ),
        [
            "systems[1].audit_agencies[0]: is a malformed agency id",
            "systems[1].audit_agencies[2]: is there twice",
            "systems[1].audit_from: is not a date: write 2026-01-31, without quotes",
            "systems[1].audit_until: is not a known key",
        ]
    );
    assert_eq!(with("audit_from = 2026-02-01\naudit_to = 2026-01-31"), ["systems[1].audit_to: is before audit_from"]);
    let text = TEMPLATE.replace("\"submitter\", \"auditor\"", "\"submitter\"");
    let faults = AgencyTemplate::parse(&format!("{text}audit_from = 2026-02-01\naudit_agencies = [\"al-police\"]"));
    assert_eq!(
        lines(faults.expect_err("no auditor")),
        [
            "systems[1].audit_agencies: is for systems with the role auditor",
            "systems[1].audit_from: is for systems with the role auditor",
        ]
    );
}
