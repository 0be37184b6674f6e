//! The bytes of a state that is kept on a disk: each value as its fields in their order, numbers little-endian, lists behind their
//! length. Nothing here is for others to read: whoever keeps it sees to it that only what this software wrote is loaded.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::str::FromStr;
use std::sync::Arc;

use causeway_agreement::TableId;
use causeway_crypto::{Digest, PublicKey};
use causeway_model::{
    AgencyId, AgreementId, ClauseId, EntryId, FieldPath, ItemId, LeafIndex, PersonId, Position, RecordId,
    RecordVersion, SchemaId, Step, Timestamp,
};

use crate::state::Chunks;

/// A value that can be kept.
pub(crate) trait Saved: Sized {
    fn save(&self, to: &mut impl Write) -> Result<()>;
    fn load(from: &mut impl Read) -> Result<Self>;
}

/// What is read is not what was ever saved.
pub(crate) fn broken(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// A structure as its fields, the second ones of them parts that have a `frozen` of their own. Those behind `made of them` are not kept:
/// `rebuild` makes them again, and `frozen` is a copy without them.
macro_rules! saved_fields {
    ($type:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::saved::Saved for $type {
            fn save(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
                $(self.$field.save(to)?;)+
                Ok(())
            }

            fn load(from: &mut impl std::io::Read) -> std::io::Result<Self> {
                Ok(Self { $($field: $crate::saved::Saved::load(from)?,)+ })
            }
        }
    };
    ($type:ty { $($field:ident),+ $(,)? } made of them { $($made:ident),+ $(,)? }) => {
        $crate::saved::saved_fields!($type { $($field),+ } and {} made of them { $($made),+ });
    };
    ($type:ty { $($field:ident),+ $(,)? } and { $($part:ident),* } made of them { $($made:ident),+ $(,)? }) => {
        impl $crate::saved::Saved for $type {
            fn save(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
                $(self.$field.save(to)?;)+
                $(self.$part.save(to)?;)*
                Ok(())
            }

            fn load(from: &mut impl std::io::Read) -> std::io::Result<Self> {
                let mut loaded = Self {
                    $($field: $crate::saved::Saved::load(from)?,)+
                    $($part: $crate::saved::Saved::load(from)?,)*
                    $($made: Default::default(),)+
                };
                loaded.rebuild();
                Ok(loaded)
            }
        }

        impl $type {
            /// A copy to be saved, without what is made of the rest.
            pub(crate) fn frozen(&self) -> Self {
                Self {
                    $($field: self.$field.clone(),)+
                    $($part: self.$part.frozen(),)*
                    $($made: Default::default(),)+
                }
            }
        }
    };
}
pub(crate) use saved_fields;

macro_rules! saved_numbers {
    ($($type:ty),+) => {$(
        impl Saved for $type {
            fn save(&self, to: &mut impl Write) -> Result<()> {
                to.write_all(&self.to_le_bytes())
            }

            fn load(from: &mut impl Read) -> Result<Self> {
                Saved::load(from).map(Self::from_le_bytes)
            }
        }
    )+};
}
saved_numbers!(u8, u16, u32, u64, i32);

macro_rules! saved_tuples {
    ($($type:ident),+) => {$(
        impl Saved for $type {
            fn save(&self, to: &mut impl Write) -> Result<()> {
                self.0.save(to)
            }

            fn load(from: &mut impl Read) -> Result<Self> {
                Saved::load(from).map(Self)
            }
        }
    )+};
}
saved_tuples!(LeafIndex, Position, RecordVersion, Timestamp, Digest, PublicKey);

macro_rules! saved_ids {
    ($($type:ident),+) => {$(
        impl Saved for $type {
            fn save(&self, to: &mut impl Write) -> Result<()> {
                self.as_bytes().save(to)
            }

            fn load(from: &mut impl Read) -> Result<Self> {
                Saved::load(from).map(Self::from_bytes)
            }
        }
    )+};
}
saved_ids!(RecordId, ItemId, EntryId);

macro_rules! saved_names {
    ($($type:ident),+) => {$(
        impl Saved for $type {
            fn save(&self, to: &mut impl Write) -> Result<()> {
                save_name(self, to)
            }

            fn load(from: &mut impl Read) -> Result<Self> {
                load_name(from)
            }
        }
    )+};
}
saved_names!(AgencyId, AgreementId, ClauseId, FieldPath, PersonId, SchemaId, Step, TableId);

fn save_name(name: &impl Display, to: &mut impl Write) -> Result<()> {
    save_bytes(name.to_string().as_bytes(), to)
}

fn load_name<T: FromStr>(from: &mut impl Read) -> Result<T> {
    Box::<str>::load(from)?.parse().map_err(|_| broken("a name does not read"))
}

pub(crate) fn save_length(length: usize, to: &mut impl Write) -> Result<()> {
    u64::try_from(length).expect("lengths fit 64 bits").save(to)
}

pub(crate) fn load_length(from: &mut impl Read) -> Result<usize> {
    usize::try_from(u64::load(from)?).map_err(|_| broken("a length does not fit in memory"))
}

fn save_bytes(bytes: &[u8], to: &mut impl Write) -> Result<()> {
    save_length(bytes.len(), to)?;
    to.write_all(bytes)
}

fn load_bytes(from: &mut impl Read) -> Result<Vec<u8>> {
    let length = load_length(from)?;
    let mut bytes = Vec::new();
    // A length that is none ends where the bytes do, and asks for no memory before.
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

impl<const N: usize> Saved for [u8; N] {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        to.write_all(self)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        let mut bytes = [0; N];
        from.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Saved for bool {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        u8::from(*self).save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        match u8::load(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(broken("neither true nor false")),
        }
    }
}

impl Saved for Box<[u8]> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        save_bytes(self, to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        load_bytes(from).map(Into::into)
    }
}

impl Saved for Box<str> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        save_bytes(self.as_bytes(), to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        String::from_utf8(load_bytes(from)?).map(Into::into).map_err(|_| broken("a text is none"))
    }
}

impl Saved for Arc<str> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        save_bytes(self.as_bytes(), to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        Box::<str>::load(from).map(Into::into)
    }
}

impl<T: Saved> Saved for Option<T> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.is_some().save(to)?;
        self.as_ref().map_or(Ok(()), |value| value.save(to))
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        if bool::load(from)? { T::load(from).map(Some) } else { Ok(None) }
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.0.save(to)?;
        self.1.save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        Ok((A::load(from)?, B::load(from)?))
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        save_length(self.len(), to)?;
        self.iter().try_for_each(|item| item.save(to))
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        (0..load_length(from)?).map(|_| T::load(from)).collect()
    }
}

impl<T: Saved> Saved for Chunks<T> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        save_length(self.len(), to)?;
        self.iter().try_for_each(|item| item.save(to))
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        let mut list = Self::default();
        for _ in 0..load_length(from)? {
            list.push(T::load(from)?);
        }
        Ok(list)
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        save_length(self.len(), to)?;
        self.iter().try_for_each(|(key, value)| {
            key.save(to)?;
            value.save(to)
        })
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        (0..load_length(from)?).map(|_| Saved::load(from)).collect()
    }
}
