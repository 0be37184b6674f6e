//! Numbers that look random and are the same in each run (splitmix64), and what else the tests draw from them.

use causeway_crypto::Digest;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).expect("a small number")).expect("below a small number")
    }

    pub(crate) fn hash(&mut self) -> Digest {
        let mut bytes = [0; 32];
        bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next().to_be_bytes()));
        Digest(bytes)
    }

    /// The input with one to four small changes: a bit or byte changed, a run removed, doubled, put elsewhere or taken from
    /// what formats are made of.
    pub(crate) fn mutated(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = bytes.len().min(at + 1 + self.below(40));
            match self.below(8) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.next().to_be_bytes()[0],
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let run = bytes[at..end].to_vec();
                    bytes.splice(at..at, run);
                }
                4 => {
                    let run: Vec<u8> = bytes.drain(at..end).collect();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, run);
                }
                5 => bytes.truncate(at),
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    bytes.splice(at..at, piece.bytes());
                }
            }
        }
        bytes
    }
}

/// What the formats are made of.
const PIECES: [&str; 24] = [
    "\n",
    "\n\n",
    " ",
    "\t",
    "\r\n",
    "+",
    "0",
    "00",
    "18446744073709551616",
    "4611686018427387905",
    "-1",
    "=",
    "==",
    "A",
    "— ",
    "—",
    "\u{2003}",
    "\u{0}",
    "é",
    "x",
    "x000/",
    ".p/",
    "#",
    "none",
];
