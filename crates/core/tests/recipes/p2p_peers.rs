//! docs/recipes/p2p-peers.md: peers that do not answer are dialled less and less, and a flood of names frees nobody.

use core::time::Duration;
use std::hash::RandomState;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use crate::SECOND;

/// As the network knows a peer: the hash of its key.
type PeerId = [u8; 32];

/// Who may be dialled, and when.
struct Dialer {
    peers: BackoffTable<PeerId, RandomState>,
    rng: Xoshiro256PlusPlus,
}

impl Dialer {
    fn new(seed: u64) -> Result<Self, ConfigError> {
        let secs = Duration::from_secs;
        let backoff = BackoffPolicy::builder(secs(5))
            .cap(secs(1_800))
            .jitter(Jitter::Equal);
        let policy = BackoffTablePolicy::builder(backoff, 100_000, secs(3_600)).due_index(true);
        let peers = BackoffTable::with_hasher(policy.build()?, RandomState::new());
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        Ok(Self { peers, rng })
    }

    /// A neighbour has named this peer, or its hold is over: dials it, unless it is held back.
    fn dial(&mut self, now_ns: u64, peer: &PeerId, mut connect: impl FnMut(&PeerId) -> bool) {
        if self.peers.try_acquire(now_ns, peer).is_err() {
            return;
        }
        if connect(peer) {
            let _ = self.peers.on_success(now_ns, peer);
        } else {
            // Where the table is full, it is held back together with all others that have no place.
            let _ = self.peers.on_failure(now_ns, peer, &mut self.rng);
        }
    }
}

fn peer(number: u64) -> PeerId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_le_bytes());
    id
}

#[test]
fn a_peer_that_is_away_is_dialled_less_and_less() {
    let mut dialer = Dialer::new(1).expect("valid policies");
    let mut dials = Vec::new();
    let mut now_ns = 0;
    dialer.dial(0, &peer(1), |_| false);
    while now_ns < 7_200 * SECOND {
        now_ns = dialer.peers.next_deadline_ns().expect("held back");
        while let Some(due) = dialer.peers.pop_ready(now_ns).copied() {
            dials.push(now_ns / SECOND);
            // Somebody names it again and again, to no effect.
            dialer.dial(now_ns, &due, |_| false);
            dialer.dial(now_ns + 1, &due, |_| unreachable!("it is held back"));
        }
    }
    assert!((10..=18).contains(&dials.len()), "{dials:?}");
}

#[test]
fn a_flood_of_names_frees_nobody() {
    let mut dialer = Dialer::new(1).expect("valid policies");
    dialer.dial(0, &peer(0), |_| false);
    let mut dials = 0;
    for number in 1..200_000 {
        dialer.dial(1, &peer(number), |_| {
            dials += 1;
            false
        });
    }
    // All places, and the first for whom there was none: the rest is held back with it.
    assert_eq!(dials, 100_000);
    assert!(dialer.peers.try_acquire(2, &peer(0)).is_err());
}
