//! The conditions of law that an agreement transfers under (DPA 2018 Part 3, Chapter 5).

use crate::codes::codes;

codes!(
    /// What makes a transfer to the recipient's country lawful (ss.73 to 76).
    TransferCondition, "transfer condition",
    /// The country is approved by regulations (s.74AA).
    Regulations = "s74AA_regulations",
    /// A legal instrument with safeguards binds the recipient (s.75(1)(a)).
    Instrument = "s75_instrument",
    /// The controller has assessed the safeguards (s.75(1)(b)).
    Assessment = "s75_test",
    /// To protect somebody's vital interests (s.76(1)(a)).
    VitalInterests = "s76_vital",
    /// To safeguard the data subject's legitimate interests (s.76(1)(b)).
    LegitimateInterests = "s76_legit",
    /// To prevent an immediate and serious threat (s.76(1)(c)).
    SeriousThreat = "s76_threat",
    /// In individual cases for a law-enforcement purpose (s.76(1)(d)).
    LawEnforcement = "s76_le",
    /// In individual cases for a legal purpose (s.76(1)(e)).
    Legal = "s76_legal",
);
codes!(
    /// What the recipient may do with a record towards others (s.78); sent with every page.
    OnwardTransfer, "condition on onward transfer",
    /// Nothing.
    Forbidden = "forbidden",
    /// Only what the originator has authorised.
    WithOriginatorAuthorisation = "with_originator_authorisation",
);
