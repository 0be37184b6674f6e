//! `causeway witness new-key`: the key of a witness, in a file for its owner alone.

use std::path::PathBuf;

use causeway_crypto::SigningKey;
use causeway_journal::VerifierKey;
use clap::Args;

use crate::output::{note, say};
use crate::{Failure, private_file};

/// Whose key, and where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The witness's name, as its settings have it: a URL without scheme, as witness.example.org.
    #[arg(long)]
    name: String,
    /// Write the key to this new file (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where logs reach the witness, for the line that is printed.
    #[arg(long)]
    url: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    say(line(options)?);
    note(format_args!("the key is in {}; the line is for the logs' policy files", options.out.display()));
    Ok(())
}

/// Writes the key; gives the line that states it in a policy (C2SP tlog-policy).
fn line(options: &Options) -> Result<String, Failure> {
    let key = SigningKey::generate();
    let verifier = VerifierKey::cosigner(&options.name, key.public_key())
        .map_err(|error| Failure::usage(format!("--name {}: {error}", options.name)))?;
    let url = options.url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
    if url.trim_start().contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Failure::usage("--url: a URL has no spaces"));
    }
    private_file::write(&options.out, causeway_witness::encode_key(&key).as_bytes())?;
    Ok(format!("witness {} {verifier}{url}", options.name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use causeway_journal::Policy;

    use super::*;

    #[test]
    fn a_key_is_private_never_overwritten_and_its_line_stands_in_a_policy() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("witness.key");
        let options = |url: Option<&str>| Options {
            name: "witness.example.org".into(),
            out: out.clone(),
            url: url.map(str::to_owned),
        };
        let made = line(&options(Some("https://witness.example.org/"))).expect("made");
        assert_eq!(std::fs::metadata(&out).expect("there").permissions().mode() & 0o777, 0o600);
        let key = std::fs::read(&out).expect("readable");
        assert!(line(&options(None)).is_err());
        assert_eq!(std::fs::read(&out).expect("readable"), key);

        let log = VerifierKey::new("log.example", SigningKey::generate().public_key()).expect("a name");
        let policy = Policy::parse(&format!("log {log}\n{made}\nquorum witness.example.org\n")).expect("a policy");
        let [witness] = policy.witnesses() else { panic!("one witness") };
        assert_eq!(witness.url.as_deref(), Some("https://witness.example.org/"));
        assert!(witness.key.is_cosigner() && witness.key.name() == "witness.example.org");
    }

    #[test]
    fn names_and_urls_that_no_policy_can_state_make_no_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("witness.key");
        for (name, url) in
            [("two words", None), ("a+b", None), ("", None), ("a", Some("https://a b")), ("a", Some("x\ny"))]
        {
            let options = Options { name: name.into(), out: out.clone(), url: url.map(str::to_owned) };
            assert!(line(&options).is_err() && !out.exists(), "{name} {url:?}");
        }
    }
}
