//! Published tables: the numbers that an agreement gives its partner, once a period, each for ever.

mod table_text;

pub use table_text::PublishedTable;
