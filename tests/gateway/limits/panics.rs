//! A panic costs the call that it happened in: an opaque refusal, an entry, a number, and nothing else.

use std::sync::{Arc, Mutex};

use causeway_gateway::{At, Probe};
use causeway_journal::v1::Decision;
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use tonic::{Code, Status};

use super::{READER, SUBMITTER, limited};
use crate::harness::calls::{reason, request, submit, within};
use crate::harness::{World, documents};
use crate::metrics::{number, scrape};

/// What no answer may hold.
const WORDS: &str = "QZX-WORDS-OF-A-PANIC";

fn is_opaque(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::Internal, "internal"));
    assert!(!format!("{status:?}").contains(WORDS), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_one_call_leaves_an_entry_and_the_gateway_goes_on() {
    let world = limited(|_| {});
    let armed = Arc::new(Mutex::new(None));
    let arm = |at: At| *armed.lock().expect("not poisoned") = Some(at);
    let switch = Arc::clone(&armed);
    let probe = Probe::new(move |at| {
        let fires = switch.lock().expect("not poisoned").take_if(|wanted| *wanted == at).is_some();
        assert!(!fires, "{WORDS}");
    });
    let gateway = world.start_with(probe).await;
    let (mut ingest, mut feed) = (gateway.ingest(SUBMITTER).await, gateway.feed(READER).await);
    submit(&mut ingest, "before", &documents::route()).await.expect("accepted");
    let size = world.journal().size();

    arm(At::Call);
    is_opaque(&submit(&mut ingest, "it", &documents::route()).await.expect_err("it panics"));
    submit(&mut ingest, "after", &documents::route()).await.expect("the same connection goes on");

    // In the task that makes a stream's answers: no part of an answer passes for the whole.
    arm(At::Answers);
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    is_opaque(&within("the end of the watch", watch.message()).await.expect_err("it panics"));

    arm(At::Submission);
    let messages = ["one", "two"].map(|id| request(id, &documents::route()));
    let messages = messages.map(|submission| v1::SubmitStreamRequest { submission: Some(submission) });
    let mut verdicts = ingest.submit_stream(tokio_stream::iter(messages)).await.expect("it opens").into_inner();
    let ended = loop {
        match within("a verdict", verdicts.message()).await {
            Ok(Some(verdict)) => assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}"),
            Ok(None) => panic!("the stream cannot end well"),
            Err(status) => break status,
        }
    };
    is_opaque(&ended);
    submit(&mut ingest, "last", &documents::route()).await.expect("the same connection goes on");

    let left = world.journal().entries_from(size);
    let denied = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied);
    let denied: Vec<_> = denied.map(|seen| (seen.entry.reason.as_str(), seen.entry.actor.clone())).collect();
    let of = |denied: &(&str, Option<causeway_journal::v1::Actor>)| denied.1.as_ref().map(|actor| actor.agency.clone());
    assert!(denied.iter().all(|(reason, _)| *reason == "internal"), "{denied:?}");
    let agencies: Vec<_> = denied.iter().filter_map(of).collect();
    assert_eq!(agencies, ["gb-nca", "al-police", "gb-nca"]);
    assert_eq!(number(&scrape(&gateway).await, "causeway_handler_panics_total"), Some(3));
    assert!(!World::log_lines().contains(WORDS));
    gateway.stop().await;
}
