//! One connection and one question, for whoever wants to know how a gateway answers rather than to work with it.

use causeway_model::{Date, Timestamp};
use rustls_pki_types::CertificateDer;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{ClientError, Clients, Credentials, Refusal, dialer};
use crate::identity::SpiffeId;
use crate::tls::chain;

/// What a handshake came to.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// The protocol, as `TLSv1_3`.
    pub protocol: String,
    /// How keys were exchanged, as `X25519MLKEM768`.
    pub key_exchange: String,
    /// Last second of the gateway's certificate; none where it cannot be read.
    pub gateway_ends: Option<Timestamp>,
}

/// What a gateway says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether it takes what is written to it.
    pub is_serving: bool,
    /// The second by its clock; none where it does not say.
    pub time: Option<Timestamp>,
}

/// Connects as [`super::connect`] does, and says what was agreed on. Nothing is asked; the connection ends with it.
///
/// # Errors
/// What kept the connection from standing.
pub async fn handshake(address: &str, credentials: &Credentials, gateway: &SpiffeId) -> Result<Handshake, ClientError> {
    let (_, dialer) = dialer(address, credentials, gateway)?;
    let stream = dialer.dial().await?;
    let (_, session) = stream.get_ref();
    let end_entity = session.peer_certificates().and_then(|chain| chain.first());
    Ok(Handshake {
        protocol: session.protocol_version().map_or_else(unknown, |version| format!("{version:?}")),
        key_exchange: session
            .negotiated_key_exchange_group()
            .map_or_else(unknown, |group| format!("{:?}", group.name())),
        gateway_ends: end_entity.and_then(ends),
    })
}

/// The last second of each certificate in a PEM text, in their order.
///
/// # Errors
/// What is wrong with the text or a certificate, without quoting it.
pub fn certificate_ends(pem: &[u8]) -> Result<Vec<Timestamp>, String> {
    let certificates = chain::read_pem(pem)?;
    certificates
        .iter()
        .map(|one| ends(one).ok_or_else(|| "holds a certificate that does not parse".to_owned()))
        .collect()
}

fn ends(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let end = chain::expiry(certificate).ok()?;
    Some(Timestamp(end.as_secs().saturating_mul(1_000_000)))
}

fn unknown() -> String {
    "unknown".to_owned()
}

impl Clients {
    /// Asks for the gateway's health (`grpc.health.v1`), which every authenticated system may.
    ///
    /// # Errors
    /// Why there was no answer.
    pub async fn health(&self) -> Result<Health, Refusal> {
        let mut client: HealthClient<Channel> = HealthClient::new(self.channel.clone());
        let answer = client.check(HealthCheckRequest::default()).await?;
        let date = answer.metadata().get("date").and_then(|date| date.to_str().ok());
        Ok(Health { is_serving: answer.get_ref().status() == ServingStatus::Serving, time: date.and_then(http_date) })
    }
}

/// A date as HTTP writes it (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.strip_suffix(" GMT")?.split(' ').skip(1);
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let date = Date::new(year.parse().ok()?, u8::try_from(month + 1).ok()?, day.parse().ok()?)?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    (hours < 24 && minutes < 60 && seconds < 61)
        .then(|| date.start().plus_seconds(hours * 3600 + minutes * 60 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_read_and_nothing_else() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp(784_111_777_000_000)));
        for wrong in ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"]
        {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
    }
}
