//! The command line: one subcommand for each file below `command/`.

use clap::{Parser, Subcommand};

use crate::command::{
    acknowledge, agreement, approve, at_risk, audit, backup, certs, cluster, count, demo, doctor, document, erase,
    explain, hold, holders, identity, import, keys, migrate, pseudonym, pull, receipt, restore, restrict, retention,
    sample, schemas, serve, submit, validate, verify, watch, withdraw, witness,
};

/// A gateway through which agencies share what they know about human trafficking.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

// A doc comment here would take the place of the program's own description in its help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the main job end to end: submit, pull, audit, verify.
    Demo(demo::Options),
    /// Run the gateway.
    Serve(serve::Options),
    /// Check a gateway's installation, or a partner's own side; each finding says what to do.
    Doctor(doctor::Options),
    /// Make development identities.
    #[command(subcommand)]
    Certs(certs::Command),
    /// Submit a file of records (JSON Lines).
    Submit(submit::Options),
    /// Check a file of records as a submission would; nothing is kept of it.
    Validate(validate::Options),
    /// Withdraw a record from every feed that has it.
    Withdraw(withdraw::Options),
    /// Withhold a record from every feed and keep it, or end that.
    Restrict(restrict::Options),
    /// Withdraw a record everywhere at once because a person in it is in danger.
    AtRisk(at_risk::Options),
    /// List who has received a record, and who has acknowledged that it is recalled.
    Holders(holders::Options),
    /// Say whether a partner is shown a record, and why.
    Explain(explain::Options),
    /// Plan an erasure, and order it with two persons' approvals.
    #[command(subcommand)]
    Erase(erase::Command),
    /// Set or lift a legal hold.
    #[command(subcommand)]
    Hold(hold::Command),
    /// List what retention makes due, or erase it.
    Retention(retention::Options),
    /// Ask for the identity behind a pseudonym or record, decide about it, hand it over sealed.
    #[command(subcommand)]
    Identity(identity::Command),
    /// Check agreements, compare them, bring them into force, suspend them.
    #[command(subcommand)]
    Agreement(agreement::Command),
    /// Read what is to be approved, and sign it, offline.
    Approve(approve::Options),
    /// Propose, approve, activate or suspend a governed document.
    #[command(subcommand)]
    Document(document::Command),
    /// Rotate, back up, restore and make keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Back up the journal of a running gateway, sealed, or go on with a backup.
    Backup(backup::Options),
    /// Restore a journal from a backup, offline, and check every byte of it.
    Restore(restore::Options),
    /// Make the stream of a shared log, and check what its servers enforce.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Migrate a stopped journal into a shared log, or back.
    Migrate(migrate::Options),
    /// Check a pseudonym, offline.
    #[command(subcommand)]
    Pseudonym(pseudonym::Command),
    /// Show the receipt of an earlier submission.
    Receipt(receipt::Options),
    /// Read an agreement's feed, or check what was kept of it.
    Pull(pull::Options),
    /// Read an agreement's feed and go on as items come.
    Watch(watch::Options),
    /// Say what of a feed has been taken note of.
    Acknowledge(acknowledge::Options),
    /// Show published numbers.
    Count(count::Options),
    /// Ask who saw what, and fetch proofs.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check evidence, offline: proofs, checkpoints, receipts, pages, exports, or a whole journal.
    Verify(verify::Options),
    /// Cosign the checkpoints of other organisations' logs, make a witness's key, show what it holds.
    Witness(witness::Options),
    /// Submit the rows of a CSV or JSON file by way of a mapping file.
    Import(import::Options),
    /// Write synthetic submissions (JSON Lines).
    Sample(sample::Options),
    /// List or show the schemas in force, or write the pages that say what they mean.
    #[command(subcommand)]
    Schemas(schemas::Command),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Command lines as the README has them, or as it says of them.
    const README: &[&str] = &[
        "demo",
        "demo --once --json",
        "serve --config config/gateway.toml",
        "backup --to /mnt/backup --as gb-nca/operations",
        "backup --to /mnt/backup --recipient recipient/sealing.pub --json --quiet --as gb-nca/operations",
        "restore --from /mnt/backup --identity recipient/sealing.key --to restored --config config/gateway.toml --json",
        "restore --from /mnt/backup --identity recipient/sealing.key --to restored --verifier-key key.txt",
        "cluster create --certificate admin.pem --key admin.key --max-gib 64",
        "cluster check --cluster config/cluster.toml --json",
        "migrate --from sled --to nats --config config/gateway.toml --cluster config/cluster.toml",
        "migrate --from nats --to sled --into data/journal-2 --json --quiet",
        "certs dev",
        "certs revoke al-police/feed",
        "submit records.jsonl --as gb-nca/case-management --receipts r.jsonl",
        "validate records.jsonl --as gb-nca/case-management",
        "withdraw 0123456789abcdef0123456789abcdef --expected-version 1 --as gb-nca/case-management",
        "pull --limit 10 --cursor c --agreement ISA-AL-2026-014 --as al-police/feed",
        "watch --as al-police/feed",
        "pull --all --cursor c --out items.jsonl --receipts pages --as al-police/feed",
        "pull --verify pages --verifier-key k",
        "pull --verify items.jsonl --receipts pages --cursor c --up-to 10 --verifier-key k",
        "watch -v --as al-police/feed",
        "acknowledge 10 --as al-police/feed",
        "acknowledge --item 7 --as al-police/feed",
        "count --list --as al-police/feed",
        "count --table t1 --period 2026-Q3 --by nationality,gender --json --as al-police/feed",
        "explain 0123456789abcdef0123456789abcdef --partner al-police --as gb-nca/case-management",
        "explain 0123456789abcdef0123456789abcdef --agreement ISA-AL-2026-014 --field age_band --as-auditor --as gb-nca/audit",
        "holders 0123456789abcdef0123456789abcdef --as gb-nca/case-management",
        "at-risk 0123456789abcdef0123456789abcdef --submission-id flag-1 --as gb-nca/case-management",
        "audit query --record 0123456789abcdef0123456789abcdef --json --as gb-nca/audit",
        "audit query --agreement ISA-AL-2026-014 --operation disclosure --between 2026-11-01 2026-11-30 --newest --all --prove --as gb-nca/audit",
        "audit query --leaves 0..1000 --openings --items --limit 10 --cursor c --verifier-key key.txt --as gb-nca/audit",
        "audit who-saw 0123456789abcdef0123456789abcdef --prove --verifier-key key.txt --as gb-nca/audit",
        "audit what-left al-police --between 2026-11-01 2026-11-30 --as gb-nca/audit",
        "audit by-person al-police inspector-7 --as gb-nca/audit",
        "audit denials --from-time 2026-11-01 --as gb-nca/audit",
        "audit releases --json --as gb-nca/audit",
        "audit transfers --between 2026-11-01 2026-11-30 --as gb-nca/audit",
        "audit transfers --between 2026-11-01 2026-11-30 --per transfer --json --as gb-nca/audit",
        "audit unusual --between 2026-11-01 2026-11-30 --rules config/audit/unusual.toml --as gb-nca/audit",
        "audit export --format jsonl --out november.jsonl --between 2026-11-01 2026-11-30 --prove --as gb-nca/audit",
        "audit export --format csv --out denied.csv --decision denied --openings --as gb-nca/audit",
        "audit match pages --verifier-key key.txt --as al-police/audit",
        "audit match receipts.jsonl --between 2026-11-01 2026-11-30 --as gb-nca/audit",
        "audit checkpoint --as gb-nca/audit",
        "audit prove 7 --out proof.txt --as gb-nca/audit",
        "audit prove 7 --witnessed --out proof.txt --as gb-nca/audit",
        "audit checkpoint --witnessed --as gb-nca/audit",
        "audit checkpoints --from-size 100 --out notes --as gb-nca/audit",
        "audit consistency old.note --out proof.txt --checkpoint-out new.note --as gb-nca/audit",
        "audit mirror copy --verifier-key k --as gb-nca/audit",
        "verify proof.txt --key k",
        "verify old.note new.note proof.txt --policy p --max-age 12h --state seen --json",
        "receipt s-1 --as gb-nca/case-management",
        "import --map config/imports/ctdc.toml file.csv --rejects out.csv --as gb-nca/case-management",
        "sample --count 10 --seed 3",
        "restrict 0123456789abcdef0123456789abcdef --expected-version 1 --as gb-nca/case-management",
        "restrict 0123456789abcdef0123456789abcdef --expected-version 1 --lift --as gb-nca/case-management",
        "erase plan --record 0123456789abcdef0123456789abcdef --out plan.json --as gb-nca/protection",
        "erase plan --subject-from - --out plan.json --as gb-nca/protection",
        "agreement check config/agreements/ISA-AL-2026-014.toml config/agreements/ISA-VN-2026-021.toml",
        "agreement check ISA-AL-2026-014.toml --schemas config/schemas",
        "approve plan.json",
        "approve plan.json --person gb-nca/dpo --key certs-dev/gb-nca/persons/dpo.key",
        "erase order plan.json --approval approvals.jsonl --as gb-nca/protection",
        "hold set 0123456789abcdef0123456789abcdef --as gb-nca/protection",
        "hold lift 0123456789abcdef0123456789abcdef --as gb-nca/protection",
        "retention --dry-run --review-within 90 --as gb-nca/protection",
        "retention --run --as gb-nca/protection",
        "identity request --pseudonym p1-a --position 3 --case OP-1 --as al-police/protection",
        "identity request --pseudonym-from p --agreement ISA-AL-2026-014 --case-from - --as al-police/protection",
        "identity request --record 0123456789abcdef0123456789abcdef --case OP-1 --as gb-nca/protection",
        "identity list --open --save requests --as gb-nca/protection",
        "identity approve 0123456789abcdef0123456789abcdef --approval a b --as gb-nca/protection",
        "identity refuse 0123456789abcdef0123456789abcdef --reason no --as gb-nca/protection",
        "identity release 0123456789abcdef0123456789abcdef --out sealed.json --as gb-nca/protection",
        "identity open sealed.json --key certs-dev/gb-nca/sealing.key",
        "identity open sealed.json --key new.key --key old.key",
        "identity reseal sealed.json --key own.key --to-agency-file certs-dev/agencies/al-police.toml --out resealed.json",
        "identity reseal sealed.json --key own.key --to-key al-police.pub --out resealed.json",
        "identity deliver 0123456789abcdef0123456789abcdef resealed.json --as gb-nca/protection",
        "identity collect 0123456789abcdef0123456789abcdef --out mine.json --as al-police/protection",
        "pseudonym check p1-lr54ipmu7af6oiukiha4m6myzp-ey",
        "pseudonym check -",
        "pseudonym check --scheme document --value-from -",
        "keys rotate --feed ISA-AL-2026-014 --compromised --as gb-nca/operations",
        "keys rotate --root --as gb-nca/operations",
        "keys rotate --pages --as gb-nca/operations",
        "keys rotate --signing --as gb-nca/operations",
        "keys new --out kept",
        "keys backup --recipient kept/sealing.pub --out keys.backup",
        "keys backup --keys data/keys --root fd:3 --recipient kept/sealing.pub --out keys.backup",
        "keys restore keys.backup --key kept/sealing.key --into data/keys",
        "agreement diff new.toml --as gb-nca/operations",
        "agreement diff old.toml new.toml --json --as gb-nca/operations",
        "agreement activate new.toml --approval a.jsonl --approval b.jsonl --as gb-nca/operations",
        "agreement suspend ISA-AL-2026-014 --version 1 --approval a.jsonl --as gb-nca/operations",
        "document propose certs-dev/agencies/gb-nca.toml --as gb-nca/operations",
        "document approve new.toml --person gb-nca/dpo",
        "document approve --suspend agreement ISA-AL-2026-014 --version 1 --person gb-nca/dpo --key k",
        "document activate certs-dev/agencies/gb-nca.toml --approval a.jsonl --as gb-nca/operations",
        "document activate certs-dev/agencies/gb-nca.toml --approvals a.jsonl --as gb-nca/operations",
        "document suspend agency al-police --version 1 --approval a.jsonl --as gb-nca/operations",
        "schemas list --cert c --key k --ca a --gateway https://h:1 --purpose integrity --operator o",
        "schemas show victim-profile/1.0 --as gb-nca/case-management",
        "schemas docs --out docs/schema --check",
        "witness --config config/witness.toml",
        "witness --config config/witness.toml --begin",
        "witness new-key --name witness.example.org --out witness.key",
        "witness new-key --name witness.example.org --out witness.key --url https://witness.example.org",
        "witness show --config config/witness.toml",
        "witness show --json",
    ];

    /// Command lines that are refused before anything is done.
    const REFUSED: &[&str] = &[
        "submit f --as a --cert c --key k --ca a",
        "submit f --cert c",
        "demo --json",
        "pull --all=1",
        "erase plan --out p",
        "erase plan --record a --subject-from f --out p",
        "erase plan --subject-reference NRM-1 --out p",
        "erase order p",
        "agreement check",
        "agreement diff",
        "agreement diff a b c",
        "agreement suspend ISA-AL-2026-014 --approval a",
        "audit query --system s",
        "audit query --leaves 9..5",
        "audit query --purpose",
        "audit what-left",
        "audit by-person al-police",
        "audit export --out f",
        "audit export --format xml --out f",
        "audit transfers --between 2026-11-01",
        "acknowledge",
        "acknowledge 0",
        "acknowledge 3 --item 3",
        "count",
        "count --list --by gender",
        "count --table t1 --list",
        "document approve",
        "document approve f --suspend agreement ISA-AL-2026-014 --version 1",
        "document approve --suspend agreement ISA-AL-2026-014",
        "document suspend schema victim-profile/1.0 --version 1 --approval a",
        "explain 0123456789abcdef0123456789abcdef",
        "pull --verify d --all",
        "pull --up-to 3",
        "approve p --person gb-nca/dpo",
        "approve p --person dpo --key k",
        "retention",
        "retention --dry-run --run",
        "identity request --case c",
        "identity request --pseudonym p",
        "identity request --record r --position 3 --case c",
        "keys rotate",
        "keys rotate --root --pages",
        "pseudonym check",
        "pseudonym check --scheme document",
        "pseudonym check p --scheme document --value-from f",
        "witness new-key --out k",
        "witness new-key --name n",
        "witness --begin show",
    ];

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_says_what_the_program_is() {
        let about = Arguments::command().get_about().map(ToString::to_string).unwrap_or_default();
        assert_eq!(about, "A gateway through which agencies share what they know about human trafficking");
    }

    #[test]
    fn numbers_out_of_range_are_refused_before_anything_is_done() {
        for line in
            ["pull --limit 0", "pull --limit 1001", "watch --limit 0", "audit query --limit 10001", "demo --count 5"]
        {
            let arguments = std::iter::once("causeway").chain(line.split(' '));
            let error = Arguments::try_parse_from(arguments).expect_err(line).to_string();
            assert!(error.contains(" is not in "), "{line}: {error}");
        }
    }

    /// What a command line says, everybody on the machine can read: secrets come in files or over descriptors.
    #[test]
    fn no_option_takes_a_secret() {
        // What an option that has to do with keys may take: a file, or something that is public.
        let harmless = [
            "FILE",
            "KEYFILE",
            "PRIVATEKEYFILE",
            "PUBLICKEYFILE",
            "PUBLICKEY",
            "VKEY",
            "VKEY|FILE",
            "SOURCE",
            "DIR",
            "KEYS",
        ];
        let (mut commands, mut looked_at) = (vec![Arguments::command()], 0);
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str().to_lowercase();
                let place = format!("{} {id}", command.get_name());
                let secret = ["pass", "secret", "token", "credential", "private"];
                assert!(!secret.iter().any(|word| id.split('_').any(|part| part.starts_with(word))), "{place}");
                let of_keys = id.split('_').any(|part| ["key", "keys", "root"].contains(&part));
                if !of_keys || !argument.get_action().takes_values() {
                    continue;
                }
                looked_at += 1;
                let names = argument.get_value_names().unwrap_or_default();
                assert!(
                    !names.is_empty() && names.iter().all(|name| harmless.contains(&name.as_str())),
                    "{place}: {names:?}"
                );
            }
        }
        assert!(looked_at >= 12, "{looked_at} options of keys are too few to have looked at all commands");
    }

    #[test]
    fn submit_and_validate_show_the_form_of_a_line() {
        for name in ["submit", "validate"] {
            let mut command = Arguments::command();
            let help = command.find_subcommand_mut(name).expect("a command").render_long_help().to_string();
            let example = help.lines().find(|line| line.trim_start().starts_with('{')).expect("an example");
            crate::line::parse(example.trim()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
    }

    #[test]
    fn every_command_of_the_readme_parses() {
        for line in README {
            let arguments = std::iter::once("causeway").chain(line.split(' '));
            Arguments::try_parse_from(arguments).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        for line in REFUSED {
            let arguments = std::iter::once("causeway").chain(line.split(' '));
            Arguments::try_parse_from(arguments).expect_err(line);
        }
    }
}
