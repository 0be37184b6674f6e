//! A full tile with the nodes above its hashes: whoever keeps it hashes once what many proofs ask for.

use causeway_crypto::Digest;

use crate::hash::node_hash;
use crate::tree::TILE_WIDTH;

/// The 511 hashes of a full tile's subtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileNodes(Vec<Digest>);

impl TileNodes {
    /// The nodes above these hashes; none unless they are 256.
    pub fn above(hashes: Vec<Digest>) -> Option<Self> {
        if hashes.len() != TILE_WIDTH {
            return None;
        }
        let mut nodes = hashes;
        nodes.reserve_exact(TILE_WIDTH - 1);
        // Each pair in the order in which they come, the roots of pairs among them: the row above follows each row.
        for left in (0..2 * (TILE_WIDTH - 1)).step_by(2) {
            nodes.push(node_hash(&nodes[left], &nodes[left + 1]));
        }
        Some(Self(nodes))
    }

    /// The `index`th node of those `above` levels over the hashes.
    pub(crate) fn node(&self, above: u32, index: usize) -> Option<Digest> {
        let before = 2 * TILE_WIDTH - (2 * TILE_WIDTH).checked_shr(above)?;
        let width = TILE_WIDTH.checked_shr(above)?;
        if index < width { self.0.get(before + index).copied() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;

    #[test]
    fn each_node_is_the_hash_of_the_two_below_it() {
        let hashes: Vec<_> = (0..=255u8).map(|n| leaf_hash(&[n])).collect();
        let nodes = TileNodes::above(hashes.clone()).expect("256");
        let mut row = hashes.clone();
        for above in 0..=8 {
            for (index, hash) in row.iter().enumerate() {
                assert_eq!(nodes.node(above, index), Some(*hash), "{index} of {above}");
            }
            assert_eq!(nodes.node(above, row.len()), None);
            row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        assert_eq!(nodes.node(9, 0), None);
        assert_eq!(TileNodes::above(hashes[1..].to_vec()), None);
    }
}
