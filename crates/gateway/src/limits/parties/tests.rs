//! Tests of what each party may do, by a clock that they set.

use super::*;

const MANNER: Manner = Manner { protects: false, streams: false };
const QUOTA: Quota =
    Quota { connections: 1, calls: 1, requests_per_second: 10, bytes_per_second: 1_000, records_per_day: 1 };

#[test]
fn places_are_given_back() {
    let count = Arc::default();
    let (one, two) = (Counted::one(&count, 2), Counted::one(&count, 2));
    assert!(one.is_some() && two.is_some() && Counted::one(&count, 2).is_none());
    drop(one);
    assert!(Counted::one(&count, 2).is_some());
}

#[test]
fn a_days_records_are_given_back_where_none_was_accepted_and_each_day_has_its_own() {
    let all = Arc::new(Mutex::new(Day::default()));
    let room = |day: u64| Day::one(&all, day, 2).then(|| Room { taken: vec![Arc::clone(&all)], day });
    room(7).expect("the first").used();
    let refused = room(7).expect("the second");
    assert!(room(7).is_none());
    drop(refused);
    let late = room(7).expect("it was given back");
    room(8).expect("another day").used();
    drop(late);
    assert_eq!(all.lock().expect("not poisoned").records, 1, "what yesterday's gives back is not today's");
    assert_eq!(until_midnight(Timestamp(43_200_000_000)), Duration::from_secs(43_200));
}

#[test]
fn the_last_requests_of_a_second_are_for_what_protects_persons() {
    let (account, now) = (Account::default(), Duration::from_secs(1));
    let ordinary = (0..20).take_while(|_| account.request(QUOTA, MANNER, now).is_ok()).count();
    assert_eq!(ordinary, 9);
    let protects = Manner { protects: true, ..MANNER };
    account.request(QUOTA, protects, now).expect("the one that is kept");
    let over = account.request(QUOTA, protects, now).expect_err("all are used up");
    assert_eq!(over, Over { quantity: Quantity::Requests, retry: Duration::from_millis(100) });
}

#[test]
fn bytes_hold_back_a_stream_and_refuse_a_call() {
    let (account, now) = (Account::default(), Duration::from_secs(1));
    let rate = Rate::a_second(QUOTA.bytes_per_second);
    let wait = account.flows().bytes.charge(1_500, rate, now);
    assert_eq!(wait, Duration::from_millis(500));
    let over = account.request(QUOTA, MANNER, now).expect_err("in debt");
    assert_eq!(over, Over { quantity: Quantity::Bytes, retry: wait });
    account.request(QUOTA, Manner { streams: true, ..MANNER }, now).expect("a stream waits by itself");
    account.request(QUOTA, MANNER, now + wait).expect("paid off");
}
