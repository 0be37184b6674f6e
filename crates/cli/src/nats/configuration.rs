//! The servers' configuration, as docs/cluster.md has it: synced always, mutual TLS, and accounts in which a gateway is no administrator.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

/// Where one server listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) host: IpAddr,
    pub(super) client: u16,
    pub(super) cluster: u16,
    pub(super) monitoring: u16,
}

/// A client by its certificate's common name, and the subjects that it may use.
#[derive(Debug, Clone)]
pub struct User {
    /// The common name, and that of its files.
    pub name: String,
    /// What it may publish on.
    pub publish: Vec<String>,
    /// What it may listen to.
    pub subscribe: Vec<String>,
}

/// A gateway, with the rights that it needs on these streams and no others.
pub fn gateway_user(name: &str, streams: &[&str]) -> User {
    let (mut publish, mut subscribe) = (Vec::new(), vec!["_INBOX.>".to_owned()]);
    for stream in streams {
        let small = stream.to_ascii_lowercase();
        publish.extend([
            format!("{small}.>"),
            format!("{small}servers"),
            format!("$JS.API.STREAM.INFO.{stream}"),
            format!("$JS.API.DIRECT.GET.{stream}"),
        ]);
        subscribe.push(format!("{small}tail.>"));
    }
    User { name: name.to_owned(), publish, subscribe }
}

/// The configuration of one server.
pub(super) fn text(folder: &Path, index: usize, ports: &[Ports], users: &[User]) -> String {
    let (name, Ports { host, client, cluster, monitoring }) = (format!("n{}", index + 1), ports[index]);
    let at = folder.display();
    let routes: Vec<_> = ports.iter().map(|ports| format!("nats-route://{}:{}", ports.host, ports.cluster)).collect();
    let routes = routes.join(", ");
    let certificate =
        format!("cert_file: \"{at}/server.pem\", key_file: \"{at}/server.key\", ca_file: \"{at}/ca.pem\"");
    let mut imports = String::new();
    let mut named = String::new();
    for user in users {
        for services in user.publish.iter().filter(|subject| subject.ends_with("servers")) {
            let import =
                format!("{{service: {{account: SYS, subject: \"$SYS.REQ.SERVER.PING.JSZ\"}}, to: \"{services}\"}}\n");
            if !imports.contains(&import) {
                imports.push_str(&import);
            }
        }
        let _ = writeln!(
            named,
            "{{user: \"CN={}\", permissions: {{publish: {{allow: {:?}}}, subscribe: {{allow: {:?}}}}}}}",
            user.name, user.publish, user.subscribe
        );
    }
    format!(
        r#"server_name: {name}
listen: "{host}:{client}"
http: "{host}:{monitoring}"
pid_file: "{at}/{name}/pid"
log_file: "{at}/{name}/log"
max_payload: 1MB
jetstream {{ store_dir: "{at}/{name}/data", sync_interval: always, max_file: 2GB, max_mem: 64MB }}
tls {{ {certificate}, verify_and_map: true }}
cluster {{
  name: causeway
  listen: "{host}:{cluster}"
  routes: [{routes}]
  tls {{ {certificate}, verify: true }}
}}
system_account: SYS
accounts {{
  SYS {{ exports: [{{service: "$SYS.REQ.SERVER.PING.JSZ", response_type: Stream, accounts: [LOG]}}] }}
  LOG {{
    jetstream: enabled
    imports: [
{imports}    ]
    users: [
      {{user: "CN=admin"}}
{named}    ]
  }}
}}
"#
    )
}
