//! The roster of nodes: stated in the log where a node's settings have the next version of it, and otherwise compared with them.

use causeway_journal::{REASON_ROSTER_STATED, v1};

use crate::draft::{Said, own_request};
use crate::{Class, Error, Exchange};

/// The nodes that share the log, as a node's settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// One more with each change; the first is 1.
    pub version: u32,
    /// Numbers and names, ascending by number.
    pub nodes: Vec<(u32, String)>,
}

impl Exchange {
    /// Has the log say who its nodes are. A version that it knows has to be the same there; the one after it is stated now. To be called by
    /// a node that starts, before it serves.
    ///
    /// # Errors
    /// `Conflict` where the log has a later version, another roster of the same version, or lacks one in between: the settings are to be put
    /// right. `Unavailable`.
    pub async fn state_roster(&self, roster: &Roster) -> Result<(), Error> {
        if roster.version == self.roster().version.saturating_add(1) {
            let node = |(number, name): &(u32, String)| v1::RosterNode { number: *number, name: name.clone() };
            let nodes = roster.nodes.iter().map(node).collect();
            let mut draft =
                Said::allowed(v1::Operation::Administration, REASON_ROSTER_STATED).by_operator(&self.operator());
            draft.entry.request_id = own_request().as_bytes().to_vec();
            draft.entry.roster = Some(v1::NodeRoster { version: roster.version, nodes });
            // Of two nodes that state it at once, the second does so in vain; what counts is what the log has then.
            self.record(draft).await?;
        }
        let stated = self.roster();
        if stated == *roster {
            return Ok(());
        }
        let message = format!(
            "the log has version {} of the nodes' roster, and this node's settings have version {} or others in it: give every \
             node the same roster, and each change of it the next version",
            stated.version, roster.version
        );
        Err(Error::new(Class::Conflict, "roster-differs", message))
    }

    /// The roster as the log has it; version 0 where there is none.
    pub fn roster(&self) -> Roster {
        self.journal().read(|state| Roster {
            version: state.roster_version(),
            nodes: state.roster().map(|(number, name)| (number, name.to_owned())).collect(),
        })
    }
}
