//! Numbers that look random and are the same in every run, so that two runs measure the same work.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound, each number as likely as any other.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let place = u128::from(self.next()) * bound as u128;
        usize::try_from(place >> 64).expect("below a bound that fits")
    }

    /// Below a bound, small numbers much likelier: of 2,000, the first has 8 in a hundred and the last 2 in ten thousand.
    pub(crate) fn skewed(&mut self, bound: usize) -> usize {
        let one = self.below(bound.max(1) * 1_000);
        let scaled = one as f64 / (bound.max(1) as f64 * 1_000.0);
        let place = scaled.powi(3) * bound as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the bound")]
        let place = place as usize;
        place.min(bound.saturating_sub(1))
    }
}
