//! The metadata that every call of records or entries carries: why, and which person acts.

use causeway_exchange::{LogPosition, Purpose};
use causeway_model::OperatorId;
use http::HeaderMap;

use crate::status::Fault;

/// Why: a purpose code, or `code:text`.
pub(crate) const PURPOSE: &str = "causeway-purpose";

/// Who acts, in the agency's own words.
pub(crate) const OPERATOR: &str = "causeway-operator";

/// In every answer: the id under which the gateway's log and entries know the request.
pub(crate) const REQUEST_ID: &str = "causeway-request-id";

/// In a request, how far the gateway has to have applied its log before it answers; in the trailing metadata of a node's answer, how far it
/// has.
pub(crate) const POSITION: &str = "causeway-position";

/// The position that a request carries, if any.
pub(crate) fn position(headers: &HeaderMap) -> Result<Option<LogPosition>, Fault> {
    if !headers.contains_key(POSITION) {
        return Ok(None);
    }
    single(headers, POSITION)?.parse().map(Some).map_err(|_| Fault::MetadataMalformed(POSITION))
}

/// Purpose and operator of a call.
pub(crate) fn read(headers: &HeaderMap) -> Result<(Purpose, OperatorId), Fault> {
    let purpose = single(headers, PURPOSE)?;
    let operator = single(headers, OPERATOR)?;
    let purpose = parse_purpose(purpose).ok_or(Fault::MetadataMalformed(PURPOSE))?;
    let operator = operator.parse().map_err(|_| Fault::MetadataMalformed(OPERATOR))?;
    Ok((purpose, operator))
}

fn parse_purpose(value: &str) -> Option<Purpose> {
    let (code, text) = match value.split_once(':') {
        Some((code, text)) => (code, Some(text.trim_start().parse().ok()?)),
        None => (value, None),
    };
    Some(Purpose { code: code.parse().ok()?, text })
}

/// The only value of a header, in visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Fault> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Fault::MetadataMissing(name)),
        (Some(value), None) => value.to_str().map_err(|_| Fault::MetadataMalformed(name)),
        (Some(_), Some(_)) => Err(Fault::MetadataMalformed(name)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn both_are_read() {
        let (purpose, operator) =
            read(&headers(&[(PURPOSE, "safeguarding: case: 7"), (OPERATOR, "a.clerk")])).expect("both");
        assert_eq!(purpose.code.as_str(), "safeguarding");
        assert_eq!(purpose.text.expect("a text").expose(), "case: 7");
        assert_eq!(operator.expose(), "a.clerk");
        let (purpose, _) = read(&headers(&[(PURPOSE, "safeguarding"), (OPERATOR, "a.clerk")])).expect("both");
        assert!(purpose.text.is_none());
    }

    #[test]
    fn what_is_absent_or_malformed_is_named() {
        let cases: [(&[(&str, &str)], Fault); 7] = [
            (&[(OPERATOR, "a")], Fault::MetadataMissing(PURPOSE)),
            (&[(PURPOSE, "safeguarding")], Fault::MetadataMissing(OPERATOR)),
            (&[(PURPOSE, "curiosity"), (OPERATOR, "a")], Fault::MetadataMalformed(PURPOSE)),
            (&[(PURPOSE, "safeguarding:"), (OPERATOR, "a")], Fault::MetadataMalformed(PURPOSE)),
            (&[(PURPOSE, ""), (OPERATOR, "a")], Fault::MetadataMalformed(PURPOSE)),
            (&[(PURPOSE, "safeguarding"), (OPERATOR, "")], Fault::MetadataMalformed(OPERATOR)),
            (&[(PURPOSE, "safeguarding"), (OPERATOR, "a"), (OPERATOR, "b")], Fault::MetadataMalformed(OPERATOR)),
        ];
        for (pairs, fault) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(read(&headers).expect_err("refused"), fault, "{pairs:?}");
        }
    }
}
