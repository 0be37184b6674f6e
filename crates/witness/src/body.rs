//! Reading a request's body, never more of it than a request can have.

use std::future::poll_fn;
use std::pin::pin;

use causeway_journal::witness::MAX_ADD_CHECKPOINT_BYTES;
use http_body::Body;
use hyper::body::{Bytes, Incoming};

use crate::refusal::Refusal;

/// The whole body.
///
/// # Errors
/// `TooLarge` before more than the limit is held, and before anything is read where its length is announced; `TooSlow` where
/// the connection broke off.
pub(crate) async fn read(body: Incoming) -> Result<Vec<u8>, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_ADD_CHECKPOINT_BYTES {
        return Err(Refusal::TooLarge);
    }
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|_| Refusal::TooSlow)?;
        // A frame without data holds trailers, which mean nothing here.
        let data: Bytes = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > MAX_ADD_CHECKPOINT_BYTES {
            return Err(Refusal::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
