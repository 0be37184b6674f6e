//! The numbers that order things. Frame sequence, leaf index and feed position are never mixed.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $type:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $type(pub $inner);

        impl $type {
            /// The number after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// The place of a frame in the log; the first is 1, and 0 stands before it.
    FrameSeq,
    u64
);
number!(
    /// The place of an entry in the Merkle tree; the first is 0.
    LeafIndex,
    u64
);
number!(
    /// The place of an item in one feed; the first is 1, and 0 stands before it.
    Position,
    u64
);
number!(
    /// The version of a record; the first is 1, and 0 stands for a record that does not exist yet.
    RecordVersion,
    u32
);
