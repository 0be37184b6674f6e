//! The growing Merkle tree: its frontier, and the tiles (C2SP tlog-tiles, height 8) that it completes.
//!
//! It holds at most 255 hashes a level and one a bit of its size; what is complete leaves it as tiles, for the store.

use causeway_crypto::Digest;

use crate::hash::{empty_root, node_hash};
use crate::saved::saved_fields;

/// Larger trees are refused before any arithmetic, so that none of it can overflow.
pub const MAX_TREE_SIZE: u64 = 1 << 62;

/// The height of a tile.
pub const TILE_HEIGHT: u32 = 8;

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// Up to 256 hashes of one level, next to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// The level: 0 holds leaf hashes, each further one the roots of the full tiles below it.
    pub level: u8,
    /// The index on that level.
    pub index: u64,
    /// 256 hashes, or fewer at the right edge of the tree.
    pub hashes: Vec<Digest>,
}

saved_fields!(Tile { level, index, hashes });

/// A Merkle tree that grows by one leaf at a time.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    /// Roots of the perfect subtrees that the size is made of, largest first: one for each set bit.
    frontier: Vec<Digest>,
    /// For each level, the hashes of its incomplete tile.
    partial: Vec<Vec<Digest>>,
}

saved_fields!(Tree { size, frontier, partial });

impl Tree {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash.
    pub fn root(&self) -> Digest {
        let mut rest = self.frontier.iter().rev();
        let Some(last) = rest.next() else { return empty_root() };
        rest.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Adds a leaf hash; gives the tiles that it completes, lowest level first (none, 255 times in 256).
    pub fn push(&mut self, leaf: Digest) -> Vec<Tile> {
        let mut completed = Vec::new();
        let mut node = leaf;
        let mut height = 0;
        self.keep(0, node, &mut completed);
        // Each trailing one bit of the size is a perfect subtree that the new leaf closes.
        while self.size >> height & 1 == 1 {
            let left = self.frontier.pop().expect("the frontier has one root for each set bit of the size");
            node = node_hash(&left, &node);
            height += 1;
            if height % TILE_HEIGHT == 0 {
                self.keep(height / TILE_HEIGHT, node, &mut completed);
            }
        }
        self.frontier.push(node);
        self.size += 1;
        completed
    }

    /// The root of the perfect subtree that is the `index`th of its height, if it is one of those that the size is made of.
    pub(crate) fn edge_root(&self, height: u32, index: u64) -> Option<Digest> {
        let at_height = self.size.checked_shr(height)?;
        let larger = at_height.checked_shr(1).unwrap_or(0).count_ones();
        let is_of_edge = at_height & 1 == 1 && index == at_height - 1;
        is_of_edge.then(|| self.frontier.get(usize::try_from(larger).ok()?).copied()).flatten()
    }

    /// The hashes of the incomplete tile at the right edge of a level, fewer than 256; none above the highest level.
    pub fn partial(&self, level: u8) -> &[Digest] {
        self.partial.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// The incomplete tile at the right edge of a level, unless it is empty.
    pub fn partial_tile(&self, level: u8) -> Option<Tile> {
        let hashes = self.partial(level);
        (!hashes.is_empty()).then(|| Tile { level, index: self.partial_index(level), hashes: hashes.to_vec() })
    }

    /// Whether its edge has as many roots and hashes as its size asks for.
    pub(crate) fn is_whole(&self) -> bool {
        let hashes =
            |level: usize| u32::try_from(level).ok().and_then(|level| self.size.checked_shr(TILE_HEIGHT * level));
        let is_full = |(level, tile): (usize, &Vec<Digest>)| {
            hashes(level).is_some_and(|hashes| hashes > 0 && hashes % TILE_WIDTH as u64 == tile.len() as u64)
        };
        let beyond = hashes(self.partial.len()).unwrap_or(0);
        self.size <= MAX_TREE_SIZE
            && self.frontier.len() == self.size.count_ones() as usize
            && self.partial.iter().enumerate().all(is_full)
            && beyond == 0
    }

    /// The index of the incomplete tile of a level: the tiles before it are full.
    pub(crate) fn partial_index(&self, level: u8) -> u64 {
        self.size.checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0)
    }

    fn keep(&mut self, level: u32, hash: Digest, completed: &mut Vec<Tile>) {
        let level = u8::try_from(level).expect("a tree of at most 2^62 leaves has eight levels of tiles");
        if self.partial.len() == usize::from(level) {
            self.partial.push(Vec::with_capacity(TILE_WIDTH));
        }
        let index = self.partial_index(level);
        let hashes = &mut self.partial[usize::from(level)];
        hashes.push(hash);
        if hashes.len() == TILE_WIDTH {
            let hashes = std::mem::replace(hashes, Vec::with_capacity(TILE_WIDTH));
            completed.push(Tile { level, index, hashes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    /// The definition of RFC 6962 section 2.1, word for word.
    fn defined(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&defined(left), &defined(right))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let mut tree = Tree::new();
        let mut leaves = Vec::new();
        for n in 0u32..600 {
            assert_eq!(tree.root(), defined(&leaves), "size {n}");
            leaves.push(leaf_hash(&n.to_be_bytes()));
            tree.push(leaves[leaves.len() - 1]);
        }
        assert_eq!(tree.size(), 600);
    }

    #[test]
    fn full_tiles_leave_with_their_place() {
        let mut tree = Tree::new();
        let mut tiles = Vec::new();
        for n in 0u32..70_000 {
            tiles.extend(tree.push(leaf_hash(&n.to_be_bytes())));
        }
        let places: Vec<_> = tiles.iter().filter(|tile| tile.level == 0).map(|tile| tile.index).collect();
        assert_eq!(places, (0..273).collect::<Vec<_>>(), "273 * 256 = 69,888");
        let upper: Vec<_> = tiles.iter().filter(|tile| tile.level == 1).map(|tile| tile.index).collect();
        assert_eq!(upper, [0], "256 * 256 = 65,536");
        assert_eq!(tree.partial(0).len(), 70_000 - 69_888);
        assert_eq!(tree.partial(1).len(), 273 - 256);
        assert_eq!(tree.partial(2), [defined(&tiles.iter().find(|t| t.level == 1).expect("just seen").hashes)]);
        assert_eq!(tree.partial_tile(1).expect("not empty").index, 1);
        assert_eq!(tree.partial_tile(3), None);
    }
}
