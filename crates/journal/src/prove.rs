//! Building proofs (RFC 6962 sections 2.1.1 and 2.1.2) for any size that the tree has had, from tiles.

use std::sync::Arc;

use causeway_crypto::Digest;
use causeway_model::LeafIndex;

use crate::JournalError;
use crate::hash::{empty_root, node_hash};
use crate::tile_nodes::TileNodes;
use crate::tree::{TILE_HEIGHT, Tree};

/// Where full tiles come from, by level and index.
pub type TileSource<'a> = dyn Fn(u8, u64) -> Result<Arc<TileNodes>, JournalError> + 'a;

/// A run of leaves that starts at a multiple of a power of two not smaller than its length.
type Span = (u64, u64);

/// The inclusion proof of the leaf at `index` in the tree as it was at `size`. `full` is asked for full tiles only.
///
/// # Errors
/// An index or a size beyond the tree, or whatever the source of tiles answers.
pub fn inclusion_proof(
    tree: &Tree,
    index: LeafIndex,
    size: u64,
    full: &TileSource<'_>,
) -> Result<Vec<Digest>, JournalError> {
    hashes(tree, &inclusion_spans(tree, index, size)?, full)
}

/// The proof that the tree at size `first` is the beginning of the tree at size `second`.
///
/// # Errors
/// Sizes that are 0, out of order or beyond the tree, or whatever the source of tiles answers.
pub fn consistency_proof(
    tree: &Tree,
    first: u64,
    second: u64,
    full: &TileSource<'_>,
) -> Result<Vec<Digest>, JournalError> {
    hashes(tree, &consistency_spans(tree, first, second)?, full)
}

/// The root of the tree as it was at `size`.
///
/// # Errors
/// A size beyond the tree, or whatever the source of tiles answers.
pub fn root_at(tree: &Tree, size: u64, full: &TileSource<'_>) -> Result<Digest, JournalError> {
    if size > tree.size() {
        return Err(JournalError::OutOfRange("tree size"));
    }
    let whole: &[Span] = &[(0, size)];
    let roots = hashes(tree, if size == 0 { &[] } else { whole }, full)?;
    Ok(roots.first().copied().unwrap_or_else(empty_root))
}

/// The full tiles, as (level, index), that the inclusion proof will ask for: to read them before any lock is taken.
/// What is still in the tree's partial tiles is not among them.
///
/// # Errors
/// An index or a size beyond the tree.
pub fn inclusion_tiles(tree: &Tree, index: LeafIndex, size: u64) -> Result<Vec<(u8, u64)>, JournalError> {
    let spans = inclusion_spans(tree, index, size)?;
    let mut tiles: Vec<(u8, u64)> = spans.into_iter().flat_map(perfect).map(|node| node.tile()).collect();
    tiles.retain(|(level, index)| *index < tree.partial_index(*level));
    tiles.sort_unstable();
    tiles.dedup();
    Ok(tiles)
}

fn inclusion_spans(tree: &Tree, index: LeafIndex, size: u64) -> Result<Vec<Span>, JournalError> {
    if size > tree.size() || index.0 >= size {
        return Err(JournalError::OutOfRange("leaf index or tree size"));
    }
    let (mut low, mut high) = (0, size);
    let mut siblings = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index.0 < middle {
            siblings.push((middle, high));
            high = middle;
        } else {
            siblings.push((low, middle));
            low = middle;
        }
    }
    siblings.reverse();
    Ok(siblings)
}

fn consistency_spans(tree: &Tree, first: u64, second: u64) -> Result<Vec<Span>, JournalError> {
    if first == 0 || first > second || second > tree.size() {
        return Err(JournalError::OutOfRange("tree sizes"));
    }
    let (mut low, mut high) = (0, second);
    let mut spans = Vec::new();
    while first != high {
        let middle = low + split(high - low);
        if first <= middle {
            spans.push((middle, high));
            high = middle;
        } else {
            spans.push((low, middle));
            low = middle;
        }
    }
    if low > 0 {
        spans.push((low, high));
    }
    spans.reverse();
    Ok(spans)
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (u64::BITS - 1 - (length - 1).leading_zeros())
}

/// A perfect subtree: of 2^height leaves, the `index`th of its height.
#[derive(Clone, Copy)]
struct Node {
    height: u32,
    index: u64,
}

impl Node {
    /// How many levels it is above the hashes of the tile that it is read from.
    fn above(self) -> u32 {
        self.height % TILE_HEIGHT
    }

    /// Level and index of the tile that it is read from. Its hashes never lie in two tiles.
    fn tile(self) -> (u8, u64) {
        let level = u8::try_from(self.height / TILE_HEIGHT).expect("heights are below 64");
        (level, self.index >> (TILE_HEIGHT - self.above()))
    }

    /// Its place among the nodes of its height in that tile.
    fn in_tile(self) -> usize {
        let in_tile = self.index & ((1 << (TILE_HEIGHT - self.above())) - 1);
        usize::try_from(in_tile).expect("below 256")
    }

    /// Its hash by those of a tile that is not full.
    fn hash_from(self, tile: &[Digest]) -> Option<Digest> {
        let width = 1usize << self.above();
        let start = self.in_tile() * width;
        let mut row = tile.get(start..start + width)?.to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        row.first().copied()
    }
}

/// The perfect subtrees of a span, left to right.
fn perfect((mut low, high): Span) -> Vec<Node> {
    let mut nodes = Vec::new();
    while low < high {
        let height = u64::BITS - 1 - (high - low).leading_zeros();
        nodes.push(Node { height, index: low >> height });
        low += 1 << height;
    }
    nodes
}

fn hashes(tree: &Tree, spans: &[Span], full: &TileSource<'_>) -> Result<Vec<Digest>, JournalError> {
    let mut read: Vec<((u8, u64), Arc<TileNodes>)> = Vec::new();
    let mut node_at = |node: Node| -> Result<Digest, JournalError> {
        let (level, index) = node.tile();
        let missing = JournalError::Tile { level, index };
        if let Some(root) = tree.edge_root(node.height, node.index) {
            return Ok(root);
        }
        if index >= tree.partial_index(level) {
            return node.hash_from(tree.partial(level)).ok_or(missing);
        }
        let found = read.iter().find(|(place, _)| *place == (level, index)).map(|(_, tile)| Arc::clone(tile));
        let tile = match found {
            Some(tile) => tile,
            None => {
                let tile = full(level, index)?;
                read.push(((level, index), Arc::clone(&tile)));
                tile
            }
        };
        tile.node(node.above(), node.in_tile()).ok_or(missing)
    };
    let mut proof = Vec::with_capacity(spans.len());
    for span in spans {
        let mut rest = perfect(*span).into_iter().rev();
        let last = rest.next().expect("a span has at least one leaf");
        let mut hash = node_at(last)?;
        for node in rest {
            hash = node_hash(&node_at(node)?, &hash);
        }
        proof.push(hash);
    }
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{ProofError, leaf_hash, verify_consistency, verify_inclusion};

    struct Grown {
        tree: Tree,
        roots: Vec<Digest>,
        tiles: BTreeMap<(u8, u64), Vec<Digest>>,
    }

    impl Grown {
        fn to(size: u32) -> Self {
            let mut grown = Self { tree: Tree::new(), roots: vec![Tree::new().root()], tiles: BTreeMap::new() };
            for n in 0..size {
                let completed = grown.tree.push(leaf_hash(&n.to_be_bytes()));
                grown.tiles.extend(completed.into_iter().map(|tile| ((tile.level, tile.index), tile.hashes)));
                grown.roots.push(grown.tree.root());
            }
            grown
        }

        fn tile(&self, level: u8, index: u64) -> Result<Arc<TileNodes>, JournalError> {
            let tile = self.tiles.get(&(level, index)).cloned().and_then(TileNodes::above);
            tile.map(Arc::new).ok_or(JournalError::Tile { level, index })
        }

        fn root(&self, size: u64) -> Digest {
            self.roots[usize::try_from(size).expect("small")]
        }
    }

    #[test]
    fn each_leaf_is_proved_in_each_size_and_in_no_other_place() {
        let grown = Grown::to(70);
        for size in 1..=70u64 {
            for index in 0..size {
                let proof = inclusion_proof(&grown.tree, LeafIndex(index), size, &|l, i| grown.tile(l, i)).expect("in");
                let leaf = leaf_hash(&u32::try_from(index).expect("small").to_be_bytes());
                let root = grown.root(size);
                assert_eq!(verify_inclusion(leaf, LeafIndex(index), size, &proof, root), Ok(()), "{index} of {size}");
                for other in (0..size + 2).filter(|other| *other != index) {
                    assert!(verify_inclusion(leaf, LeafIndex(other), size, &proof, root).is_err());
                }
            }
        }
    }

    #[test]
    fn large_trees_are_proved_from_tiles() {
        let grown = Grown::to(67_000);
        for size in [257u64, 65_536, 65_537, 66_999, 67_000] {
            for index in [0, 1, 255, 256, size / 2, size - 1] {
                let index = LeafIndex(index.min(size - 1));
                let planned = inclusion_tiles(&grown.tree, index, size).expect("in range");
                let source = |level, at| {
                    assert!(planned.contains(&(level, at)), "tile {level}/{at} was not in the plan");
                    grown.tile(level, at)
                };
                let proof = inclusion_proof(&grown.tree, index, size, &source).expect("in range");
                let leaf = leaf_hash(&u32::try_from(index.0).expect("small").to_be_bytes());
                assert_eq!(verify_inclusion(leaf, index, size, &proof, grown.root(size)), Ok(()));
            }
        }
    }

    #[test]
    fn the_root_of_each_size_that_the_tree_has_had_is_found_again() {
        let grown = Grown::to(66_100);
        for size in (0..600u64).chain(65_500..=66_100) {
            assert_eq!(root_at(&grown.tree, size, &|l, i| grown.tile(l, i)), Ok(grown.root(size)), "{size}");
        }
        assert!(root_at(&grown.tree, 66_101, &|l, i| grown.tile(l, i)).is_err());
    }

    #[test]
    fn each_size_is_proved_to_begin_each_later_one() {
        let grown = Grown::to(300);
        for second in (1..=300u64).filter(|n| *n < 40 || n % 37 == 0 || *n > 254) {
            for first in 1..=second {
                let proof = consistency_proof(&grown.tree, first, second, &|l, i| grown.tile(l, i)).expect("in range");
                let (old, new) = (grown.root(first), grown.root(second));
                assert_eq!(verify_consistency(first, second, &proof, old, new), Ok(()), "{first} to {second}");
                assert!(verify_consistency(first, second, &proof, new, leaf_hash(b"other")).is_err());
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let grown = Grown::to(3);
        let none: &TileSource<'_> = &|level, index| Err(JournalError::Tile { level, index });
        assert!(inclusion_proof(&grown.tree, LeafIndex(3), 3, none).is_err());
        assert!(inclusion_proof(&grown.tree, LeafIndex(0), 4, none).is_err());
        assert!(consistency_proof(&grown.tree, 0, 3, none).is_err());
        assert!(consistency_proof(&grown.tree, 3, 4, none).is_err());
        let (leaf, root) = (leaf_hash(b""), grown.tree.root());
        let long = vec![leaf; 64];
        let huge = crate::MAX_TREE_SIZE + 1;
        assert_eq!(verify_inclusion(leaf, LeafIndex(1), huge, &[], root), Err(ProofError::TreeTooLarge));
        assert_eq!(verify_inclusion(leaf, LeafIndex(1), u64::MAX, &[], root), Err(ProofError::TreeTooLarge));
        assert_eq!(verify_inclusion(leaf, LeafIndex(1), 1 << 62, &long, root), Err(ProofError::ProofTooLong));
        assert_eq!(verify_consistency(1, u64::MAX, &[leaf], root, root), Err(ProofError::TreeTooLarge));
        assert_eq!(verify_consistency(1, 1 << 62, &long, root, root), Err(ProofError::ProofTooLong));
    }
}
