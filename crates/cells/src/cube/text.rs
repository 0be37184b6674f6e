//! The text of published tables: compact JSON, one text for one content.
//!
//! ```json
//! {"threshold":11,"base":5,"dimensions":[{"name":"gender","categories":["female","male"]}],
//!  "tables":[[],[0]],"withheld":[],"cells":[[[null],120],[[0],null],[[1],null]]}
//! ```
//! without the white space. `tables` and `withheld` are sets of dimensions by place. A cell is its category's place in
//! each dimension (`null`: all of them together) and its number (`null`: suppressed). Cells stand table by table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::check;
use super::{Dimension, Level, Rules, Shown, TEXT_LIMIT, Table, TableCell};
use crate::Error;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    threshold: u32,
    base: u32,
    dimensions: Vec<TextDimension>,
    tables: Vec<Vec<usize>>,
    withheld: Vec<Vec<usize>>,
    cells: Vec<(Vec<Option<u16>>, Option<u64>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextDimension {
    name: String,
    categories: Vec<String>,
}

impl Table {
    /// The text, at most [`TEXT_LIMIT`] bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] with the number of cells: ask for fewer tables.
    pub fn to_json(&self) -> Result<String, Error> {
        let dimension = |dimension: &Dimension| TextDimension {
            name: dimension.name.clone(),
            categories: dimension.categories.clone(),
        };
        let text = Text {
            threshold: self.rules.threshold,
            base: self.rules.base,
            dimensions: self.dimensions.iter().map(dimension).collect(),
            tables: self.levels.keys().map(|level| level.dimensions().collect()).collect(),
            withheld: self.withheld.iter().map(|level| level.dimensions().collect()).collect(),
            cells: self
                .levels
                .iter()
                .flat_map(|(level, cells)| cells.iter().map(|cell| self.text_cell(*level, cell)))
                .collect(),
        };
        let json = serde_json::to_string(&text).map_err(|_| Error::Text("it cannot be written"))?;
        if json.len() > TEXT_LIMIT {
            return Err(Error::TooLarge { cells: self.len() });
        }
        Ok(json)
    }

    /// Reads a text that [`Table::to_json`] wrote, and no other spelling of it.
    ///
    /// # Errors
    /// [`Error::Text`] with what is wrong; the parser's own words are kept back, as they can repeat the text.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        if json.len() > TEXT_LIMIT {
            return Err(Error::Text("too long"));
        }
        let text: Text = serde_json::from_str(json).map_err(|_| Error::Text("not this form of JSON"))?;
        let rules = Rules::new(text.threshold, text.base).map_err(|_| Error::Text("threshold or base"))?;
        let dimension = |dimension: TextDimension| Dimension { name: dimension.name, categories: dimension.categories };
        let dimensions: Vec<Dimension> = text.dimensions.into_iter().map(dimension).collect();
        check(&dimensions).map_err(|_| Error::Text("dimensions"))?;
        let count = dimensions.len();
        let level = |places: &Vec<usize>| {
            let inside = places.iter().all(|place| *place < count);
            Level::of(places).ok().filter(|_| inside).ok_or(Error::Text("a table's dimensions"))
        };
        let withheld = text.withheld.iter().map(level).collect::<Result<Vec<_>, _>>()?;
        let mut levels: BTreeMap<Level, Vec<TableCell>> = BTreeMap::new();
        for places in &text.tables {
            levels.insert(level(places)?, Vec::new());
        }
        let ascending = withheld.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || withheld.iter().any(|level| levels.contains_key(level)) {
            return Err(Error::Text("withheld tables"));
        }
        let mut table = Self { dimensions, rules, levels, withheld };
        for (codes, number) in text.cells {
            table.read_cell(&codes, number)?;
        }
        match table.to_json() {
            Ok(written) if written == json => Ok(table),
            _ => Err(Error::Text("not its canonical spelling")),
        }
    }

    fn text_cell(&self, level: Level, cell: &TableCell) -> (Vec<Option<u16>>, Option<u64>) {
        let mut codes = vec![None; self.dimensions.len()];
        for (dimension, code) in level.dimensions().zip(&cell.codes) {
            codes[dimension] = Some(*code);
        }
        let number = match cell.shown {
            Shown::Count(number) => Some(number),
            Shown::Suppressed => None,
        };
        (codes, number)
    }

    /// Adds a cell; each table's cells ascend, and a number is a multiple of the base and not 0.
    fn read_cell(&mut self, codes: &[Option<u16>], number: Option<u64>) -> Result<(), Error> {
        let fits = |(code, dimension): (&Option<u16>, &Dimension)| {
            code.is_none_or(|code| usize::from(code) < dimension.categories.len())
        };
        if codes.len() != self.dimensions.len() || !codes.iter().zip(&self.dimensions).all(fits) {
            return Err(Error::Text("a cell's codes"));
        }
        if number.is_some_and(|number| number == 0 || !number.is_multiple_of(u64::from(self.rules.base))) {
            return Err(Error::Text("a cell's number"));
        }
        let fixed: Vec<usize> = (0..codes.len()).filter(|dimension| codes[*dimension].is_some()).collect();
        let cells = self.levels.get_mut(&Level::of(&fixed)?).ok_or(Error::Text("a cell of no table"))?;
        let codes: Vec<u16> = codes.iter().copied().flatten().collect();
        if cells.last().is_some_and(|last| last.codes >= codes) {
            return Err(Error::Text("cells out of order"));
        }
        let shown = number.map_or(Shown::Suppressed, Shown::Count);
        cells.push(TableCell { codes, shown });
        Ok(())
    }
}
