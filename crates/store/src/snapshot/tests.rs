//! A stop between any two steps of keeping a state leaves the one before or the new one, whole.

use causeway_journal::{RULES_SHARED, RULES_VERSION, apply, encode_entry, encode_frame, v1};

use super::*;
use crate::log::Beside;
use crate::{SledLog, steps};

/// A log, the state of its frames, and where that is kept.
struct Place {
    folder: tempfile::TempDir,
    log: SledLog,
    state: State,
    snapshots: Snapshots,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (keys, _) = Keys::load_or_create(&folder.path().join("keys")).expect("keys");
        let log = SledLog::open(&folder.path().join("data")).expect("opens");
        let snapshots = Snapshots::in_dir(&folder.path().join("data"), &keys);
        let mut place = Self { folder, log, state: State::new(), snapshots };
        place.append("genesis");
        place.append("genesis-complete");
        place
    }

    /// Appends a frame of one entry, and applies it.
    fn append(&mut self, reason: &str) {
        self.append_under(RULES_VERSION, reason);
    }

    fn append_under(&mut self, rules: u32, reason: &str) {
        let (head, previous) = self.state.head();
        let previous = previous.filter(|_| rules < RULES_SHARED);
        let entry = v1::Entry {
            entry_id: head.0.to_be_bytes().repeat(2),
            time_micros: 1_793_314_499_000_000,
            rules_version: rules,
            operation: v1::Operation::Administration.into(),
            decision: v1::Decision::Allowed.into(),
            reason: reason.into(),
            actor: Some(v1::Actor { agency: "gb-nca".into(), ..Default::default() }),
            ..Default::default()
        };
        let frame = v1::Frame {
            rules_version: rules,
            log_id: vec![8; 16],
            previous_frame: previous.map_or_else(Vec::new, |id| id.0.to_vec()),
            items: vec![v1::Item { entry: encode_entry(&entry).expect("an entry"), ..Default::default() }],
            ..Default::default()
        };
        self.append_bytes(&encode_frame(&frame).expect("a frame"));
    }

    fn append_bytes(&mut self, bytes: &[u8]) {
        let head = self.state.head().0;
        let seq = self.log.append(&frame_id(bytes), bytes, &Beside::default(), Some(head)).expect("appended");
        apply(&mut self.state, seq, bytes).expect("applied");
    }

    fn keep(&self, pace: &mut dyn FnMut() -> Result<(), StoreError>) -> Result<u64, StoreError> {
        let frozen = Frozen { snapshot: self.state.snapshot(), tiles: Vec::new() };
        self.snapshots.keep(&frozen, &BTreeMap::from([(1, Digest([3; 32]))]), pace)
    }

    /// The frame that a start would go on from.
    fn kept(&self) -> Option<u64> {
        match self.snapshots.load(&self.log) {
            Ok(loaded) => Some(loaded.head().0),
            Err(Unusable::Missing) => None,
            Err(unusable) => panic!("{unusable}"),
        }
    }

    fn files(&self) -> Vec<String> {
        let folder = fs::read_dir(self.folder.path().join("data").join(FOLDER)).expect("there");
        let mut files: Vec<_> =
            folder.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        files.sort();
        files
    }
}

#[test]
fn a_stop_at_any_step_leaves_the_state_before_or_the_new_one() {
    let mut place = Place::new();
    assert_eq!(place.kept(), None);
    for (allowed, is_new) in [(0, false), (1, false), (2, true), (3, true)] {
        let before = place.kept();
        place.append("accepted");
        let (kept, stopped) = steps::with_at_most(allowed, || place.keep(&mut || Ok(())));
        assert_eq!((kept.is_ok(), stopped), (allowed == 3, true), "{allowed} steps");
        let head = place.state.head().0.0;
        assert_eq!(place.kept(), if is_new { Some(head) } else { before }, "{allowed} steps");
    }
    assert_eq!(place.files(), ["snapshot"]);
    let loaded = place.snapshots.load(&place.log).expect("whole");
    assert_eq!(format!("{:?}", loaded.state), format!("{:?}", place.state));
    assert_eq!(loaded.met, BTreeMap::from([(1, Digest([3; 32]))]));
}

#[test]
fn a_state_of_several_writers_frames_is_gone_on_from_where_its_newest_frame_is() {
    let mut place = Place::new();
    for number in 0..3 {
        place.append_under(RULES_SHARED, "accepted");
        place.append_bytes(&[number; 40]);
    }
    place.keep(&mut || Ok(())).expect("kept");
    let loaded = place.snapshots.load(&place.log).expect("whole, though not all of its frames read");
    assert_eq!(format!("{:?}", loaded.state), format!("{:?}", place.state));
    assert_eq!((loaded.head().0, loaded.state.all_passed_over().count()), (8, 3));
    // Another log with as many frames.
    let other = SledLog::open(&place.folder.path().join("other")).expect("opens");
    for number in 0..8 {
        other.append(&frame_id(&[number; 41]), &[number; 41], &Beside::default(), None).expect("appended");
    }
    assert!(matches!(place.snapshots.load(&other), Err(Unusable::Because("it is not of this log"))));
}

#[test]
fn what_was_torn_is_written_over_and_what_is_given_up_leaves_nothing() {
    let mut place = Place::new();
    place.keep(&mut || Ok(())).expect("kept");
    place.append("accepted");
    let torn = place.folder.path().join("data").join(FOLDER).join("snapshot.new");
    fs::write(&torn, vec![7; 1 << 20]).expect("written");
    assert!(matches!(place.keep(&mut || Err(StoreError::Closed)), Err(StoreError::Closed)));
    assert_eq!((place.kept(), place.files()), (Some(2), vec!["snapshot".to_owned()]));
    fs::write(&torn, vec![7; 1 << 20]).expect("written");
    let bytes = place.keep(&mut || Ok(())).expect("kept");
    assert_eq!(fs::metadata(place.snapshots.file()).expect("there").len(), bytes, "no more than was written");
    assert_eq!((place.kept(), place.files()), (Some(3), vec!["snapshot".to_owned()]));
}

#[test]
fn a_stream_of_any_length_comes_back_and_is_refused_in_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let (key, mark) = (MacKey::new([5; 32]), [9; 32]);
    let opened = || File::open(&path).expect("opened");
    for length in [0, 1, pages::PAYLOAD - 1, pages::PAYLOAD, pages::PAYLOAD + 1, 3 * pages::PAYLOAD] {
        let stream: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).expect("below 251")).collect();
        let mut pace = || Ok(());
        let mut writer = PageWriter::new(File::create(&path).expect("made"), key.clone(), mark, &mut pace);
        let written = stream.chunks(1_000).try_for_each(|part| writer.write_all(part));
        let bytes = writer.close(written).expect("written");
        let read = |bytes: u64, mark: [u8; 32], key: &MacKey| {
            let mut stream = Vec::new();
            PageReader::new(opened(), key.clone(), mark, bytes).read_to_end(&mut stream).map(|_| stream)
        };
        assert_eq!(read(bytes, mark, &key).expect("whole"), stream, "{length} bytes");
        for cut in [1, pages::TAG, pages::PAYLOAD, pages::PAYLOAD + pages::TAG] {
            let Some(left) = bytes.checked_sub(cut as u64).filter(|left| *left > 0) else { continue };
            assert!(read(left, mark, &key).is_err(), "{length} bytes but the last {cut}");
        }
        assert!(read(bytes, [8; 32], &key).is_err(), "another file's pages");
        assert!(read(bytes, mark, &MacKey::new([6; 32])).is_err(), "another key");
    }
}
