//! The hasher that a table has unless another is given: keys spread over the whole table however they are numbered, and no
//! part of a key is left out.
#![cfg(feature = "alloc")]

use core::hash::{BuildHasher, Hash};
use std::collections::BTreeSet;

use evenkeel_core::table::FixedState;

const KEYS: u64 = 1 << 14;

fn hash(key: impl Hash) -> u64 {
    FixedState.hash_one(key)
}

/// How many hashes have the value that most have, of `values` values.
fn fullest(hashes: &[u64], values: usize, value: impl Fn(u64) -> u64) -> usize {
    let mut places = vec![0; values];
    hashes
        .iter()
        .for_each(|&hash| places[value(hash) as usize] += 1);
    places.into_iter().max().unwrap_or(0)
}

/// The tables look at bits that all others reach. hashbrown, with which a stored state is searched for keys that it has twice,
/// looks at the lowest bits of a hash for the place, and at the highest seven for what is there.
#[test]
fn keys_spread_however_they_are_numbered() {
    let keys = KEYS as usize;
    for step in 0..50 {
        let hashes: Vec<u64> = (0..KEYS).map(|key| hash(key << step)).collect();
        let lowest = fullest(&hashes, 256, |hash| hash & 255);
        let highest = fullest(&hashes, 128, |hash| hash >> 57);
        assert!(
            lowest <= 2 * keys / 256 && highest <= 2 * keys / 128,
            "of {keys} keys 2^{step} apart {lowest} share their lowest 8 bits, {highest} their highest 7"
        );
    }
}

#[test]
fn no_two_of_many_keys_have_one_hash() {
    for step in [0, 3, 12, 32, 48] {
        let hashes: BTreeSet<u64> = (0..KEYS).map(|key| hash(key << step)).collect();
        assert_eq!(hashes.len() as u64, KEYS, "keys 2^{step} apart");
    }
}

/// Each part of a key counts, through whichever of the hasher's methods it comes.
#[test]
fn every_part_of_a_key_is_in_its_hash() {
    let all_differ = |what: &str, hashes: &[u64]| {
        let distinct: BTreeSet<u64> = hashes.iter().copied().collect();
        assert_eq!(distinct.len(), hashes.len(), "{what}");
    };
    let bits = |width: u32| 0..width;
    all_differ(
        "u8",
        &bits(8).map(|bit| hash(1_u8 << bit)).collect::<Vec<_>>(),
    );
    all_differ(
        "u16",
        &bits(16).map(|bit| hash(1_u16 << bit)).collect::<Vec<_>>(),
    );
    all_differ(
        "u32",
        &bits(32).map(|bit| hash(1_u32 << bit)).collect::<Vec<_>>(),
    );
    all_differ(
        "u64",
        &bits(64).map(|bit| hash(1_u64 << bit)).collect::<Vec<_>>(),
    );
    all_differ(
        "usize",
        &bits(usize::BITS)
            .map(|bit| hash(1_usize << bit))
            .collect::<Vec<_>>(),
    );
    all_differ(
        "u128",
        &bits(128).map(|bit| hash(1_u128 << bit)).collect::<Vec<_>>(),
    );
    all_differ(
        "pairs",
        &[
            hash((1_u64, 2_u64)),
            hash((2_u64, 1_u64)),
            hash((3_u64, 3_u64)),
        ],
    );
    let name = "billing-eu-west-1.example";
    let one_changed = (0..name.len()).map(|at| {
        let mut bytes = name.as_bytes().to_vec();
        bytes[at] ^= 1;
        hash(bytes)
    });
    let mut texts: Vec<u64> = one_changed.collect();
    texts.extend((0..=name.len()).map(|len| hash(&name.as_bytes()[..len])));
    all_differ("bytes", &texts);
    // Zeros count too: a text is not the same with one more.
    all_differ(
        "zeros",
        &(0..20).map(|len| hash(vec![0_u8; len])).collect::<Vec<_>>(),
    );
}
