//! The service's database: connections that are taken and given back, and its three transactions.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use causeway_rig::Failed;
use futures_util::future::{join4, join5};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

/// The tables, their policies and the service's role.
const SCHEMA: &str = include_str!("schema.sql");

/// Whom the transaction acts for: the agency, and the names that it goes by in records.
const ACTING: &str = "SELECT set_config('bench.agency', $1, true), set_config('bench.named', $2, true)";

const RECORDS: &str = "
    INSERT INTO record (id, owner, submission_id, kind, schema_version, body)
    SELECT id, $1, submission_id, kind, schema_version, body::jsonb
    FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[])
        AS incoming (id, submission_id, kind, schema_version, body)
    ON CONFLICT (owner, submission_id) DO NOTHING";

const COLLECTED: &str = "
    INSERT INTO audit (operation, agency, system, operator, purpose, record)
    SELECT 'collection', $1, $2, $3, $4, id FROM unnest($5::bytea[]) AS incoming (id)";

const EARLIER: &str = "SELECT submission_id, id FROM record WHERE owner = $1 AND submission_id = ANY ($2)";

/// A page and its audit row, or neither.
const PAGE: &str = "
    WITH page AS MATERIALIZED (
        SELECT seq, id, kind, schema_version, body - $3::text[] AS body
        FROM record
        WHERE seq > $1 AND owner <> $4 AND received_in < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY seq LIMIT $2
    ), disclosed AS (
        INSERT INTO audit (operation, agency, system, operator, purpose, first, last, records)
        SELECT 'disclosure', $4, $5, $6, $7, min(seq), max(seq), count(*) FROM page HAVING count(*) > 0
    )
    SELECT seq, id, kind, schema_version, body::text FROM page ORDER BY seq";

/// Who acts and why: what an audit row says beside what was done.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) agency: String,
    pub(super) system: String,
    pub(super) operator: String,
    pub(super) purpose: String,
}

/// A record that meets its schema.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) id: [u8; 16],
    pub(super) submission_id: String,
    pub(super) kind: String,
    pub(super) schema_version: String,
    pub(super) body: String,
}

/// A record as a partner gets it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) seq: i64,
    pub(super) id: Vec<u8>,
    pub(super) kind: String,
    pub(super) schema_version: String,
    pub(super) body: String,
}

/// Makes the tables, as the database's owner.
pub(in crate::peer) async fn create(socket: &Path, owner: &str) -> Result<(), Failed> {
    Ok(connect(socket, owner).await?.batch_execute(SCHEMA).await?)
}

/// The connections of the service.
pub(super) struct Store {
    idle: Mutex<Vec<Connection>>,
    free: Semaphore,
    /// Members of a record that never leave.
    hidden: Vec<String>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Store({} connections free)", self.free.available_permits())
    }
}

/// A connection with its statements.
struct Connection {
    client: Client,
    acting: Statement,
    records: Statement,
    collected: Statement,
    earlier: Statement,
    page: Statement,
}

impl Connection {
    async fn open(socket: &Path) -> Result<Self, Failed> {
        let client = connect(socket, "gateway").await?;
        Ok(Self {
            acting: client.prepare(ACTING).await?,
            records: client.prepare(RECORDS).await?,
            collected: client.prepare(COLLECTED).await?,
            earlier: client.prepare(EARLIER).await?,
            page: client.prepare(PAGE).await?,
            client,
        })
    }
}

impl Store {
    /// So many connections by the socket in a folder.
    pub(super) async fn open(socket: &Path, connections: usize, hidden: Vec<String>) -> Result<Self, Failed> {
        let mut idle = Vec::with_capacity(connections);
        for _ in 0..connections {
            idle.push(Connection::open(socket).await?);
        }
        Ok(Self { idle: Mutex::new(idle), free: Semaphore::new(connections), hidden })
    }

    /// Inserts the records and an audit row for each, all in one transaction; gives the id of each submission's record, which is an
    /// earlier one where it had been sent before.
    pub(super) async fn insert(&self, actor: &Actor, submissions: &[&Submission]) -> Result<Vec<[u8; 16]>, Failed> {
        let Actor { agency, system, operator, purpose } = actor;
        let column = |of: fn(&Submission) -> &str| submissions.iter().map(|one| of(one)).collect::<Vec<&str>>();
        let ids: Vec<&[u8]> = submissions.iter().map(|one| one.id.as_slice()).collect();
        let names = column(|one| &one.submission_id);
        let (kinds, versions) = (column(|one| &one.kind), column(|one| &one.schema_version));
        let bodies = column(|one| &one.body);
        let connection = self.connection().await?;
        let client = &connection.client;
        // All of it is sent at once: one way to the server and back.
        let (begun, acting, inserted, collected, committed) = join5(
            client.batch_execute("BEGIN"),
            client.execute(&connection.acting, &[agency, agency]),
            client.execute(&connection.records, &[agency, &ids, &names, &kinds, &versions, &bodies]),
            client.execute(&connection.collected, &[agency, system, operator, purpose, &ids]),
            client.batch_execute("COMMIT"),
        )
        .await;
        drop(connection);
        begun?;
        acting?;
        let inserted = inserted?;
        // After a statement that failed, COMMIT rolls back and does not say so.
        collected?;
        committed?;
        let is_fresh = inserted == submissions.len() as u64;
        if is_fresh { Ok(submissions.iter().map(|one| one.id).collect()) } else { self.earlier(agency, &names).await }
    }

    async fn earlier(&self, agency: &String, names: &[&str]) -> Result<Vec<[u8; 16]>, Failed> {
        let connection = self.connection().await?;
        let client = &connection.client;
        let (begun, acting, rows, committed) = join4(
            client.batch_execute("BEGIN"),
            client.execute(&connection.acting, &[agency, agency]),
            client.query(&connection.earlier, &[agency, &names]),
            client.batch_execute("COMMIT"),
        )
        .await;
        begun?;
        acting?;
        committed?;
        let rows = rows?;
        let known: HashMap<&str, &[u8]> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let id = |name: &&str| known.get(name).and_then(|id| <[u8; 16]>::try_from(*id).ok());
        names.iter().map(id).collect::<Option<Vec<_>>>().ok_or_else(|| "a submission has no record".into())
    }

    /// The records behind a place that the agency may read, which goes by these names, and their audit row, in one transaction.
    pub(super) async fn page(&self, actor: &Actor, named: &str, after: i64, limit: i64) -> Result<Vec<Shared>, Failed> {
        let Actor { agency, system, operator, purpose } = actor;
        let connection = self.connection().await?;
        let client = &connection.client;
        let (begun, acting, rows, committed) = join4(
            client.batch_execute("BEGIN"),
            client.execute(&connection.acting, &[agency, &named]),
            client.query(&connection.page, &[&after, &limit, &self.hidden, agency, system, operator, purpose]),
            client.batch_execute("COMMIT"),
        )
        .await;
        begun?;
        acting?;
        let rows = rows?;
        committed?;
        let shared = |row: &Row| Shared {
            seq: row.get(0),
            id: row.get(1),
            kind: row.get(2),
            schema_version: row.get(3),
            body: row.get(4),
        };
        Ok(rows.iter().map(shared).collect())
    }

    /// A connection that nobody else has meanwhile.
    async fn connection(&self) -> Result<Taken<'_>, Failed> {
        let free = self.free.acquire().await?;
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Taken { connection: Some(taken.ok_or("fewer connections than are free")?), store: self, _free: free })
    }
}

/// A connection in use, given back when it is dropped. Transactions are sent whole, so none is left open on it.
struct Taken<'a> {
    connection: Option<Connection>,
    store: &'a Store,
    _free: SemaphorePermit<'a>,
}

impl Deref for Taken<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until this is dropped")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.store.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

async fn connect(socket: &Path, user: &str) -> Result<Client, Failed> {
    let (client, connection) = Config::new().host_path(socket).user(user).dbname("postgres").connect(NoTls).await?;
    // It ends with its client; an error is told to the call that meets it.
    tokio::spawn(connection);
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Absent;
    use crate::peer::cluster::{Cluster, OWNER};

    fn actor(agency: &str) -> Actor {
        Actor { agency: agency.into(), system: "feed".into(), operator: "o".into(), purpose: "investigation".into() }
    }

    fn submission(number: u8, body: &str) -> Submission {
        Submission {
            id: [number; 16],
            submission_id: format!("s-{number}"),
            kind: "victim-profile".into(),
            schema_version: "1.0".into(),
            body: body.into(),
        }
    }

    #[test]
    fn what_is_compared_with_does_the_job() {
        let dir = tempfile::tempdir().expect("a folder");
        let parent = dir.path().parent().expect("it is in one");
        let cluster = match Cluster::start(parent, None) {
            Err(error) if error.is::<Absent>() => return eprintln!("not tested: {error}"),
            started => started.expect("a server"),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(does_the_job(cluster.socket()));
    }

    async fn does_the_job(socket: &Path) {
        create(socket, OWNER).await.expect("tables");
        let store = Store::open(socket, 2, vec!["given_name".into()]).await.expect("connections");
        let owner = actor("gb-nca");
        let body = |to: &str, tlp: &str| format!(r#"{{"releasable_to":["{to}"],"tlp":"{tlp}","given_name":"x"}}"#);
        let (named, meant) = (submission(1, &body("fr-police", "GREEN")), submission(2, &body("FR", "AMBER")));
        let (red, other) = (submission(3, &body("FR", "RED")), submission(4, &body("AL", "GREEN")));
        let ids = store.insert(&owner, &[&named, &meant, &red, &other]).await.expect("inserted");
        assert_eq!(ids, [[1; 16], [2; 16], [3; 16], [4; 16]]);
        let again = Submission { id: [9; 16], ..submission(2, &body("FR", "AMBER")) };
        assert_eq!(
            store.insert(&owner, &[&submission(5, &body("AL", "GREEN")), &again]).await.expect("sent again"),
            [[5; 16], [2; 16]]
        );
        let page = store.page(&actor("fr-police"), "fr-police,FR", 0, 10).await.expect("a page");
        let seen: Vec<&[u8]> = page.iter().map(|record| record.id.as_slice()).collect();
        assert_eq!(seen, [[1; 16], [2; 16]], "what names it or its country, and is not RED");
        assert!(page.iter().all(|record| !record.body.contains("given_name") && record.body.contains("tlp")));
        let rest = store.page(&actor("fr-police"), "fr-police,FR", page[0].seq, 10).await.expect("a page");
        assert_eq!(rest.len(), 1, "a page begins behind the last");
        let database = connect(socket, OWNER).await.expect("a connection");
        let acts = "SELECT count(*) FILTER (WHERE operation = 'collection'), sum(records)::bigint FROM audit";
        let acts = database.query_one(acts, &[]).await.expect("counted");
        assert_eq!((acts.get::<_, i64>(0), acts.get::<_, i64>(1)), (6, 3), "each act has its row");
        for change in ["UPDATE audit SET agency = 'x'", "DELETE FROM audit", "TRUNCATE audit"] {
            assert!(database.execute(change, &[]).await.is_err(), "{change}");
        }
        let service = connect(socket, "gateway").await.expect("a connection");
        service.batch_execute("SET bench.agency = 'al-police'; SET bench.named = ''").await.expect("set");
        for (owner, is_its_own) in [("al-police", true), ("gb-nca", false)] {
            let insert = "INSERT INTO record (id, owner, submission_id, kind, schema_version, body)";
            let insert = format!("{insert} VALUES ('{owner}', '{owner}', 's', 'k', '1', '{{}}')");
            assert_eq!(service.execute(&insert, &[]).await.is_ok(), is_its_own, "nobody submits in another's name");
        }
    }
}
