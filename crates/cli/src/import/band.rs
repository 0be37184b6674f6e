//! Bands of whole numbers, as bands of age.

/// A band, with the value that stands for the numbers in it.
#[derive(Debug, Clone)]
pub(super) struct Band {
    pub(super) value: String,
    first: u32,
    /// None where it is open above.
    last: Option<u32>,
}

impl Band {
    /// `18-20`, both included, or `48+`.
    pub(super) fn parse(value: &str, range: &str) -> Result<Self, &'static str> {
        let fault = "is neither a range as 18-20 nor one as 48+";
        let number = |text: &str| text.parse::<u32>().map_err(|_| fault);
        let (first, last) = match range.strip_suffix('+') {
            Some(first) => (number(first)?, None),
            None => {
                let (first, last) = range.split_once('-').ok_or(fault)?;
                (number(first)?, Some(number(last)?))
            }
        };
        if last.is_some_and(|last| last < first) {
            return Err(fault);
        }
        Ok(Self { value: value.into(), first, last })
    }

    pub(super) fn holds(&self, number: u32) -> bool {
        number >= self.first && self.last.is_none_or(|last| number <= last)
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.holds(other.first) || other.holds(self.first)
    }
}
