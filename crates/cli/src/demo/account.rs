//! The demonstration's account of itself: real figures, and what to try next.

use causeway_journal::VerifierKey;

use super::auditor::Audit;
use super::expectation::Expectation;
use super::owner::Told;
use super::partner::Pulled;
use super::submitter::Submitted;
use super::{AUDITOR, Clients, Figures, SUBMITTER};
use crate::holder_form;

/// Everything that was found, for people.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) figures: Figures,
    pub(super) submitted: Submitted,
    pub(super) expected: Expectation,
    pub(super) pulled: Vec<Pulled>,
    pub(super) told: Told,
    pub(super) audit: Audit,
    pub(super) key: VerifierKey,
}

impl Account {
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.submission();
        self.pulled.iter().for_each(|partner| lines.extend(self.partner(partner)));
        lines.extend(self.owner());
        lines.extend(self.audit());
        lines
    }

    fn owner(&self) -> Vec<String> {
        let Told { verdicts, holders } = &self.told;
        let mut lines =
            vec![String::new(), format!("{SUBMITTER} asked who sees record {}, and who has it:", self.audit.record)];
        lines.extend(verdicts.iter().map(|verdict| format!("  {verdict}")));
        lines.extend(holder_form::lines(holders).iter().map(|line| format!("  {line}")));
        lines
    }

    fn submission(&self) -> Vec<String> {
        let Figures { submitted, accepted, rejected, .. } = &self.figures;
        let took = self.submitted.took.as_secs_f64();
        vec![
            format!(
                "{SUBMITTER} submitted {submitted} records in {took:.1} s: {accepted} accepted, {rejected} refused,"
            ),
            "each refused one for the fault that was made in it, and for no other:".into(),
            format!("  {}", self.submitted.reasons.summary()),
        ]
    }

    fn partner(&self, partner: &Pulled) -> Vec<String> {
        let Pulled { agency, agreement, records, pages, example, .. } = partner;
        let mut lines = vec![
            String::new(),
            format!(
                "{agency} pulled {records} records on {pages} pages under {agreement}, all that it grants and no more;"
            ),
            "  each page's chain, digest and disclosure proof hold. Not granted:".into(),
        ];
        if let Some((_, share)) = self.expected.shares.get(agreement) {
            let mut stopped: Vec<_> = share.stopped.iter().collect();
            stopped.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let stopped: Vec<String> = stopped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            lines.push(format!("  {}", stopped.join(", ")));
        }
        if let Some(example) = example {
            lines.push(format!("  the first: {example}"));
        }
        lines
    }

    fn audit(&self) -> Vec<String> {
        let Audit { record, history, disclosure, checkpoint, entries, .. } = &self.audit;
        let mut lines = vec![String::new(), format!("{AUDITOR} asked who saw record {record}:")];
        lines.extend(history.iter().map(|entry| format!("  {entry}")));
        lines.push(format!(
            "  verified offline: the proof of entry {disclosure}, the signed checkpoint, and all {entries} entries against its root"
        ));
        lines.push(format!("  root {} at size {}", checkpoint.root, checkpoint.size));
        lines.push(String::new());
        let Figures { proofs_verified, seconds, .. } = &self.figures;
        lines.push(format!("All of it held: {proofs_verified} proofs verified, {seconds} s in all."));
        lines
    }

    /// What to try while the gateway is up.
    pub(super) fn next(&self, clients: &Clients<'_>) -> Vec<String> {
        let at = match clients.gateway.as_str() {
            "https://127.0.0.1:8443" => String::new(),
            other => format!(" --gateway {other}"),
        };
        let (record, disclosure) = (&self.audit.record, self.audit.disclosure);
        let key = &self.key;
        vec![
            String::new(),
            "Try, in another terminal (causeway is target/release/causeway):".into(),
            "  causeway sample --count 100 --seed 2 > more.jsonl".into(),
            format!("  causeway submit more.jsonl --as {SUBMITTER}{at}"),
            format!("  causeway pull --limit 5 --as vn-police/feed{at}"),
            format!("  causeway explain {record} --partner al-police --as {SUBMITTER}{at}"),
            format!("  causeway audit query --record {record} --as {AUDITOR}{at}"),
            format!("  causeway audit prove {disclosure} --out proof.txt --as {AUDITOR}{at}"),
            format!("  causeway verify proof.txt --key '{key}'"),
        ]
    }
}
