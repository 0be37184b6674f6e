//! The sample, and every fault of a settings file together.

use std::path::{Path, PathBuf};

use causeway_crypto::{PublicKey, SigningKey};
use causeway_journal::VerifierKey;

use super::Config;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/witness.toml")
}

fn sample_text() -> String {
    std::fs::read_to_string(sample()).expect("the sample is there")
}

fn places(faults: &[String]) -> Vec<&str> {
    faults.iter().filter_map(|fault| fault.split(':').next()).collect()
}

#[test]
fn the_sample_parses_and_its_commented_defaults_are_the_defaults() {
    let config = Config::load(&sample()).expect("the sample is valid");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8460");
    assert!(config.state_dir.ends_with("config/../data/witness"), "{:?}", config.state_dir);
    assert!(config.tls.is_none() && config.former_keys.is_empty());

    let text = sample_text();
    let set = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let uncommented: String = text.lines().map(set).map(|line| line + "\n").collect();
    assert_ne!(text, uncommented);
    let stated = Config::parse(&uncommented, sample().parent().expect("a folder")).expect("and valid");
    assert_eq!(format!("{stated:?}"), format!("{config:?}"));
}

#[test]
fn all_faults_are_listed_together_and_unknown_keys_too() {
    let mut text = sample_text();
    for (from, to) in [
        ("name = \"", "surprise = 1\nname = \"two words, "),
        ("\"127.0.0.1:8460\"", "\"localhost\""),
        ("state_dir = \"../data/witness\"", ""),
        ("key = \"../data/witness.key\"", "key = 7"),
        ("keys = [\"", "surprise = 1\nkeys = [\"x"),
        ("[limits]", "[tls]\nsurprise = 1\nclient_ca = 1\n[limits]\nsurprise = 1"),
        ("# connections = 128", "connections = 0"),
        ("# requests = 64", "requests = \"many\""),
        ("# body_seconds = 10", "body_seconds = 61"),
        ("[log]", "[log]\nsurprise = 1"),
        ("# format = \"text\"", "format = \"xml\""),
        ("# level = \"info\"", "level = \"loud\""),
    ] {
        assert!(text.contains(from), "{from:?} is not in the sample");
        text = text.replacen(from, to, 1);
    }
    let faults = Config::parse(&text, Path::new("")).expect_err("many faults");
    let mut found = places(&faults);
    found.sort_unstable();
    let expected = [
        "key",
        "limits.body_seconds",
        "limits.connections",
        "limits.requests",
        "limits.surprise",
        "listen",
        "log.format",
        "log.level",
        "log.surprise",
        "logs[0].keys[0]",
        "logs[0].surprise",
        "name",
        "state_dir",
        "surprise",
        "tls.certificate",
        "tls.client_ca",
        "tls.key",
        "tls.surprise",
    ];
    assert_eq!(found, expected, "{faults:#?}");
}

#[test]
fn what_is_missing_is_named() {
    let faults = Config::parse("", Path::new("")).expect_err("nothing is there");
    for place in ["name", "listen", "state_dir", "key", "logs"] {
        assert!(places(&faults).contains(&place), "{place}: {faults:?}");
    }
    let faults = Config::parse("[logs", Path::new("")).expect_err("not TOML");
    assert!(faults.len() == 1 && faults[0].starts_with("line "), "{faults:?}");
}

/// The sample with other logs, and a line before its tables.
fn with(line: &str, logs: &[String]) -> Result<Config, Vec<String>> {
    let text = sample_text();
    let (head, rest) = text.split_once("[[logs]]").expect("one log");
    let (_, tail) = rest.split_once("[limits]").expect("limits below");
    Config::parse(&format!("{head}\n{line}\n{}\n[limits]{tail}", logs.concat()), Path::new(""))
}

fn keys(keys: &[&VerifierKey]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    format!("[[logs]]\nkeys = [{}]\n", keys.join(", "))
}

#[test]
fn a_log_is_named_by_its_keys_once_and_by_keys_of_logs() {
    let public = |number| SigningKey::from_seed(&[number; 32]).public_key();
    let key = |name, number| VerifierKey::new(name, public(number)).expect("a name");
    let witness = VerifierKey::cosigner("a.example", public(1)).expect("a name");
    let (old, new, other) = (key("a.example", 1), key("a.example", 2), key("b.example", 3));
    let config = with("", &[keys(&[&old, &new]), keys(&[&other])]).expect("valid");
    assert_eq!(
        config.logs.iter().map(|log| (log.origin.as_str(), log.keys.len())).collect::<Vec<_>>(),
        [("a.example", 2), ("b.example", 1)]
    );
    for (logs, place) in [
        (vec![keys(&[&old, &other])], "logs[0].keys"),
        (vec![keys(&[&old]), keys(&[&new])], "logs"),
        (vec![keys(&[&old, &old])], "logs[0].keys[1]"),
        (vec![keys(&[&witness])], "logs[0].keys[0]"),
        (vec![keys(&[])], "logs[0].keys"),
        (vec!["[[logs]]\n".to_owned()], "logs[0].keys"),
    ] {
        let faults = with("", &logs).expect_err(place);
        assert_eq!(places(&faults)[0], place, "{faults:?}");
    }
    assert_eq!(
        with(&format!("former_keys = [\"{witness}\"]"), &[keys(&[&old])]).expect("valid").former_keys,
        [witness]
    );
    let faults = with(&format!("former_keys = [\"{new}\"]"), &[keys(&[&old])]).expect_err("a log's key");
    assert_eq!(places(&faults), ["former_keys[0]"]);
}

#[test]
fn without_tls_only_the_loopback_is_listened_on() {
    let key = VerifierKey::new("a.example", PublicKey([1; 32])).expect("a name");
    let listen = |address: &str, tls: &str| {
        let text = sample_text().replace("127.0.0.1:8460", address).replace("[limits]", &format!("{tls}\n[limits]"));
        Config::parse(&text, Path::new(""))
    };
    assert!(listen("[::1]:0", "").is_ok());
    for address in ["0.0.0.0:8460", "[::]:8460", "192.0.2.1:8460"] {
        assert_eq!(places(&listen(address, "").expect_err(address)), ["listen"]);
        assert!(listen(address, "[tls]\ncertificate = \"c\"\nkey = \"k\"").is_ok(), "{address}");
    }
    assert!(with("", &[keys(&[&key])]).is_ok());
}
