//! The witness as logs and monitors meet it: a real server on port 0, raw HTTP, state in a temporary folder.

mod client;
mod exchanges;
mod fake_log;
mod harness;
mod histories;
mod hostile;
mod keeping;
mod log_lines;
mod starting;
mod tls;
