//! The metrics address: whether the gateway runs, whether it is ready, and what it says of itself.

use std::net::SocketAddr;
use std::time::Duration;

use causeway_gateway::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Findings;

/// The longest wait for an answer of this machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any answer has.
const MOST_BYTES: u64 = 16 << 20;

/// What a running gateway's metrics said.
#[derive(Debug)]
pub(super) struct Told {
    ready: Result<(), String>,
    metrics: String,
}

impl Told {
    /// A series' number.
    pub(super) fn number(&self, series: &str) -> Option<f64> {
        let line = self.metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.and_then(|number| number.parse().ok())
    }

    /// The numbers of a family with one label, by the label's value.
    pub(super) fn family(&self, name: &str) -> Vec<(String, f64)> {
        let of_line = |line: &str| {
            let (label, number) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("\"} ")?;
            Some((label.split_once("=\"")?.1.to_owned(), number.parse().ok()?))
        };
        self.metrics.lines().filter_map(of_line).collect()
    }

    /// Why it is not ready, in its own word; none where it is.
    pub(super) fn unready(&self) -> Option<&str> {
        self.ready.as_ref().err().map(String::as_str)
    }
}

/// Asks the address that the settings name; says what came of it.
pub(super) async fn ask(config: &Config, findings: &mut Findings) -> Option<Told> {
    let Some(address) = config.metrics else {
        findings.warning(
            "metrics",
            "[metrics] names no address: nobody is told of what goes wrong",
            "set listen in [metrics] and have it read (docs/operating.md, \"Watching it\")",
        );
        return None;
    };
    let answers = tokio::time::timeout(PATIENCE, async {
        Ok::<_, std::io::Error>((get(address, "/readyz").await?, get(address, "/metrics").await?))
    });
    match answers.await {
        Ok(Ok(((ready, why), (200, metrics)))) => {
            let why = why.trim().to_owned();
            let ready = if ready == 200 { Ok(()) } else { Err(why) };
            findings.ok("metrics", format!("http://{address}/metrics answers"));
            Some(Told { ready, metrics })
        }
        Ok(Ok(_)) => {
            let todo = "find out what listens there; another process may have the port";
            findings.failure("metrics", format!("what answers at {address} is no gateway"), todo);
            None
        }
        Ok(Err(error)) => {
            let todo = "start the gateway, or see why it ended: journalctl -u causeway";
            findings.failure("metrics", format!("nothing answers at {address} ({error}): no gateway runs"), todo);
            None
        }
        Err(_elapsed) => {
            let todo = "see what holds it up: journalctl -u causeway";
            findings.failure("metrics", format!("{address} did not answer in {} s", PATIENCE.as_secs()), todo);
            None
        }
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<(u16, String), std::io::Error> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_by_their_whole_name() {
        let metrics = "causeway_healthy 1\ncauseway_health 7\ncauseway_witness_up{witness=\"a\"} 0\n";
        let told = Told { ready: Ok(()), metrics: metrics.into() };
        assert_eq!((told.number("causeway_health"), told.number("causeway_heal")), (Some(7.0), None));
        assert_eq!(told.family("causeway_witness_up"), [("a".to_owned(), 0.0)]);
    }
}
