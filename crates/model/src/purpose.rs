//! Why somebody reads or writes: a code in every entry, with a text where one is needed.

use crate::codes::codes;

codes!(
    /// A purpose of processing. The law-enforcement purposes are those of DPA 2018 s.31; the last four are the only ones for
    /// which a log may be used (s.62(4)).
    PurposeCode, "purpose code",
    /// Prevention of trafficking.
    Prevention = "prevention",
    /// Detection.
    Detection = "detection",
    /// Investigation.
    Investigation = "investigation",
    /// Prosecution.
    Prosecution = "prosecution",
    /// Identifying potential victims.
    VictimIdentification = "victim-identification",
    /// Protecting victims and people at risk.
    Safeguarding = "safeguarding",
    /// Return and reintegration.
    Reintegration = "reintegration",
    /// Verifying that processing was lawful (s.62(4)(a)).
    Lawfulness = "lawfulness",
    /// Self-monitoring, discipline included (s.62(4)(b)).
    SelfMonitoring = "self-monitoring",
    /// Integrity and security of the data (s.62(4)(c)).
    Integrity = "integrity",
    /// Criminal proceedings (s.62(4)(d)).
    CriminalProceedings = "criminal-proceedings",
);

impl PurposeCode {
    /// Whether the journal may be read for this purpose (DPA 2018 s.62(4)).
    pub const fn permits_audit(self) -> bool {
        matches!(self, Self::Lawfulness | Self::SelfMonitoring | Self::Integrity | Self::CriminalProceedings)
    }
}
