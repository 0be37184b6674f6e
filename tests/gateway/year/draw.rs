//! What a seed stands for: the same numbers, and the same choices, each time.

/// SplitMix64; the bias of the remainders does not matter here.
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("less than a usize")
    }

    /// As [`Draw::below`], for what is counted in days and seconds.
    pub(super) fn up_to(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(usize::try_from(most - least + 1).expect("small")) as u64
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// At least one of these, in their order.
    pub(super) fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let some: Vec<T> = from.iter().copied().filter(|_| self.once_in(2)).collect();
        if some.is_empty() { vec![self.pick(from)] } else { some }
    }
}
