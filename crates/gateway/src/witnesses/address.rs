//! Where a witness is reached.

use std::net::IpAddr;

use http::Uri;
use rustls_pki_types::ServerName;

/// The address that a policy states for a witness: what its paths are added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
    /// Without a slash at its end.
    prefix: String,
    /// By which name its certificate has to know it; none for http.
    name: Option<ServerName<'static>>,
}

impl Address {
    /// Reads a URL: https, or http to this machine itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "its URL is malformed")?;
        let host = uri.host().ok_or("its URL names no host")?.trim_matches(['[', ']']).to_owned();
        if uri.query().is_some() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("its URL has more than a host, a port and a path");
        }
        let (secure, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") if is_this_machine(&host) => (false, 80),
            Some("http") => return Err("its URL is http, which is for this machine's loopback only"),
            _ => return Err("its URL is not https"),
        };
        let name = match secure {
            true => Some(ServerName::try_from(host.clone()).map_err(|_| "its URL names no host")?),
            false => None,
        };
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { host, port: uri.port_u16().unwrap_or(usual), prefix, name })
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.name.is_some()
    }

    pub(super) fn name(&self) -> Option<&ServerName<'static>> {
        self.name.as_ref()
    }

    pub(crate) fn socket(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// The value of the `host` header.
    pub(super) fn authority(&self) -> String {
        let bracketed = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{bracketed}:{}", self.port)
    }

    /// The path of one of its resources, as `/add-checkpoint`.
    pub(super) fn path(&self, resource: &str) -> String {
        format!("{}{resource}", self.prefix)
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witnesses_are_reached_by_https_or_on_this_machine() {
        let parsed =
            |url| Address::parse(url).map(|address| (address.authority(), address.path("/x"), address.is_secure()));
        let is = |authority: &str, path: &str, secure| Ok((authority.to_owned(), path.to_owned(), secure));
        assert_eq!(parsed("https://witness.example"), is("witness.example:443", "/x", true));
        assert_eq!(parsed("https://witness.example:8460/one/"), is("witness.example:8460", "/one/x", true));
        assert_eq!(parsed("http://127.0.0.1:8460"), is("127.0.0.1:8460", "/x", false));
        assert_eq!(parsed("http://[::1]:8460/"), is("[::1]:8460", "/x", false));
        assert_eq!(parsed("http://localhost"), is("localhost:80", "/x", false));
        for wrong in [
            "",
            "witness.example",
            "/x",
            "ftp://127.0.0.1",
            "http://192.0.2.1",
            "http://127.0.0.1.example",
            "https://user@witness.example",
            "https://witness.example/?x=1",
            "https://",
            "https://a b",
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
