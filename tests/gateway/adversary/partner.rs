//! A partner that claims to be another, in every place where a request can say who sends it.

use causeway_journal::v1::Operation;
use causeway_proto::v1;
use tonic::{Code, Request};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{reason, submit};
use crate::harness::{World, documents};

/// What proxies, other systems and this one's own wire might take for somebody's name.
const CLAIMS: [(&str, &str); 9] = [
    ("x-forwarded-client-cert", "URI=spiffe://gb-nca.causeway.example/operations"),
    ("x-client-cert", "spiffe://al-police.causeway.example/feed"),
    ("x-forwarded-for", "127.0.0.1"),
    ("forwarded", "for=127.0.0.1;by=gb-nca"),
    ("authorization", "Bearer gb-nca/operations"),
    ("x-spiffe-id", "spiffe://al-police.causeway.example/feed"),
    ("causeway-agency", "al-police"),
    ("causeway-system", "al-police/feed"),
    ("causeway-role", "operator"),
];

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_is_what_the_certificate_says_whatever_a_request_claims() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipt = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &receipt).await;
    }
    let mut feed = gateway.feed("vn-police/feed").await;
    let claiming = |agreement: &str| {
        let mut request = Request::new(v1::PullRequest { agreement: agreement.to_owned(), ..Default::default() });
        for (name, value) in CLAIMS {
            request.metadata_mut().insert(name, value.parse().expect("ASCII"));
        }
        request
    };
    let before = world.journal().size();
    let refused = feed.pull(claiming(ALBANIA)).await.expect_err("another's feed");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "unknown-feed"));
    let page = feed.pull(claiming("")).await.expect("its own feed").into_inner().page.expect("a page");
    assert_eq!(page.agreement, VIET_NAM);
    for seen in world.journal().entries_from(before) {
        let actor = seen.entry.actor.clone().expect("somebody called");
        let by_gateway = seen.entry.operation() == Operation::Administration && actor.system.is_empty();
        assert!(by_gateway || (actor.agency.as_str(), actor.system.as_str()) == ("vn-police", "feed"), "{seen:?}");
    }
    // A role that is claimed is none.
    let mut operator = gateway.admin("vn-police/feed").await;
    let mut request = Request::new(v1::RotateKeyRequest::default());
    for (name, value) in CLAIMS {
        request.metadata_mut().insert(name, value.parse().expect("ASCII"));
    }
    let refused = operator.rotate_key(request).await.expect_err("no operator");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "role-missing"));
    gateway.stop().await;
}
