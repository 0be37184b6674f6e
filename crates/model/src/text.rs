//! Texts that a party sends and that may name a person: bounded, and never printed.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

macro_rules! hidden_text {
    ($(#[$doc:meta])* $type:ident, $what:literal, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $type(Box<str>);

        impl $type {
            /// The text. Whoever asks for it answers for where it goes.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                let length = text.chars().count();
                if ($min..=$max).contains(&length) && !text.chars().any(char::is_control) {
                    Ok(Self(text.into()))
                } else {
                    Err(Malformed($what))
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    };
}

hidden_text!(
    /// The submitter's own id of a submission: 1 to 64 characters, unique within its agency. Only its HMAC is kept.
    SubmissionId,
    "submission id",
    1,
    64
);
hidden_text!(
    /// The person acting, in their own agency's words: 1 to 128 characters. Kept as a commitment with its opening.
    OperatorId,
    "operator id",
    1,
    128
);
hidden_text!(
    /// The case for which somebody asks for an identity: 1 to 128 characters. Kept as a commitment with its opening.
    CaseReference,
    "case reference",
    1,
    128
);
hidden_text!(
    /// The text after a purpose's code: 1 to 500 characters. Kept as a commitment with its opening.
    PurposeText,
    "purpose text",
    1,
    500
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_texts_are_bounded_and_print_nothing() {
        assert!("".parse::<SubmissionId>().is_err());
        assert!("x".repeat(65).parse::<SubmissionId>().is_err());
        assert!("a\nb".parse::<OperatorId>().is_err(), "a control character could forge a line");
        let id: SubmissionId = "case 7".parse().expect("well formed");
        assert_eq!(format!("{id:?}"), "SubmissionId(..)");
    }
}
