//! Each party as an enemy of the others, over real TLS: what it tries that no honest client does, and what it gets. What belongs to one
//! subject is tested with that subject; `docs/threat-model.md` names the test for each attack.

mod partner;
mod submitter;
mod timing;
