//! The places of the probes in flight while half-open, oldest first, two words each: when the place is lost, and
//! whose it is.
//!
//! All places of a breaker last equally long and time does not run back, so the oldest is the first to be lost.

use super::permit::PermitId;
use crate::rebase::Rebase;

/// Marks a place that no instant ends: its deadline would lie past `u64::MAX`.
const ENDLESS: u64 = 1 << 63;

/// The words that `places` take.
pub(super) const fn words_for(places: u32) -> usize {
    (places as usize).saturating_mul(2)
}

/// The deadline of place `at`, if there is such a place and it has one.
pub(super) fn deadline_ns(words: &[u64], len: u32, at: u32) -> Option<u64> {
    if at >= len {
        return None;
    }
    let (deadline_ns, holder) = pair(words, at)?;
    (holder & ENDLESS == 0).then_some(deadline_ns)
}

/// How many places are lost at `now_ns`.
pub(super) fn lost(words: &[u64], len: u32, now_ns: u64) -> u32 {
    let mut lost = 0;
    while deadline_ns(words, len, lost).is_some_and(|at_ns| at_ns <= now_ns) {
        lost = lost.saturating_add(1);
    }
    lost
}

/// The first number after `number` that no place has. After 2^32 - 2 probes in one half-open phase numbers begin again
/// at 1; one of at most 1 024 may then still be out.
pub(super) fn free_number_after(words: &[u64], len: u32, number: u32) -> u32 {
    let mut next = number;
    loop {
        next = match next.wrapping_add(1) {
            PermitId::CLOSED | PermitId::UNCOUNTED => 1,
            following => following,
        };
        // There are more numbers than places, so this ends; mostly at the first.
        if place_of(words, len, next).is_none() {
            return next;
        }
    }
}

/// Gives the next place to probe `number`, until `deadline_ns`.
pub(super) fn push(words: &mut [u64], len: u32, number: u32, deadline_ns: Option<u64>) {
    let holder = u64::from(number) | if deadline_ns.is_none() { ENDLESS } else { 0 };
    let first = words_for(len);
    if let Some([at, who]) = words.get_mut(first..first.saturating_add(2)) {
        *at = deadline_ns.unwrap_or(u64::MAX);
        *who = holder;
    }
}

/// Frees the place of probe `number`; false when it has none.
pub(super) fn take(words: &mut [u64], len: u32, number: u32) -> bool {
    match place_of(words, len, number) {
        Some(at) => {
            remove(words, len, at, 1);
            true
        }
        None => false,
    }
}

/// Frees the oldest `count` places.
pub(super) fn drop_oldest(words: &mut [u64], len: u32, count: u32) {
    remove(words, len, 0, count);
}

/// Frees the places that were not lost by `taken_ns`, and moves the ends of the others; how many these are.
pub(super) fn keep_lost(words: &mut [u64], len: u32, taken_ns: u64, rebase: &Rebase) -> u32 {
    let lost = lost(words, len, taken_ns);
    remove(words, len, lost, len.saturating_sub(lost));
    for place in words.chunks_exact_mut(2).take(lost as usize) {
        if let [at_ns, _] = place {
            *at_ns = rebase.past_ns(*at_ns);
        }
    }
    lost
}

fn place_of(words: &[u64], len: u32, number: u32) -> Option<u32> {
    (0..len).find(|&at| number_at(words, at) == Some(u64::from(number)))
}

fn number_at(words: &[u64], at: u32) -> Option<u64> {
    pair(words, at).map(|(_, holder)| holder & !ENDLESS)
}

fn remove(words: &mut [u64], len: u32, at: u32, count: u32) {
    let (first, count, end) = (words_for(at), words_for(count), words_for(len));
    if let Some(from) = words.get_mut(first..end) {
        let kept = from.len().saturating_sub(count);
        if count <= from.len() {
            from.copy_within(count.., 0);
        }
        if let Some(freed) = from.get_mut(kept..) {
            freed.fill(0);
        }
    }
}

fn pair(words: &[u64], at: u32) -> Option<(u64, u64)> {
    let first = words_for(at);
    match words.get(first..first.saturating_add(2)) {
        Some(&[deadline_ns, holder]) => Some((deadline_ns, holder)),
        _ => None,
    }
}

/// Whether the places are in order, of distinct probes and none of them `next`, and none is lost later than `latest_ns`;
/// the words behind them are free. Compares all numbers with each other.
pub(super) fn are_consistent(words: &[u64], len: u32, next: u32, latest_ns: Option<u64>) -> bool {
    let mut earlier_ns = 0;
    for at in 0..len {
        let Some((deadline_ns, holder)) = pair(words, at) else {
            return false;
        };
        let deadline_fits = if holder & ENDLESS != 0 {
            deadline_ns == u64::MAX && latest_ns.is_none()
        } else {
            latest_ns.is_none_or(|latest_ns| deadline_ns <= latest_ns)
        };
        let number = u32::try_from(holder & !ENDLESS).unwrap_or(PermitId::UNCOUNTED);
        let is_free = place_of(words, at, number).is_none() && number != next;
        let is_probe = number != PermitId::CLOSED && number != PermitId::UNCOUNTED;
        if !deadline_fits || deadline_ns < earlier_ns || !is_free || !is_probe {
            return false;
        }
        earlier_ns = deadline_ns;
    }
    words
        .get(words_for(len)..)
        .is_some_and(|free| free.iter().all(|&word| word == 0))
}
