//! The one table from method to the roles that may call it, and its comparison with what is served.

use causeway_agreement::Role;
use prost::Message;
use prost_types::FileDescriptorSet;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Systems with one of these roles; every call states its purpose and the person acting.
    Roles(&'static [Role]),
    /// Any authenticated system, with nothing to state: the method touches neither records nor entries.
    AnySystem,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// A service of gRPC.
    Service,
    /// The log's files, with what is hashes only: who reads it states nothing.
    Hashes,
    /// The log's files, with entries: who reads them states purpose and person, as in a call.
    Entries,
}

/// A method, or files of the log, by the path on the wire, with who may call it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// Whether the systems of a suspended agency may go on calling it: only what tells them of withdrawals, and what takes its own records
    /// back from others or says who holds them, since that protects persons and widens nothing.
    pub(crate) while_suspended: bool,
    /// Whether it is served while the journal is halted.
    pub(crate) while_halted: bool,
    /// Whether its request is a stream of messages, which flow control holds back.
    pub(crate) streams: bool,
    pub(crate) answerer: Answerer,
}

impl Row {
    const fn of(path: &'static str, access: Access) -> Self {
        Self { path, access, while_suspended: false, while_halted: false, streams: false, answerer: Answerer::Service }
    }

    const fn role(path: &'static str, role: Role) -> Self {
        Self::roles(path, alone(role))
    }

    const fn roles(path: &'static str, roles: &'static [Role]) -> Self {
        Self::of(path, Access::Roles(roles))
    }

    const fn file(path: &'static str, roles: &'static [Role], answerer: Answerer) -> Self {
        Self { answerer, ..Self::roles(path, roles) }
    }

    const fn while_suspended(self) -> Self {
        Self { while_suspended: true, ..self }
    }

    const fn while_halted(self) -> Self {
        Self { while_halted: true, ..self }
    }

    const fn streams(self) -> Self {
        Self { streams: true, ..self }
    }

    const fn any(path: &'static str) -> Self {
        Self::of(path, Access::AnySystem)
    }
}

/// A list of one role.
const fn alone(role: Role) -> &'static [Role] {
    match role {
        Role::Submitter => &[Role::Submitter],
        Role::Reader => &[Role::Reader],
        Role::Auditor => AUDITORS,
        Role::Protection => &[Role::Protection],
        Role::Operator => &[Role::Operator],
        Role::Witness => &[Role::Witness],
    }
}

const AUDITORS: &[Role] = &[Role::Auditor];

/// Who reads hashes.
const HASHES: &[Role] = &[Role::Auditor, Role::Witness];

/// Every method that is served. What has no row cannot be called, and a served method without a row stops the start.
const TABLE: &[Row] = &[
    Row::role("/causeway.v1.IngestService/Submit", Role::Submitter),
    Row::role("/causeway.v1.IngestService/SubmitStream", Role::Submitter).streams(),
    Row::role("/causeway.v1.IngestService/Withdraw", Role::Submitter).while_suspended(),
    Row::role("/causeway.v1.IngestService/Validate", Role::Submitter),
    Row::role("/causeway.v1.IngestService/GetReceipt", Role::Submitter),
    Row::role("/causeway.v1.IngestService/ListSchemas", Role::Submitter),
    Row::role("/causeway.v1.IngestService/GetSchema", Role::Submitter),
    Row::role("/causeway.v1.IngestService/Restrict", Role::Submitter).while_suspended(),
    Row::role("/causeway.v1.IngestService/ListHolders", Role::Submitter).while_suspended(),
    Row::role("/causeway.v1.IngestService/FlagAtRisk", Role::Submitter).while_suspended(),
    Row::role("/causeway.v1.IngestService/Explain", Role::Submitter),
    Row::role("/causeway.v1.FeedService/Pull", Role::Reader).while_suspended(),
    Row::role("/causeway.v1.FeedService/Watch", Role::Reader).while_suspended(),
    Row::role("/causeway.v1.FeedService/Acknowledge", Role::Reader).while_suspended(),
    Row::role("/causeway.v1.FeedService/Count", Role::Reader),
    Row::role("/causeway.v1.FeedService/ListTables", Role::Reader),
    Row::role("/causeway.v1.AuditService/Query", Role::Auditor),
    Row::roles("/causeway.v1.AuditService/GetCheckpoint", HASHES).while_halted(),
    Row::roles("/causeway.v1.AuditService/ListCheckpoints", HASHES),
    Row::role("/causeway.v1.AuditService/GetInclusionProof", Role::Auditor),
    Row::roles("/causeway.v1.AuditService/GetConsistencyProof", HASHES),
    Row::role("/causeway.v1.AuditService/StreamEntries", Role::Auditor),
    Row::roles("/causeway.v1.AuditService/GetTile", HASHES),
    Row::role("/causeway.v1.AuditService/Explain", Role::Auditor),
    Row::role("/causeway.v1.ProtectionService/PlanErasure", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/Erase", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/Hold", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/RequestIdentity", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/ApproveIdentity", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/ListIdentityRequests", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/RefuseIdentity", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/ReleaseIdentity", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/DeliverIdentity", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/CollectIdentity", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/ListRetention", Role::Protection),
    Row::role("/causeway.v1.ProtectionService/RunRetention", Role::Protection),
    Row::role("/causeway.v1.AdminService/ProposeDocument", Role::Operator),
    Row::role("/causeway.v1.AdminService/ActivateDocument", Role::Operator),
    Row::role("/causeway.v1.AdminService/CompareAgreement", Role::Operator),
    Row::role("/causeway.v1.AdminService/Suspend", Role::Operator),
    Row::role("/causeway.v1.AdminService/RotateKey", Role::Operator),
    Row::role("/causeway.v1.AdminService/Backup", Role::Operator),
    Row::any("/grpc.health.v1.Health/Check").while_halted(),
    Row::any("/grpc.health.v1.Health/Watch").while_halted(),
    Row::any("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo").streams(),
];

/// The log's files (C2SP tlog-tiles). A path that ends in a slash stands for everything below it; the first row counts.
const FILES: &[Row] = &[
    Row::file(CHECKPOINT, HASHES, Answerer::Hashes).while_halted(),
    Row::file(WITNESSED_CHECKPOINT, HASHES, Answerer::Hashes),
    Row::file("/tile/entries/", AUDITORS, Answerer::Entries),
    Row::file("/tile/", HASHES, Answerer::Hashes),
];

/// The path of the newest checkpoint.
pub(crate) const CHECKPOINT: &str = "/checkpoint";

/// The path of the newest checkpoint that the witnesses' quorum has cosigned.
pub(crate) const WITNESSED_CHECKPOINT: &str = "/witnessed-checkpoint";

/// The row of a method or of a file, by its path on the wire.
pub(crate) fn row(path: &str) -> Option<&'static Row> {
    let is_file = |row: &&Row| path == row.path || (row.path.ends_with('/') && path.starts_with(row.path));
    TABLE.iter().find(|row| row.path == path).or_else(|| FILES.iter().find(is_file))
}

/// The paths of all methods in serialised descriptor sets: what a server of them answers to.
pub(crate) fn served(descriptor_sets: &[&[u8]]) -> Result<Vec<String>, prost::DecodeError> {
    let mut paths = Vec::new();
    for bytes in descriptor_sets {
        for file in FileDescriptorSet::decode(*bytes)?.file {
            for service in &file.service {
                let name = format!("/{}.{}/", file.package(), service.name());
                paths.extend(service.method.iter().map(|method| format!("{name}{}", method.name())));
            }
        }
    }
    Ok(paths)
}

/// Compares the table of roles with what the services answer to.
pub(crate) fn table_faults(with_reflection: bool) -> Vec<String> {
    let mut sets = vec![causeway_proto::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
    if with_reflection {
        sets.push(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET);
    }
    match served(&sets) {
        Ok(served) => faults(&served),
        Err(error) => vec![format!("the descriptor set does not decode: {error}")],
    }
}

/// Compares the table with what is served; a fault for every served method without a row, every row of this package
/// without its method, and every method with two rows.
pub(crate) fn faults(served: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for path in served {
        match TABLE.iter().filter(|row| row.path == path).count() {
            0 => faults.push(format!("{path}: served, but the table of roles has no row for it")),
            1 => {}
            _ => faults.push(format!("{path}: the table of roles has more than one row for it")),
        }
    }
    let own = TABLE.iter().filter(|row| row.path.starts_with("/causeway."));
    for row in own.filter(|row| !served.iter().any(|path| path == row.path)) {
        faults.push(format!("{}: in the table of roles, but not served", row.path));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<String> {
        served(&[causeway_proto::FILE_DESCRIPTOR_SET]).expect("the generated set decodes")
    }

    #[test]
    fn every_served_method_has_one_row_and_every_row_its_method() {
        let all = served(&[
            causeway_proto::FILE_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        ]);
        let all = all.expect("the sets decode");
        assert_eq!(all.len(), TABLE.len());
        assert_eq!(faults(&all), Vec::<String>::new());
    }

    #[test]
    fn a_method_without_a_row_and_a_row_without_a_method_are_faults() {
        let mut more = own();
        more.push("/causeway.v1.FeedService/Steal".into());
        assert_eq!(faults(&more), ["/causeway.v1.FeedService/Steal: served, but the table of roles has no row for it"]);
        let mut fewer = own();
        fewer.retain(|path| path != "/causeway.v1.FeedService/Pull");
        assert_eq!(faults(&fewer), ["/causeway.v1.FeedService/Pull: in the table of roles, but not served"]);
    }

    #[test]
    fn every_method_of_records_or_entries_needs_a_role() {
        for path in own() {
            let row = row(&path).expect("it has a row");
            assert_ne!(row.access, Access::AnySystem, "{path}");
        }
    }
}
