//! Random words that are known beforehand and counted.

use core::convert::Infallible;

use rand_xoshiro::rand_core::TryRng;

/// Gives out words by seed and place, and counts them. One in four is an extreme, because that is where ranges end.
#[derive(Clone, Debug)]
pub struct Words {
    seed: u64,
    drawn: u64,
}

impl Words {
    pub const fn of(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub const fn drawn(&self) -> u64 {
        self.drawn
    }

    pub const fn next(&mut self) -> u64 {
        self.drawn += 1;
        let mixed = mix(self
            .seed
            .wrapping_add(self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        match mixed & 7 {
            0 => 0,
            1 => u64::MAX,
            _ => mix(mixed),
        }
    }
}

const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("the core draws whole words only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, _dst: &mut [u8]) -> Result<(), Infallible> {
        panic!("the core draws whole words only")
    }
}
