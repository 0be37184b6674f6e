//! What a shared log promises, asked of both that there are; and two writers, which only one of them can have.

use std::thread;
use std::time::Duration;

use causeway_model::FrameSeq;
use causeway_store::{AppendError, ReadError, SharedLog, SledLog};

use crate::frames::{LOG, all, frame, holds};
use crate::servers::cluster;

#[test]
fn the_local_log_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = SledLog::open(folder.path()).expect("opened");
    keeps_the_contract(&log);
}

#[test]
fn the_log_on_the_servers_keeps_the_contract() {
    let Some(cluster) = cluster() else { return };
    let log = cluster.made("SAME");
    let assurance = log.assure().expect("it enforces what it has to");
    assert_eq!((assurance.checked.len(), assurance.away.len()), (3, 0), "{assurance:?}");
    keeps_the_contract(&log);
    // The servers would take these bytes for the frame that has this id, and acknowledge.
    let log = cluster.open("SAME").expect("opened again");
    let (known, other) = (frame("a", 1), frame("a", 9));
    assert!(matches!(log.append(&known.id, &other.bytes, None), Err(AppendError::Refused(_))));
}

fn keeps_the_contract(log: &dyn SharedLog) {
    let append = |number, expect: Option<u64>| {
        let frame = frame("a", number);
        log.append(&frame.id, &frame.bytes, expect.map(FrameSeq))
    };
    let head = log.head().expect("a head");
    assert_eq!((head.log, head.last), (None, FrameSeq(0)));
    assert!(log.read(FrameSeq(1), usize::MAX).expect("read").is_empty());

    assert_eq!(append(1, None).expect("appended"), FrameSeq(1));
    assert_eq!(append(1, None).expect("there already"), FrameSeq(1));
    assert_eq!(append(2, Some(1)).expect("appended"), FrameSeq(2));
    assert_eq!(append(2, Some(1)).expect("there already"), FrameSeq(2));
    assert_eq!(append(2, Some(7)).expect("there already, whatever was expected"), FrameSeq(2));
    let conflict = append(3, Some(1));
    assert!(matches!(conflict, Err(AppendError::Conflict { head: FrameSeq(2) })), "{conflict:?}");
    let conflict = append(3, Some(9));
    assert!(matches!(conflict, Err(AppendError::Conflict { head: FrameSeq(2) })), "{conflict:?}");
    assert_eq!(append(3, None).expect("not stored before"), FrameSeq(3));

    let head = log.head().expect("a head");
    assert_eq!((head.log, head.last), (Some(LOG), FrameSeq(3)));
    let read = all(log, head.last);
    assert_eq!(read.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [1, 2, 3].map(|number| frame("a", number).id));
    let two = log.read(FrameSeq(2), 1).expect("read");
    assert_eq!(two.first().map(|(seq, _)| *seq), Some(FrameSeq(2)), "at least one, from where it was asked");
    assert!(log.read(FrameSeq(4), usize::MAX).expect("read").is_empty(), "beyond the head");
    assert_eq!(log.wait(FrameSeq(2), Duration::from_secs(60)), FrameSeq(3), "at once");
    assert_eq!(log.wait(FrameSeq(3), Duration::from_millis(300)), FrameSeq(3), "nothing comes");
    assert!(log.assure().is_ok());

    log.close().expect("closed");
    log.close().expect("closed again");
    assert!(matches!(log.read(FrameSeq(1), 1), Err(ReadError::Closed)));
    assert!(matches!(log.head(), Err(ReadError::Closed)));
    assert!(append(4, None).is_err());
}

#[test]
fn two_writers_get_one_order_and_both_read_it() {
    let Some(cluster) = cluster() else { return };
    let logs = [cluster.made("WRITERS"), cluster.open("WRITERS").expect("opened")];
    let acknowledged: Vec<_> = thread::scope(|scope| {
        let logs = &logs;
        let writers = (0..4).map(|writer| {
            scope.spawn(move || {
                let log = &logs[writer % 2];
                let append = |number| {
                    let frame = frame(&format!("w{writer}"), number);
                    (log.append(&frame.id, &frame.bytes, None).expect("appended"), frame.id)
                };
                (0..60).map(append).collect::<Vec<_>>()
            })
        });
        // Whoever waits at one is woken by what the other appends.
        let waiter = scope.spawn(|| {
            let mut seen = FrameSeq(0);
            while seen < FrameSeq(240) {
                seen = logs[1].wait(seen, Duration::from_secs(60));
            }
        });
        let written: Vec<_> =
            writers.collect::<Vec<_>>().into_iter().flat_map(|writer| writer.join().expect("wrote")).collect();
        waiter.join().expect("woken");
        written
    });
    assert_eq!(acknowledged.len(), 240);
    for log in &logs {
        holds(log, &acknowledged);
    }
    let head = FrameSeq(240);
    assert_eq!(all(&logs[0], head), all(&logs[1], head));
}
