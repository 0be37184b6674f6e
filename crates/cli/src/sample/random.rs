//! A small generator of pseudo-random numbers, splitmix64 (Steele, Lea, Flood 2014). Not for anything secret.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of one thing: its own for each seed, purpose and number, so that things can be made in any order.
    pub(crate) fn of(seed: u64, purpose: &str, number: usize) -> Self {
        let mut random = Self(seed);
        for byte in purpose.bytes() {
            random.0 ^= u64::from(byte);
            random.next();
        }
        random.0 ^= u64::try_from(number).unwrap_or(u64::MAX);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 for no bound. The bias is below 2^-32.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let drawn = ((self.next() >> 32) * u64::from(bound)) >> 32;
        u32::try_from(drawn).unwrap_or(0)
    }

    /// As [`Random::below`], for an index.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let drawn = self.below(u32::try_from(length).unwrap_or(u32::MAX));
        usize::try_from(drawn).unwrap_or(0)
    }

    /// Whether something happens that does so in `percent` of cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// One of a list that is not empty, by weight.
    pub(crate) fn weighted<T: Copy>(&mut self, list: &[(T, u32)]) -> T {
        let mut left = self.below(list.iter().map(|(_, weight)| weight).sum());
        for (thing, weight) in list {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *thing,
            }
        }
        list[0].0
    }
}
