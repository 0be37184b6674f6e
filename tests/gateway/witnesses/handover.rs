//! Identities leave under a witnessed checkpoint, once, and what waited for one can be asked for again.

use std::time::Duration;

use causeway_journal::v1::Decision;
use causeway_proto::v1;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::party::{STOP, one_of_one};
use super::{away, witnessed};
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, reason, released, submit};
use crate::harness::{Gateway, World, documents};
use crate::identity::desk::{self, Desk};

#[track_caller]
fn not_yet<T: std::fmt::Debug>(answer: Result<T, Status>) {
    let status = answer.expect_err("nobody has cosigned it");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "not-witnessed-yet"));
    let delay = status.get_error_details().retry_info().and_then(|info| info.retry_delay);
    assert_eq!(delay, Some(Duration::from_secs(60)));
}

#[track_caller]
fn done<T: std::fmt::Debug>(answer: Result<T, Status>) {
    assert_eq!(reason(&answer.expect_err("it left once")), "identity-already-done");
}

/// A partner's request, approved by the owner's persons.
async fn approved(world: &World, gateway: &Gateway, owner: &mut Desk<'_>, partner: &mut Desk<'_>) -> String {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = documents::with(documents::profile(), json!({ "subject_reference": "SUBJECT-W" }));
    let receipt = submit(&mut ingest, "one", &record).await.expect("accepted");
    released_in(world, ALBANIA, &receipt).await;
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    let shown = released(all.last().expect("an item")).expect("released");
    let id = partner.request(shown["subject_reference"].as_str().expect("a pseudonym"), 0).await.expect("requested");
    for person in ["director", "dpo"] {
        owner.approve(&id, person).await.expect("approved");
    }
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_waits_for_its_witness_and_leaves_once() {
    let (world, mut party) = one_of_one().await;
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let id = approved(&world, &gateway, &mut owner, &mut partner).await;
    witnessed(&gateway, world.journal().size()).await;

    party.stop().await;
    let before = world.journal().size();
    not_yet(owner.release(&id).await);
    assert_eq!(owner.row(&id).await.state(), v1::IdentityState::Released, "the step is recorded");
    let left = world.journal().entries_from(before);
    let denied: Vec<_> = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied).collect();
    assert_eq!(denied.iter().map(|seen| seen.entry.reason.as_str()).collect::<Vec<_>>(), ["not-witnessed-yet"]);

    // What waits is in the log: a restart neither uses it up nor lets it go.
    gateway.stop().await;
    let gateway = world.start().await;
    let mut owner = Desk::of(&world, &gateway, "gb-nca").await;
    not_yet(owner.release(&id).await);
    party.start().await;
    let before = world.journal().size();
    let out = owner.release(&id).await.expect("it was not used up");
    assert!(
        gateway.exchange().witnessed().newest().expect("witnessed").size > before,
        "who asked again is witnessed too"
    );
    let again = world.journal().entries_from(before);
    assert!(again.iter().any(|seen| seen.entry.reason == "identity-asked-again"), "{again:?}");
    done(owner.release(&id).await);
    gateway.stop().await;
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    done(owner.release(&id).await);

    let opened = owner.open(&out.sealed.clone().expect("sealed")).expect("the owner's key opens it");
    owner.deliver(&id, desk::reseal(&out, &id, &opened)).await.expect("delivered");
    party.stop().await;
    not_yet(partner.collect(&id).await);
    party.start().await;
    done(owner.release(&id).await);
    let (one, other) = {
        let mut second = Desk::of(&world, &gateway, "al-police").await;
        tokio::join!(partner.collect(&id), async { second.collect(&id).await })
    };
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|left| **left).count(), 1, "{one:?} {other:?}");
    done(partner.collect(&id).await);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_identity_is_handed_over_while_disclosures_have_stopped() {
    let (world, mut party) = one_of_one().await;
    let gateway = world.start().await;
    let (mut owner, mut partner) =
        (Desk::of(&world, &gateway, "gb-nca").await, Desk::of(&world, &gateway, "al-police").await);
    let id = approved(&world, &gateway, &mut owner, &mut partner).await;
    witnessed(&gateway, world.journal().size()).await;
    party.stop().await;
    world.clock().advance(STOP);
    away(owner.release(&id).await);
    away(partner.collect(&id).await);
    assert_eq!(owner.row(&id).await.state(), v1::IdentityState::Approved, "nothing was used up");
    party.start().await;
    witnessed(&gateway, world.journal().size()).await;
    owner.release(&id).await.expect("released");
    gateway.stop().await;
}
