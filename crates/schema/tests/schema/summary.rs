//! The scan of a summary, by text: what it finds, and the innocent texts that look alike.

use serde_json::json;

use crate::records::{id, profile, route, schemas, set, violations};

/// The rules that a summary breaks beside the identifiers of a record with the given name, number and so on.
fn rules(text: &str, edits: &[(&str, serde_json::Value)]) -> Vec<String> {
    let mut record = profile();
    for (pointer, value) in edits {
        set(&mut record, pointer, value.clone());
    }
    set(&mut record, "/sanitised_summary", json!(text));
    let schema = schemas().get(id("victim-profile/1.1")).expect("compiled");
    let found = violations(schema, &record);
    assert!(found.iter().all(|violation| violation.pointer == "/sanitised_summary"), "{found:?}");
    found.into_iter().map(|violation| violation.rule).collect()
}

#[track_caller]
fn each_breaks(rule: &str, texts: &[&str]) {
    for text in texts {
        assert!(rules(text, &[]).iter().any(|found| found == rule), "{text:?} should break {rule}");
    }
}

#[test]
fn innocent_texts_pass() {
    for text in [
        "She was told of work in a nail bar and travelled by lorry.",
        "Between 2026-03-14 and 20.04.2026, or 14/03/2026, he was moved three times.",
        "From 2019-2024 and again in 2025/2026.",
        "In the years 2019 - 2021 - 2023 it happened again.",
        "Twelve people aged 12-34, then 5-10 more.",
        "Driven along the M25 to junction 10, then the A20 and A2.",
        "Take the A2 2nd exit, the M1 1st exit.",
        "Owed 15,000 euro, EUR 15000, 12 500 lek and 1.250.000 dong; 25000EUR in all.",
        "A debt of 100 000 000 dong at 5.50 a day @ 3 shifts.",
        "Worked 16 hours a day, 7 days a week, for 4.50 per hour.",
        "Sent to flat 3 on floor 12 with 8 others; 100000km in all.",
        "Handled under 3x5x2 as 1AP, TLP GREEN; see ISA-AL-2026.",
        "The visa cost 15000 and the passport was taken.",
        "A 2019-2024 investigation found 30 victims (DPA 2018 s.62).",
        "Flight times 10:30-12:45; gate 7; 24/7 control.",
        "Paid 100000000 dong.",
        "Owed 1 000 000 000 dong, or VND 69 123 456, or \u{a3}12 000 000.",
        "Between 15.000.000 - 20.000.000 dong; 5 000 000 - 8 000 000 VND; EUR 1200.50 - 1500.50.",
        "About 12 000 000 people live there, 5 000 - 8 000 of them by the sea, 2500-3000 km away.",
        "Worked 0600-1800, 7 days a week, then 2200 - 0600.",
        "Her visa 03/2024 and passport 2019-2024 were taken.",
        "Under ISA-AL-2026-014, at 51.5074, -0.1278, in rooms 101, 102, 103 and 104.",
        "Worked 06.00 - 18.00, 7 days a week, and was called at 06.00 - 07.30.",
        "Called on 14/03/2026, again in 2019-2024, and on 14 03 2026.",
        "He called her 3 times; she was 19, 20, 21, 22 and 23 then.",
        "The passport of 2019-2024 and the visa of 14.03.2026 were taken; a passport, 15000 euro.",
        "A visa for 90 days. Her ID was kept. The card had 120 on it.",
        "Recruited at work, then worked at a farm. The dot on the map was far off.",
        "Drove the A20 24th exit, then M20 to D02 - and A12, 3 hours.",
        "Met at booking.com, an online site.",
        "",
    ] {
        if !text.is_empty() {
            assert_eq!(rules(text, &[]), Vec::<String>::new(), "{text:?}");
        }
    }
}

#[test]
fn an_email_address_is_found() {
    each_breaks(
        "summary-email",
        &[
            "Write to jo.smith@example.org.",
            "JO_SMITH+x@MAIL.EXAMPLE.CO.UK",
            "jo @ example.org",
            "jo (at) example (dot) org",
            "jo[at]example[dot]org",
            "\u{ff4a}\u{ff4f}\u{ff20}example\u{ff0e}org",
            "j\u{fc}rgen@b\u{fc}cher.example",
            "jo AT gmail DOT com",
            "jo at gmail.com",
            "jo at mail dot\nexample dot org",
            "jo@host.xn--p1ai",
        ],
    );
}

#[test]
fn a_telephone_number_is_found() {
    each_breaks(
        "summary-phone",
        &[
            "Call +44 20 7946 0999.",
            "Call +44 (0)20 7946 0999.",
            "Call 020 7946 0999 at night.",
            "07700900999",
            "0 7 7 0 0 9 0 0 9 9 9",
            "00355 69 123 4567",
            "355-69-123-4567",
            "(020) 7946.0999",
            "\u{ff10}\u{ff12}\u{ff10} 7946 0999",
            "on 2026-03-14 07700 900999",
            "tel. 123 456",
            "WhatsApp: 5551234",
            "0770\u{200b}0900999",
            "020\u{2011}7946\u{2011}0999",
            "07700_900_999",
            "07700, 900, 999",
            "07700 900\n999",
            "07700; 900 * 999, then 12, 15, 2026 and 2027",
            "\u{660}\u{667}\u{667}\u{660}\u{660}\u{669}\u{660}\u{660}\u{669}\u{669}\u{669}",
            "\u{6f0}\u{6f7}\u{6f7}\u{6f0}\u{6f0} \u{6f9}\u{6f0}\u{6f0} \u{6f9}\u{6f9}\u{6f9}",
            "69 123 456",
            "691 234 567",
            "6912-3456",
            "0750-0900-999",
            "355 000 - 691 234 567",
            "call 7946 0958",
            "call her on 794609",
            "phone number: 123-456",
            "07700900999 dong",
            "+44 7700 900999 euro",
        ],
    );
}

#[test]
fn a_postcode_is_found() {
    each_breaks(
        "summary-postcode",
        &[
            "near SW1A 1AA",
            "near sw1a1aa",
            "near CT16  9ZZ",
            "near M1-1AE",
            "\u{ff33}\u{ff37}1A 1AA",
            "in K1A 0B1",
            "ZIP 90210",
            "zip code 90210-1234",
            "90210-1234",
            "Postcode: 1010",
            "post code 75001",
            "D-10115 Berlin",
            "D02 X285",
            "d6w-xy12",
            "T12X70A",
            "SW1A - 1AA",
            "SW1A \u{2013} 1AA",
            "SW1A.1AA",
        ],
    );
}

#[test]
fn the_number_of_a_document_is_found() {
    each_breaks(
        "summary-document-number",
        &[
            "held BA771234",
            "held ab123456C",
            "held AB 12-34 56 C",
            "held X7K92L10",
            "held 533401234",
            "IBAN GB29NWBK60161331926819",
            "passport no. 53340",
            "ID number 1234567",
            "identity nr 12345",
            "\u{ff22}\u{ff21}771234",
            "passport 53340123 was kept",
            "Passport (53340123)",
            "visa 12345678",
            "permit 2024/12345",
            "ID: 12345",
            "passport 53 34 01",
            "passport with the number 53340",
            "identity card number was 12345",
            "ID \u{661}\u{662}\u{663}\u{664}\u{665}",
        ],
    );
}

#[test]
fn what_the_record_says_of_its_people_is_found_in_any_spelling() {
    let named = [
        ("/given_name", json!("Nguy\u{1ec5}n")),
        ("/family_name", json!("\u{110}\u{1eb7}ng")),
        ("/middle_name", json!("M\u{fc}ller-L\u{fc}denscheid")),
        ("/aliases/0", json!("Ali")),
        ("/date_of_birth", json!("1999-04-17")),
        ("/identity_documents/0/number", json!("BA 77-12")),
        ("/subject_reference", json!("SUBJ-7")),
    ];
    let own = "summary-own-identifier";
    for text in [
        "Nguy\u{1ec5}n left.",
        "NGUYEN left.",
        "nguye\u{302}\u{303}n left.",
        "N-g-u-y-e-n left.",
        "n g u y e n left",
        "\u{ff2e}\u{ff47}\u{ff55}\u{ff59}\u{ff45}\u{ff4e} left",
        "Dang was there.",
        "Mueller is not it, but Muller-Ludenscheid is.",
        "one Ludenscheid",
        "called ALI by all",
        "born 17.04.1999",
        "born on 17 April 1999",
        "born April 17, 1999",
        "born 1999-04-17",
        "document ba7712",
        "document B A 7 7 / 1 2",
        "see subj 7",
        "near Cityquill",
        "now in Here-quill",
        "with QQ1 7QQ",
        "447700900123",
        "subj\u{200b}-7",
        "born 17 Apr 1999",
        "born 17th of April 1999",
        "born on the 17th April '99",
        "born 17/4/99",
        "born 17APR1999",
        "born 4.17.1999",
        "born 1999/4/17",
        "born 170499",
        "in Streetquill 1",
        "in Streetquill, number 1",
        "the Dangs",
        "the Nguyens' house",
        "the Nguyen's house",
        "N\u{432}uyen no, Ngu\u{443}en yes",
        "\u{391}li and others",
    ] {
        assert!(rules(text, &named).iter().any(|found| found == own), "{text:?}");
    }
    // A name inside another word, a year alone, and what two letters may be, are no slips.
    for text in [
        "An Italian alibi.",
        "Born before 1999.",
        "Danger and dangling.",
        "In GB and in Albania.",
        "Moved on 17 April 2019, on 4 April 1999 and in 17 trips.",
        "One street, number 7.",
    ] {
        assert_eq!(rules(text, &named), Vec::<String>::new(), "{text:?}");
    }
}

/// Short names, and parts of names, in both directions.
#[test]
fn a_short_name_is_found_as_a_word_with_a_capital() {
    let own = "summary-own-identifier";
    for (field, name, found, passed) in [
        ("/given_name", "Jo", &["Jo left.", "He met JO.", "Jo's brother"][..], &["The job, the jo."][..]),
        ("/family_name", "L\u{ea}", &["Le left.", "Met L\u{ea}."], &["A letter, le mot."]),
        ("/given_name", "Th\u{1ecb} Mai", &["Mai left.", "called mai", "Thi Mai", "M\u{c0}I"], &["The main road."]),
        (
            "/given_name",
            "V\u{103}n An",
            &["Met Van there.", "With An, who left."],
            &["An adult.", "By van, old as it was. Van of 1999."],
        ),
        ("/family_name", "Hope", &["With Hope."], &["Hope was lost; no hope."]),
        ("/family_name", "Hoxha", &["the Hoxhas", "Hoxha's car", "The HOXHAS left"], &["Hoxhaland"]),
        ("/family_name", "M\u{fc}ller", &["Mueller left", "Muller left", "the Muellers"], &["A mule, a mill."]),
        ("/family_name", "Mueller", &["M\u{fc}ller left", "Muller left"], &["A mule, a mill."]),
        ("/family_name", "S\u{f8}rensen", &["Soerensen left", "Sorensen left", "S\u{f6}rensen left"], &["A sore one."]),
        ("/family_name", "Hoxha", &["H\u{43e}xh\u{430} left", "\u{41d}\u{41e}\u{425}HA left"], &[]),
        ("/family_name", "al Masri", &["Masri left"], &["By sea, from Al Bayda."]),
        ("/family_name", "\u{738b}\u{4f1f}", &["\u{738b}\u{4f1f}\u{5728}\u{8fd9}\u{91cc}"], &["\u{738b}\u{56fd}"]),
        (
            "/family_name",
            "\u{418}\u{432}\u{430}\u{43d}\u{43e}\u{432}",
            &["\u{418}\u{412}\u{410}\u{41d}\u{41e}\u{412} left"],
            &[],
        ),
        (
            "/address/street",
            "12 High Road",
            &["in High Road 12", "at 12, Road High", "12 High Road"],
            &["A high road; it was a bad one for 12 km."],
        ),
    ] {
        let named = [(field, json!(name))];
        for text in found {
            assert!(rules(text, &named).iter().any(|rule| rule == own), "{name}: {text:?}");
        }
        for text in passed {
            assert_eq!(rules(text, &named), Vec::<String>::new(), "{name}: {text:?}");
        }
    }
    let month = [("/date_of_birth", json!("1999-04")), ("/age_band", json!("unknown"))];
    for text in ["born April 1999", "born 04/1999", "born in apr 1999", "born 1999-4"] {
        assert!(rules(text, &month).iter().any(|rule| rule == own), "{text:?}");
    }
    assert_eq!(rules("Moved in April 2019 and in 1999.", &month), Vec::<String>::new());
}

#[test]
fn a_routes_people_and_vehicles_are_found_too() {
    let schema = schemas().get(id("trafficking-route/1.1")).expect("compiled");
    for text in [
        "Drivequill drove.",
        "in QX-12-abc",
        "by vessel 9074729",
        "known as handle quill",
        "with document doc num 8842",
        "of route ref 5501",
    ] {
        let mut record = route();
        set(&mut record, "/sanitised_summary", json!(text));
        let found = violations(schema, &record);
        assert!(found.iter().any(|violation| violation.rule == "summary-own-identifier"), "{text:?}: {found:?}");
    }
    let mut record = route();
    set(&mut record, "/sanitised_summary", json!("By lorry from Tirana, then by ferry."));
    assert_eq!(violations(schema, &record), []);
}

#[test]
fn a_verdict_does_not_quote_the_summary() {
    let mut record = profile();
    set(&mut record, "/sanitised_summary", json!("Familyquill, quill@example.org, 07700 900999"));
    let found = violations(schemas().get(id("victim-profile/1.0")).expect("compiled"), &record);
    assert_eq!(found.len(), 3, "{found:?}");
    let text = format!("{found:?}").to_lowercase();
    assert!(!text.contains("quill") && !text.contains("900999"), "{text}");
}
