//! What makes a gateway a node: certificates of a CA that issues nothing else, and a roster with a free port for each.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use causeway_gateway::nodes::{NodeSettings, RosteredNode};
use causeway_store::NodeNumber;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};

/// The files of all nodes of a cluster, good for any day.
#[derive(Debug)]
pub(crate) struct NodeFiles {
    folder: PathBuf,
    roster: Vec<RosteredNode>,
}

impl NodeFiles {
    /// Issues them into a folder, which is made.
    pub(crate) fn issue(folder: &Path, nodes: u16) -> Self {
        fs::create_dir_all(folder).expect("made");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(folder.join("ca.pem"), params.self_signed(&key).expect("signed").pem()).expect("written");
        let issuer = Issuer::new(params, key);
        // All held at once, so that they differ, and then let go.
        let held: Vec<_> = (0..nodes).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let mut roster = Vec::new();
        for (number, listener) in (1..).zip(&held) {
            let address = listener.local_addr().expect("bound").to_string();
            issue(folder, &issuer, number);
            roster.push(RosteredNode { number: NodeNumber(number), name: format!("node-{number}"), address });
        }
        Self { folder: folder.to_owned(), roster }
    }

    /// A node's settings.
    pub(crate) fn settings(&self, node: u16) -> NodeSettings {
        let at = |name: &str| self.folder.join(name);
        let own = &self.roster[usize::from(node) - 1];
        NodeSettings {
            own: own.number,
            listen: own.address.parse().expect("an address"),
            ca: at("ca.pem"),
            certificate: at(&format!("node-{node}.pem")),
            key: at(&format!("node-{node}.key")),
            version: 1,
            roster: self.roster.clone(),
        }
    }
}

fn issue(folder: &Path, issuer: &Issuer<'_, KeyPair>, node: u16) {
    let mut params = CertificateParams::default();
    let uri = format!("causeway-node:{node}");
    params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("signed");
    fs::write(folder.join(format!("node-{node}.pem")), certificate.pem()).expect("written");
    fs::write(folder.join(format!("node-{node}.key")), key.serialize_pem()).expect("written");
}
