//! `AdminService.Backup`: part after part as the client takes them.

use causeway_crypto::Digest;
use causeway_exchange::Backup;
use causeway_proto::v1;
use causeway_store::BackupPlace;
use tonic::{Response, Status};

use crate::answers::{Answers, Gone, Sink, put};
use crate::gate::Call;
use crate::services::admin::Admin;
use crate::status::{self, Fault};

/// Messages that are ready before the client has taken those before: up to 1 MiB each.
const AHEAD: usize = 1;

/// Bytes of a part that one message has.
const MESSAGE_BYTES: usize = 1 << 20;

pub(crate) type Parts = Answers<v1::BackupResponse>;

pub(crate) async fn backup(admin: &Admin, call: Call, request: v1::BackupRequest) -> Result<Response<Parts>, Status> {
    let after = place(&request).map_err(|fault| call.malformed(fault))?;
    let recipient = admin.config.backup_recipient.as_ref();
    let backup = admin.exchange.open_backup(&call.caller, recipient, after.as_ref()).await.map_err(status::of)?;
    Ok(Response::new(Answers::from(&call, AHEAD, |sink| send(backup, sink))))
}

fn place(request: &v1::BackupRequest) -> Result<Option<BackupPlace>, Fault> {
    let v1::BackupRequest { newest_header, newest_digest } = request;
    if newest_header.is_empty() && newest_digest.is_empty() {
        return Ok(None);
    }
    let digest = Digest::try_from(newest_digest.as_slice()).map_err(|_| Fault::Field("newest_digest"))?;
    let place = BackupPlace::new(newest_header, digest);
    place.map(Some).map_err(|_| Fault::Field("newest_header"))
}

async fn send(mut backup: Backup, sink: Sink<v1::BackupResponse>) -> Result<(), Gone> {
    use v1::backup_response::Content;
    let say = |content| Ok(v1::BackupResponse { content: Some(content) });
    loop {
        match backup.next().await {
            Ok(Some(part)) => {
                put(&sink, say(Content::Header(part.header))).await?;
                for piece in part.sealed.chunks(MESSAGE_BYTES) {
                    put(&sink, say(Content::Sealed(piece.to_vec()))).await?;
                }
            }
            Ok(None) => return Ok(()),
            Err(error) => return put(&sink, Err(status::of(error))).await,
        }
    }
}
