//! The rows of a JSON source, one at a time: one object, the elements of an array, or one object a line (JSON Lines).

use std::io::{self, BufRead, Cursor, Read};

use serde::de::IgnoredAny;

use super::csv_rows::read_line;
use super::rows::MAX_ROW_BYTES;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads objects one by one; each is refused by itself where that can be.
pub(super) struct JsonRows<R> {
    source: io::BufReader<io::Chain<Cursor<Vec<u8>>, R>>,
    form: Form,
}

enum Form {
    /// The elements of an array, of which some were read.
    Array {
        first: bool,
    },
    /// One object a line.
    Lines,
    /// One object over several lines.
    One(Vec<u8>),
    AfterArray,
    Ended,
}

impl<R: Read> JsonRows<R> {
    /// Looks at the start of the source to see which form it has: an array by its bracket, one object by being the whole.
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        let limit = u64::try_from(MAX_ROW_BYTES).unwrap_or(u64::MAX);
        let mut head = Vec::new();
        (&mut source).take(limit + 1).read_to_end(&mut head)?;
        if head.starts_with(BYTE_ORDER_MARK) {
            head.drain(..BYTE_ORDER_MARK.len());
        }
        let whole = head.len() <= MAX_ROW_BYTES && serde_json::from_slice::<IgnoredAny>(&head).is_ok();
        let form = match head.iter().position(|byte| !byte.is_ascii_whitespace()) {
            None => Form::Ended,
            Some(first) if head[first] == b'[' => {
                head.drain(..=first);
                Form::Array { first: true }
            }
            Some(_) if whole => Form::One(std::mem::take(&mut head)),
            Some(_) => Form::Lines,
        };
        Ok(Self { source: io::BufReader::new(Cursor::new(head).chain(source)), form })
    }

    /// The text of the next object; an error names the rule that makes it unreadable.
    pub(super) fn next_row(&mut self) -> Option<Result<Vec<u8>, &'static str>> {
        let read = match std::mem::replace(&mut self.form, Form::Ended) {
            Form::Ended => Ok(None),
            Form::One(text) => Ok(Some(Ok(text))),
            Form::Lines => {
                self.form = Form::Lines;
                self.next_line()
            }
            Form::Array { first } => self.next_element(first),
            Form::AfterArray => self.after_array(),
        };
        read.unwrap_or_else(|_| {
            self.form = Form::Ended;
            Some(Err("unreadable"))
        })
    }

    fn next_line(&mut self) -> io::Result<Option<Result<Vec<u8>, &'static str>>> {
        loop {
            let mut line = Vec::new();
            match read_line(&mut self.source, &mut line)? {
                None => return Ok(None),
                Some(true) => return Ok(Some(Err("row-too-long"))),
                Some(false) if line.iter().all(u8::is_ascii_whitespace) => {}
                Some(false) => return Ok(Some(Ok(line))),
            }
        }
    }

    fn next_element(&mut self, first: bool) -> io::Result<Option<Result<Vec<u8>, &'static str>>> {
        let mut element = Element::default();
        while let Some(byte) = self.peek()? {
            self.source.consume(1);
            if !element.ends_before(byte) {
                element.push(byte);
                continue;
            }
            if byte == b',' {
                self.form = Form::Array { first: false };
            } else if first && element.is_blank() {
                return self.after_array();
            } else {
                self.form = Form::AfterArray;
            }
            return Ok(Some(element.text()));
        }
        Ok(Some(Err("unreadable")))
    }

    /// Only blanks may follow an array; anything else is refused as a row of its own.
    fn after_array(&mut self) -> io::Result<Option<Result<Vec<u8>, &'static str>>> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(Err("unreadable")));
            }
            self.source.consume(1);
        }
        Ok(None)
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.source.fill_buf()?.first().copied())
    }
}

/// An element as it is read: brackets and quotes are followed to find its end, and nothing more.
#[derive(Default)]
struct Element {
    bytes: Vec<u8>,
    too_long: bool,
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Element {
    fn push(&mut self, byte: u8) {
        if self.bytes.len() < MAX_ROW_BYTES {
            self.bytes.push(byte);
        } else {
            self.too_long = true;
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            b'{' | b'[' if !self.quoted => self.depth += 1,
            b'}' | b']' if !self.quoted => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn ends_before(&self, byte: u8) -> bool {
        !self.quoted && self.depth == 0 && matches!(byte, b',' | b']')
    }

    fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    fn text(self) -> Result<Vec<u8>, &'static str> {
        if self.too_long { Err("row-too-long") } else { Ok(self.bytes) }
    }
}
