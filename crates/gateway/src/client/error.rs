//! Why a client did not get through, as one line that says what to do.

use std::fmt;
use std::io;

/// What the person at the client can act on.
#[derive(Debug)]
pub enum ClientError {
    /// The credentials' files do not read; all faults.
    Files(Vec<String>),
    /// The address is not `https://host:port`.
    Address(String),
    /// What a call would state is malformed.
    Statement(&'static str),
    /// Nobody answers there.
    Unreachable {
        /// Host and port.
        gateway: String,
        /// Why.
        source: io::Error,
    },
    /// The gateway refused this client's certificate; it does not say why.
    Refused,
    /// Who answered is not the gateway that was meant.
    NotTheGateway(rustls::Error),
    /// What answers speaks something else than TLS.
    NotTls,
    /// The handshake failed in another way.
    Handshake(io::Error),
    /// The credentials cannot be used.
    Tls(rustls::Error),
    /// The connection stood and then failed.
    Transport(tonic::transport::Error),
}

impl ClientError {
    /// What a failed handshake means.
    pub(crate) fn of_handshake(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::AlertReceived(_)) => Self::Refused,
            Some(refused @ rustls::Error::InvalidCertificate(_)) => Self::NotTheGateway(refused.clone()),
            Some(rustls::Error::InvalidMessage(_)) => Self::NotTls,
            Some(_) | None => match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    Self::Refused
                }
                _ => Self::Handshake(error),
            },
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(faults) => f.write_str(&faults.join("; ")),
            Self::Address(text) => write!(f, "{text:?} is not an address as https://127.0.0.1:8443"),
            Self::Statement(what) => f.write_str(what),
            Self::Unreachable { gateway, source } => {
                write!(f, "no gateway answers at {gateway} ({source}); is it running?")
            }
            Self::Refused => f.write_str(
                "the gateway refused this certificate, or is full; check that it is current, issued by the agency's own CA, \
                 and of a system that the agency file names",
            ),
            Self::NotTheGateway(_) => {
                f.write_str("who answered is not the gateway that was meant; check the address and the CA file")
            }
            Self::NotTls => {
                f.write_str("what answers there does not speak TLS, so it is no gateway; check the host and the port")
            }
            Self::Handshake(source) => write!(f, "the TLS handshake failed ({source})"),
            Self::Tls(source) => write!(f, "the certificate and key cannot be used together ({source})"),
            Self::Transport(_) => f.write_str("the connection to the gateway failed"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Files(_) | Self::Address(_) | Self::Statement(_) | Self::Refused | Self::NotTls => None,
            Self::Unreachable { source, .. } | Self::Handshake(source) => Some(source),
            Self::NotTheGateway(source) | Self::Tls(source) => Some(source),
            Self::Transport(source) => Some(source),
        }
    }
}
