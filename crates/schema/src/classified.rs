//! The classified body: what the gateway may read of a record, as cells in document order.
//!
//! ```text
//! body  = 0x01 cell*
//! cell  = field u16be, index count u8, index u8 each, tag u8, value
//! value = 0 text: length u16be, UTF-8 | 1 integer: i64be | 2 number: f64be | 3 false | 4 true | 5 pseudonym: 32 bytes
//! ```
//!
//! Whoever reads more than one thing of it takes it apart once, by slices, and copies nothing.

use std::borrow::Cow;
use std::fmt;

use causeway_model::FieldNumber;

use crate::ladder::Scalar;

const FORMAT: u8 = 1;

/// A classified body whose form was checked. Holds no identifier, but what is in it is not for printing either.
#[derive(Clone, PartialEq, Eq)]
pub struct Classified(Vec<u8>);

/// Bytes that are not a classified body: disk or key trouble, never a party's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a classified body")
    }
}

impl std::error::Error for Corrupt {}

impl fmt::Debug for Classified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Classified({} bytes)", self.0.len())
    }
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CellValue<'b> {
    Scalar(Scalar<'b>),
    Pseudonym(&'b [u8; 32]),
}

/// One leaf of a record. Its value is read where it is asked for: most who look through a body want few of its cells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell<'b> {
    pub(crate) field: FieldNumber,
    pub(crate) indices: &'b [u8],
    tag: u8,
    bytes: &'b [u8],
}

impl<'b> Cell<'b> {
    /// The value; none where it is not of its form, which no body that was checked holds.
    pub(crate) fn value(&self) -> Option<CellValue<'b>> {
        Some(match self.tag {
            0 => CellValue::Scalar(Scalar::Text(Cow::Borrowed(std::str::from_utf8(self.bytes).ok()?))),
            1 => CellValue::Scalar(Scalar::Integer(i64::from_be_bytes(self.bytes.try_into().ok()?))),
            2 => {
                let number = f64::from_be_bytes(self.bytes.try_into().ok()?);
                CellValue::Scalar(Scalar::Number(Some(number).filter(|number| number.is_finite())?))
            }
            3 => CellValue::Scalar(Scalar::Flag(false)),
            4 => CellValue::Scalar(Scalar::Flag(true)),
            5 => CellValue::Pseudonym(self.bytes.try_into().ok()?),
            _ => return None,
        })
    }

    /// The text that it holds, if it holds one.
    pub(crate) fn text(&self) -> Option<&'b str> {
        if self.tag == 0 { std::str::from_utf8(self.bytes).ok() } else { None }
    }
}

impl Classified {
    #[cfg(test)]
    fn new() -> Self {
        Self::with_room(0)
    }

    /// An empty body, with room for so many bytes.
    pub(crate) fn with_room(bytes: usize) -> Self {
        let mut body = Vec::with_capacity(bytes.max(1));
        body.push(FORMAT);
        Self(body)
    }

    /// The body's bytes, as they are stored, which are not copied.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The body's bytes, as they are stored.
    pub fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// A copy of the body that these bytes are.
    ///
    /// # Errors
    /// [`Corrupt`] for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        check(bytes)?;
        Ok(Self(bytes.to_vec()))
    }

    /// Adds a cell. A text over 65,535 bytes, which no schema allows, is cut out rather than stored in part.
    pub(crate) fn push(&mut self, field: FieldNumber, indices: &[u8], value: &CellValue<'_>) {
        let before = self.0.len();
        self.0.extend_from_slice(&field.0.to_be_bytes());
        self.0.push(u8::try_from(indices.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(&indices[..indices.len().min(usize::from(u8::MAX))]);
        match value {
            CellValue::Scalar(Scalar::Text(text)) => {
                let Ok(length) = u16::try_from(text.len()) else { return self.0.truncate(before) };
                self.0.push(0);
                self.0.extend_from_slice(&length.to_be_bytes());
                self.0.extend_from_slice(text.as_bytes());
            }
            CellValue::Scalar(Scalar::Integer(number)) => {
                self.0.push(1);
                self.0.extend_from_slice(&number.to_be_bytes());
            }
            CellValue::Scalar(Scalar::Number(number)) => {
                self.0.push(2);
                self.0.extend_from_slice(&number.to_be_bytes());
            }
            CellValue::Scalar(Scalar::Flag(flag)) => self.0.push(3 + u8::from(*flag)),
            CellValue::Pseudonym(pseudonym) => {
                self.0.push(5);
                self.0.extend_from_slice(*pseudonym);
            }
        }
    }

    /// The body taken apart.
    pub fn cells(&self) -> Cells<'_> {
        Cells(self.walk().collect())
    }

    /// The cells, in document order, for whoever goes over them once.
    pub(crate) fn walk(&self) -> impl Iterator<Item = Cell<'_>> {
        let mut rest = self.0.get(1..).unwrap_or_default();
        std::iter::from_fn(move || cell(&mut rest))
    }
}

/// A classified body taken apart, whose form was checked: what a decision looks at and what leaves are read from the same cells. It borrows
/// from the body's bytes, and prints nothing of them.
pub struct Cells<'b>(Vec<Cell<'b>>);

impl fmt::Debug for Cells<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({})", self.0.len())
    }
}

/// About so many bytes are a cell: room is made once.
const BYTES_A_CELL: usize = 12;

impl<'b> Cells<'b> {
    /// The cells of the body that these bytes are.
    ///
    /// # Errors
    /// [`Corrupt`] for bytes that are none.
    pub fn read(bytes: &'b [u8]) -> Result<Self, Corrupt> {
        let mut rest = bytes.strip_prefix(&[FORMAT]).ok_or(Corrupt)?;
        let mut cells = Vec::with_capacity(rest.len() / BYTES_A_CELL + 1);
        while !rest.is_empty() {
            let cell = cell(&mut rest).ok_or(Corrupt)?;
            cell.value().ok_or(Corrupt)?;
            cells.push(cell);
        }
        Ok(Self(cells))
    }

    /// The cells, in document order.
    pub(crate) fn all(&self) -> &[Cell<'b>] {
        &self.0
    }
}

fn check(bytes: &[u8]) -> Result<(), Corrupt> {
    let (FORMAT, mut rest) = bytes.split_first().map(|(format, rest)| (*format, rest)).ok_or(Corrupt)? else {
        return Err(Corrupt);
    };
    while !rest.is_empty() {
        cell(&mut rest).and_then(|cell| cell.value()).ok_or(Corrupt)?;
    }
    Ok(())
}

fn cell<'b>(rest: &mut &'b [u8]) -> Option<Cell<'b>> {
    let field = FieldNumber(u16::from_be_bytes(take(rest)?));
    let [count] = take(rest)?;
    let indices = rest.split_off(..usize::from(count))?;
    let [tag] = take(rest)?;
    let length = match tag {
        0 => u16::from_be_bytes(take(rest)?).into(),
        1 | 2 => 8,
        3 | 4 => 0,
        5 => 32,
        _ => return None,
    };
    Some(Cell { field, indices, tag, bytes: rest.split_off(..length)? })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back_and_cuts_are_refused() {
        let cells = [
            (CellValue::Scalar(Scalar::Text("VN".into())), &[0u8][..]),
            (CellValue::Scalar(Scalar::Integer(-3)), &[]),
            (CellValue::Scalar(Scalar::Number(51.1)), &[2, 4]),
            (CellValue::Scalar(Scalar::Flag(true)), &[]),
            (CellValue::Pseudonym(&[7; 32]), &[1]),
        ];
        let mut body = Classified::new();
        for (number, (value, indices)) in (1..).zip(&cells) {
            body.push(FieldNumber(number), indices, value);
        }
        let bytes = body.encode();
        let decoded = Classified::decode(&bytes).expect("its own encoding");
        let read: Vec<_> = decoded.walk().map(|cell| (cell.value().expect("its own"), cell.indices)).collect();
        assert_eq!(read, cells);
        let whole = (1..bytes.len()).filter(|cut| Classified::decode(&bytes[..*cut]).is_ok()).count();
        assert_eq!(whole, cells.len(), "only a cut between two cells reads");
        let apart = Cells::read(&bytes).expect("its own encoding");
        assert!(apart.all() == decoded.cells().all() && apart.all().iter().cloned().eq(decoded.walk()));
        let reads = |bytes: &[u8]| Cells::read(bytes).is_ok() == Classified::decode(bytes).is_ok();
        assert!((0..bytes.len()).all(|cut| reads(&bytes[..cut])) && reads(&[2]));
        assert_eq!(Classified::decode(&[2]), Err(Corrupt), "another format");
        assert_eq!(Classified::decode(&[]), Err(Corrupt));
        let mut not_a_number = Classified::new();
        not_a_number.push(FieldNumber(1), &[], &CellValue::Scalar(Scalar::Number(f64::NAN)));
        assert_eq!(Classified::decode(&not_a_number.encode()), Err(Corrupt));
        assert!(Cells::read(&not_a_number.encode()).is_err());
    }
}
