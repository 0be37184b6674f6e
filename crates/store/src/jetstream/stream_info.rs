//! What a stream is set to and holds, as the servers say it, and what of that breaks the log's promises.

use causeway_model::Timestamp;
use serde_json::Value;

use super::names::StreamName;

/// Fewer copies survive the loss of one server by chance only.
const REPLICAS: u64 = 3;

/// A frame is sent again for so long at least without being looked for in the log first: twice the longest that a writer waits.
const SHORTEST_WINDOW_NANOS: u64 = 120 * 1_000_000_000;

/// The leader hears of a copy every second.
const SILENT_NANOS: u64 = 3 * 1_000_000_000;

/// A frame of 256 KiB and its headers.
const LONGEST_MESSAGE: i64 = 257 * 1024;

/// How far the clock may be ahead of the servers'. A node whose own is this far behind the newest entry writes nothing.
const MOST_AHEAD_MICROS: u64 = 5_000_000;

/// Bytes of a time up to its seconds, as in `2026-11-21T22:34:59`.
const SECONDS: usize = 19;

/// The answer to a question about a stream.
#[derive(Debug, Clone)]
pub(super) struct StreamInfo(Value);

impl StreamInfo {
    /// # Errors
    /// What is no such answer, or says that there was an error.
    pub(super) fn read(payload: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(payload).map_err(|_| "the answer is no JSON".to_owned())?;
        match &value["error"] {
            Value::Null if value["config"].is_object() => Ok(Self(value)),
            Value::Null => Err("the answer describes no stream".into()),
            error => Err(super::error_in_words(error)),
        }
    }

    /// One from what a server says of its own copy.
    pub(super) fn of_copy(value: &Value) -> Self {
        Self(value.clone())
    }

    /// When it was created: another time is another stream.
    pub(super) fn created(&self) -> &str {
        self.0["created"].as_str().unwrap_or_default()
    }

    pub(super) fn last(&self) -> u64 {
        number(&self.0["state"]["last_seq"])
    }

    pub(super) fn bytes(&self) -> u64 {
        number(&self.0["state"]["bytes"])
    }

    pub(super) fn max_bytes(&self) -> u64 {
        number(&self.0["config"]["max_bytes"])
    }

    pub(super) fn window_nanos(&self) -> u64 {
        number(&self.0["config"]["duplicate_window"])
    }

    /// The servers that keep a copy, and whether each is away.
    pub(super) fn copies(&self) -> Vec<(String, bool)> {
        let cluster = &self.0["cluster"];
        let leader = cluster["leader"].as_str().filter(|name| !name.is_empty()).map(|name| (name.to_owned(), false));
        let others = cluster["replicas"].as_array().into_iter().flatten().filter_map(|replica| {
            // A server that was killed is called offline minutes later only; the leader has not heard of it since.
            let is_silent = !is_flag(&replica["current"]) && number(&replica["active"]) >= SILENT_NANOS;
            let is_away = is_flag(&replica["offline"]) || is_silent;
            Some((replica["name"].as_str()?.to_owned(), is_away))
        });
        leader.into_iter().chain(others).collect()
    }

    /// What the settings do not enforce.
    pub(super) fn faults(&self, name: &StreamName) -> Vec<String> {
        let config = &self.0["config"];
        let mut faults = Vec::new();
        let mut must = |holds: bool, fault: &str| {
            if !holds {
                faults.push(format!("stream {name}: {fault}"));
            }
        };
        let (copies, frames) = (number(&config["num_replicas"]), name.taken());
        must(copies >= REPLICAS, &format!("num_replicas is {copies}, and has to be 3 or 5"));
        must(config["storage"] == "file", "storage has to be file: memory is gone after a power cut");
        must(config["retention"] == "limits", "retention has to be limits: the others discard what was read");
        must(is_flag(&config["deny_delete"]), "deny_delete has to be set: a message could be removed");
        must(is_flag(&config["deny_purge"]), "deny_purge has to be set: everything could be removed");
        must(config["discard"] == "new", "discard has to be new: a full stream would drop its oldest frames");
        must(number(&config["max_bytes"]) > 0, "max_bytes has to be set: a full disk stops all servers");
        must(is_without_limit(&config["max_msgs"]), "max_msgs has to be -1");
        must(is_without_limit(&config["max_msgs_per_subject"]), "max_msgs_per_subject has to be -1");
        must(number(&config["max_age"]) == 0, "max_age has to be 0: frames would be dropped when they are old");
        must(!is_flag(&config["allow_msg_ttl"]), "allow_msg_ttl may not be set: frames could be dropped");
        must(!is_flag(&config["allow_rollup_hdrs"]), "allow_rollup_hdrs may not be set: frames could be replaced");
        must(!is_flag(&config["allow_msg_counter"]), "allow_msg_counter may not be set: it changes messages");
        must(!is_flag(&config["allow_msg_schedules"]), "allow_msg_schedules may not be set: it appends by itself");
        must(!is_flag(&config["no_ack"]), "no_ack may not be set: nothing would be acknowledged");
        must(!is_flag(&config["sealed"]), "it is sealed: nothing can be appended");
        must(config["persist_mode"] != "async", "persist_mode may not be async: it acknowledges before it writes");
        must(config["mirror"].is_null() && is_empty(&config["sources"]), "it may not be filled from other streams");
        must(config["subject_transform"].is_null(), "subject_transform may not be set");
        must(number(&config["first_seq"]) <= 1, "first_seq has to be 1");
        must(is_flag(&config["allow_direct"]), "allow_direct has to be set: frames are read that way");
        must(config["subjects"] == serde_json::json!([frames]), &format!("subjects has to be {frames} alone"));
        must(
            number(&config["duplicate_window"]) >= SHORTEST_WINDOW_NANOS,
            "duplicate_window has to be 2 minutes or more",
        );
        let longest = config["max_msg_size"].as_i64().unwrap_or(-1);
        must(!(0..LONGEST_MESSAGE).contains(&longest), "max_msg_size has to be -1, or 257 KiB or more");
        faults
    }

    /// Whether this machine's clock, which showed `now` when the answer came, is ahead of the servers'.
    pub(super) fn clock_fault(&self, now: Timestamp) -> Option<String> {
        let seconds = |time: &str| time.get(..SECONDS).map(str::to_owned);
        // In UTC by the same form, so that what is later is also greater.
        let said = self.0["ts"].as_str().filter(|said| said.ends_with('Z')).and_then(seconds)?;
        let least = seconds(&Timestamp(now.0.saturating_sub(MOST_AHEAD_MICROS)).to_string())?;
        (least > said).then(|| {
            format!(
                "this machine's clock shows {now} where the servers' show {said}Z: what it writes keeps every other node from writing \
                 until that time; set it right first"
            )
        })
    }

    /// What a copy has lost.
    pub(super) fn losses(&self, place: &str) -> Vec<String> {
        let state = &self.0["state"];
        let mut faults = Vec::new();
        let (first, last) = (number(&state["first_seq"]), number(&state["last_seq"]));
        let (messages, deleted) = (number(&state["messages"]), number(&state["num_deleted"]));
        if last > 0 && first > 1 {
            faults.push(format!("{place}: the log begins at {first}; what was before is gone"));
        }
        if deleted > 0 || (first == 1 && messages < last) {
            let missing = deleted.max(last.saturating_sub(messages));
            faults.push(format!(
                "{place}: {missing} of {last} frames are missing in the copy: bit rot, or files that were put back (docs/cluster.md, \
                 \"A copy is damaged\")"
            ));
        }
        faults
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn is_flag(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

fn is_without_limit(value: &Value) -> bool {
    value.as_i64().unwrap_or(-1) < 0
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "config": {
                "name": "LOG", "subjects": ["log.>"], "retention": "limits", "max_msgs": -1, "max_bytes": 1_000_000, "max_age": 0,
                "max_msgs_per_subject": -1, "max_msg_size": -1, "discard": "new", "storage": "file", "num_replicas": 3,
                "duplicate_window": 600_000_000_000_u64, "allow_direct": true, "deny_delete": true, "deny_purge": true,
            },
            "created": "2026-11-22T18:54:17Z",
            "state": { "messages": 5, "bytes": 815, "first_seq": 1, "last_seq": 5 },
            "cluster": { "leader": "n2", "replicas": [{ "name": "n1", "current": true }, { "name": "n3", "offline": true }] },
        })
    }

    fn faults_with(key: &str, value: Value) -> Vec<String> {
        let mut info = good();
        info["config"][key] = value;
        StreamInfo(info).faults(&"LOG".parse().expect("a name"))
    }

    #[test]
    fn each_setting_that_breaks_a_promise_is_a_fault_of_its_own() {
        let info = StreamInfo::read(good().to_string().as_bytes()).expect("an answer");
        assert_eq!(info.faults(&"LOG".parse().expect("a name")), Vec::<String>::new());
        let bad = [
            ("num_replicas", json!(1)),
            ("storage", json!("memory")),
            ("retention", json!("workqueue")),
            ("deny_delete", json!(false)),
            ("deny_purge", json!(null)),
            ("discard", json!("old")),
            ("max_bytes", json!(-1)),
            ("max_msgs", json!(10)),
            ("max_msgs_per_subject", json!(1)),
            ("max_age", json!(1)),
            ("allow_msg_ttl", json!(true)),
            ("allow_rollup_hdrs", json!(true)),
            ("allow_msg_counter", json!(true)),
            ("allow_msg_schedules", json!(true)),
            ("no_ack", json!(true)),
            ("sealed", json!(true)),
            ("persist_mode", json!("async")),
            ("mirror", json!({ "name": "OTHER" })),
            ("sources", json!([{ "name": "OTHER" }])),
            ("subject_transform", json!({ "src": "a", "dest": "b" })),
            ("first_seq", json!(7)),
            ("allow_direct", json!(false)),
            ("subjects", json!(["log.>", "else"])),
            ("duplicate_window", json!(1_000_000_000)),
            ("max_msg_size", json!(1000)),
        ];
        for (key, value) in bad {
            let faults = faults_with(key, value);
            assert_eq!(faults.len(), 1, "{key}: {faults:?}");
            assert!(faults[0].contains(key) || ["mirror", "sources", "sealed"].contains(&key), "{key}: {faults:?}");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_of_the_servers_is_a_fault_and_one_that_is_behind_is_none() {
        let with = |said: Value| {
            let mut info = good();
            info["ts"] = said;
            StreamInfo(info)
        };
        let info = with(json!("1970-01-01T23:59:58.469300632Z"));
        let at = |seconds: u64| Timestamp(seconds * 1_000_000);
        let day = 86_400;
        for fine in [0, day - 2, day, day + 3] {
            assert_eq!(info.clock_fault(at(fine)), None, "{fine}");
        }
        let fault = info.clock_fault(at(day + 5)).expect("ahead");
        assert!(fault.contains("1970-01-02T00:00:05") && fault.contains("1970-01-01T23:59:58Z"), "{fault}");
        for said in [Value::Null, json!("1970-01-01T23:59:58+01:00"), json!("Z")] {
            assert_eq!(with(said).clock_fault(at(9 * day)), None, "what is not said is not held against anybody");
        }
    }

    #[test]
    fn what_a_copy_has_lost_is_counted() {
        let mut info = good();
        assert_eq!(StreamInfo(info.clone()).losses("n1"), Vec::<String>::new());
        assert_eq!(StreamInfo(info.clone()).copies().len(), 3);
        assert!(StreamInfo(info.clone()).copies()[2].1, "n3 is away");
        info["state"]["num_deleted"] = json!(2);
        info["state"]["messages"] = json!(3);
        assert!(StreamInfo(info.clone()).losses("n1")[0].contains("2 of 5"));
        info["state"]["first_seq"] = json!(3);
        assert_eq!(StreamInfo(info).losses("n1").len(), 2);
    }

    #[test]
    fn an_error_is_told_in_the_servers_words() {
        let answer = json!({ "error": { "code": 404, "err_code": 10059, "description": "stream not found" } });
        let refused = StreamInfo::read(answer.to_string().as_bytes()).expect_err("an error");
        assert!(refused.contains("stream not found") && refused.contains("10059"), "{refused}");
        assert!(StreamInfo::read(b"no").is_err());
    }
}
