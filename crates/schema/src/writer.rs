//! Writing leaves, given one by one in document order, as one nested JSON object.

use crate::shape::Segment;

/// How places that no leaf fills are shown inside an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// Left out: the items that are there move together.
    Closed,
    /// Shown as `null`: every item keeps its index.
    Null,
}

/// A writer; [`JsonWriter::leaf`] for each leaf, then [`JsonWriter::finish`].
pub(crate) struct JsonWriter<'s> {
    out: Vec<u8>,
    gaps: Gaps,
    open: Vec<Step<'s>>,
    next: Vec<Step<'s>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step<'s> {
    Member(&'s str),
    Item(usize),
}

impl<'s> JsonWriter<'s> {
    pub(crate) fn with_capacity(bytes: usize, gaps: Gaps) -> Self {
        Self { out: Vec::with_capacity(bytes), gaps, open: Vec::new(), next: Vec::new() }
    }

    /// Writes everything up to where the leaf's value belongs and gives the buffer for it; `None` if that place is
    /// already taken or inside another leaf.
    pub(crate) fn leaf(&mut self, segments: &'s [Segment], indices: &[u8]) -> Option<&mut Vec<u8>> {
        let mut indices = indices.iter();
        self.next.clear();
        for segment in segments {
            self.next.push(match segment {
                Segment::Member(name) => Step::Member(name),
                Segment::Item => Step::Item(usize::from(*indices.next()?)),
            });
        }
        let common = self.open.iter().zip(&self.next).take_while(|(a, b)| a == b).count();
        if common == self.next.len() || (common == self.open.len() && common > 0) {
            return None;
        }
        self.close(common + 1);
        let first = self.open.is_empty();
        let before = if first { None } else { Some(self.open[common]) };
        for depth in common..self.next.len() {
            let sibling = if depth == common { before } else { None };
            self.enter(depth, sibling);
        }
        std::mem::swap(&mut self.open, &mut self.next);
        Some(&mut self.out)
    }

    /// The finished object; `{}` where no leaf was written.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.open.is_empty() {
            self.out.extend_from_slice(b"{}");
        } else {
            self.close(0);
        }
        self.out
    }

    /// Closes every open container that is at least `depth` deep; the object itself is at depth 0.
    fn close(&mut self, depth: usize) {
        for step in self.open.iter().skip(depth).rev() {
            self.out.push(if matches!(step, Step::Member(_)) { b'}' } else { b']' });
        }
    }

    /// Begins the place of step `depth` of the next leaf; `sibling` is what was written before it in its container.
    fn enter(&mut self, depth: usize, sibling: Option<Step<'s>>) {
        let step = self.next[depth];
        match (sibling, step) {
            (None, Step::Member(_)) => self.out.push(b'{'),
            (None, Step::Item(_)) => self.out.push(b'['),
            (Some(_), _) => self.out.push(b','),
        }
        match step {
            Step::Member(name) => {
                self.out.push(b'"');
                self.out.extend_from_slice(name.as_bytes());
                self.out.extend_from_slice(b"\":");
            }
            Step::Item(index) if self.gaps == Gaps::Null => {
                let from = match sibling {
                    Some(Step::Item(before)) => before + 1,
                    _ => 0,
                };
                (from..index).for_each(|_| self.out.extend_from_slice(b"null,"));
            }
            Step::Item(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(gaps: Gaps, leaves: &[(&str, &[u8])]) -> String {
        let shapes: Vec<_> = leaves.iter().map(|(path, indices)| (Segment::of_path(path), *indices)).collect();
        let mut writer = JsonWriter::with_capacity(64, gaps);
        for (segments, indices) in &shapes {
            if let Some(out) = writer.leaf(segments, indices) {
                out.push(b'1');
            }
        }
        String::from_utf8(writer.finish()).expect("JSON is UTF-8")
    }

    #[test]
    fn leaves_nest_and_gaps_close_or_stay() {
        let leaves: &[(&str, &[u8])] =
            &[("a", &[]), ("b[].c", &[1]), ("b[].d.e", &[1]), ("b[].c", &[3]), ("f[]", &[0]), ("f[]", &[2])];
        assert_eq!(write(Gaps::Closed, leaves), r#"{"a":1,"b":[{"c":1,"d":{"e":1}},{"c":1}],"f":[1,1]}"#);
        assert_eq!(write(Gaps::Null, leaves), r#"{"a":1,"b":[null,{"c":1,"d":{"e":1}},null,{"c":1}],"f":[1,null,1]}"#);
        assert_eq!(write(Gaps::Null, &[]), "{}");
    }

    #[test]
    fn a_place_is_written_once() {
        assert_eq!(write(Gaps::Closed, &[("a", &[]), ("a", &[]), ("a.b", &[]), ("c[]", &[])]), r#"{"a":1}"#);
    }
}
