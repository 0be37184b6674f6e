//! The shape of a kind: its leaves, where they stand, and how a document is walked along them.

use std::sync::Arc;

use causeway_model::{FieldNumber, FieldSpec, FieldTable};

use crate::ladder::Ladders;
use crate::scheme::Scheme;
use crate::value::{Value, by_name};

/// Arrays hold at most this many items, so that an index is one byte.
pub(crate) const MAX_ITEMS: usize = 255;

/// One step of a leaf's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Member(Box<str>),
    Item,
}

impl Segment {
    /// The segments of a path such as `legs[].from.country`.
    pub(crate) fn of_path(path: &str) -> Vec<Self> {
        let mut segments = Vec::new();
        for member in path.split('.') {
            let name = member.trim_end_matches("[]");
            segments.push(Self::Member(name.into()));
            segments.extend((name.len()..member.len()).step_by(2).map(|_| Self::Item));
        }
        segments
    }
}

/// One leaf with what its annotations say.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) spec: FieldSpec,
    pub(crate) segments: Vec<Segment>,
    pub(crate) link: Option<Link>,
    pub(crate) withheld: Option<Withheld>,
    /// Whether it is a date that must not lie in the future.
    pub(crate) past: bool,
}

/// How a link field's value becomes a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) scheme: Scheme,
    /// Members beside the leaf that make the value unique: the scheme of a reference, the country of a document.
    pub(crate) with: Vec<Box<str>>,
}

/// Where another leaf has one of these values, this leaf is stored sealed only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Withheld {
    pub(crate) segments: Vec<Segment>,
    pub(crate) values: Vec<Box<str>>,
}

/// A node of the kind's tree; a leaf is named by its place in [`Shape::leaves`].
#[derive(Debug)]
pub(crate) enum Node {
    /// Members in the order of their names.
    Object(Vec<(Box<str>, Node)>),
    Array(Box<Node>),
    Leaf(usize),
}

/// All of a kind's leaves.
#[derive(Debug)]
pub(crate) struct Shape {
    root: Node,
    /// Of `root` what leads to a date that must not lie in the future.
    past: Node,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) table: FieldTable,
    /// What the code lists say about making values coarser.
    pub(crate) ladders: Arc<Ladders>,
    by_number: Vec<Option<usize>>,
    /// By field number: the leaf that decides whether this one is held back.
    beside: Vec<Option<usize>>,
}

/// A leaf met in a document.
#[derive(Clone, Copy)]
pub(crate) struct Met<'d> {
    pub(crate) leaf: usize,
    pub(crate) indices: &'d [u8],
    pub(crate) value: &'d Value<'d>,
}

impl Shape {
    pub(crate) fn new(root: Node, leaves: Vec<Leaf>, ladders: Arc<Ladders>) -> Result<Self, String> {
        let table = FieldTable::new(leaves.iter().map(|leaf| leaf.spec.clone()).collect())?;
        let numbers = leaves.iter().map(|leaf| usize::from(leaf.spec.number.0) + 1).max().unwrap_or(0);
        let (mut by_number, mut beside) = (vec![None; numbers], vec![None; numbers]);
        for (index, leaf) in leaves.iter().enumerate() {
            let number = usize::from(leaf.spec.number.0);
            by_number[number] = Some(index);
            let decides = |withheld: &Withheld| leaves.iter().position(|other| other.segments == withheld.segments);
            beside[number] = leaf.withheld.as_ref().and_then(decides);
        }
        let past = only(&root, &|leaf| leaves[leaf].past).unwrap_or(Node::Object(Vec::new()));
        Ok(Self { root, past, leaves, table, ladders, by_number, beside })
    }

    pub(crate) fn by_number(&self, number: FieldNumber) -> Option<&Leaf> {
        let index = self.by_number.get(usize::from(number.0)).copied().flatten()?;
        self.leaves.get(index)
    }

    /// The leaf by whose values another one is held back; none where the kind does not have it.
    pub(crate) fn beside(&self, number: FieldNumber) -> Option<&Leaf> {
        let index = self.beside.get(usize::from(number.0)).copied().flatten()?;
        self.leaves.get(index)
    }

    /// The number of the leaf at `path`, if the kind has it.
    pub(crate) fn number(&self, path: &str) -> Option<FieldNumber> {
        path.parse().ok().and_then(|path| self.table.by_path(&path)).map(|spec| spec.number)
    }

    /// Calls `visit` for every leaf of `root`, in document order. What the shape does not know is passed over.
    pub(crate) fn visit(&self, root: &Value<'_>, visit: &mut dyn FnMut(Met<'_>)) {
        walk(&self.root, root, &mut Vec::new(), visit);
    }

    /// The same for the dates that must not lie in the future alone.
    pub(crate) fn visit_past(&self, root: &Value<'_>, visit: &mut dyn FnMut(Met<'_>)) {
        walk(&self.past, root, &mut Vec::new(), visit);
    }
}

/// What of a tree leads to such leaves; none where none does.
fn only(node: &Node, wanted: &dyn Fn(usize) -> bool) -> Option<Node> {
    match node {
        Node::Leaf(leaf) => wanted(*leaf).then_some(Node::Leaf(*leaf)),
        Node::Array(item) => only(item, wanted).map(|item| Node::Array(Box::new(item))),
        Node::Object(known) => {
            let kept = known.iter().filter_map(|(name, node)| Some((name.clone(), only(node, wanted)?)));
            let kept: Vec<_> = kept.collect();
            (!kept.is_empty()).then_some(Node::Object(kept))
        }
    }
}

fn walk(node: &Node, value: &Value<'_>, indices: &mut Vec<u8>, visit: &mut dyn FnMut(Met<'_>)) {
    match (node, value) {
        (Node::Leaf(leaf), value) => visit(Met { leaf: *leaf, indices, value }),
        (Node::Object(known), Value::Object(members)) => {
            // Both are in the order of their names.
            let (mut known, mut members) = (known.iter(), members.as_slice().iter());
            let (mut one, mut other) = (known.next(), members.next());
            while let (Some((name, node)), Some(member)) = (one, other) {
                let order = by_name(name, member.name.as_str());
                if order.is_eq() {
                    walk(node, &member.value, indices, visit);
                }
                one = if order.is_le() { known.next() } else { one };
                other = if order.is_ge() { members.next() } else { other };
            }
        }
        (Node::Array(item), Value::Array(items)) => {
            for (index, value) in (0..=u8::MAX).zip(items) {
                indices.push(index);
                walk(item, value, indices, visit);
                indices.pop();
            }
        }
        _ => {}
    }
}

/// The value in `root` at `segments`, each array taken at the next of `indices`.
pub(crate) fn value_at<'d>(root: &'d Value<'d>, segments: &[Segment], indices: &[u8]) -> Option<&'d Value<'d>> {
    let mut indices = indices.iter();
    segments.iter().try_fold(root, |value, segment| match segment {
        Segment::Member(name) => value.get(name.as_ref()),
        Segment::Item => value.as_array()?.get(usize::from(*indices.next()?)),
    })
}

/// The JSON pointer (RFC 6901) of a leaf; member names of a kind need no escaping.
pub(crate) fn pointer(segments: &[Segment], indices: &[u8]) -> String {
    let mut indices = indices.iter();
    let mut pointer = String::new();
    for segment in segments {
        pointer.push('/');
        match segment {
            Segment::Member(name) => pointer.push_str(name),
            Segment::Item => pointer.push_str(&indices.next().map_or_else(String::new, u8::to_string)),
        }
    }
    pointer
}
