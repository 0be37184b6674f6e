//! What the service manager that started this process is told (`sd_notify`): a datagram to the socket that it names.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable that names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// It serves: what was to start after it may start.
    Ready,
    /// It ends, and what is in flight is being finished.
    Stopping,
}

impl Notice {
    const fn words(self) -> &'static str {
        match self {
            Self::Ready => "READY=1",
            Self::Stopping => "STOPPING=1",
        }
    }
}

/// Tells the service manager; without one, nothing happens.
pub(crate) fn tell(notice: Notice) {
    if let Some(socket) = std::env::var_os(SOCKET)
        && let Err(error) = send(&socket, notice)
    {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// A name that begins with `@` is one of Linux's abstract ones.
fn send(socket: &OsStr, notice: Notice) -> std::io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(notice.words().as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(by: &UnixDatagram) -> String {
        let mut bytes = [0; 64];
        let length = by.recv(&mut bytes).expect("a datagram");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn both_kinds_of_sockets_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let named = UnixDatagram::bind(&path).expect("bound");
        send(path.as_os_str(), Notice::Ready).expect("sent");
        assert_eq!(received(&named), "READY=1");
        let name = format!("causeway-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let hidden = UnixDatagram::bind_addr(&address).expect("bound");
        send(OsStr::new(&format!("@{name}")), Notice::Stopping).expect("sent");
        assert_eq!(received(&hidden), "STOPPING=1");
        assert!(send(folder.path().join("nobody").as_os_str(), Notice::Ready).is_err());
    }
}
