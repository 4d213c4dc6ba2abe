//! The places of the probes in flight while half-open, oldest first, two words each: when the place is lost, and
//! whose it is.
//!
//! All places of a breaker last equally long and time does not run back, so the oldest is the first to be lost.

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
    for at in 0..len {
        if pair(words, at).is_some_and(|(_, holder)| holder & !ENDLESS == u64::from(number)) {
            remove(words, len, at, 1);
            return true;
        }
    }
    false
}

/// Frees the oldest `count` places.
pub(super) fn drop_oldest(words: &mut [u64], len: u32, count: u32) {
    remove(words, len, 0, count);
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

/// Whether the places are in order, of distinct probes below `next_number`, and none is lost later than
/// `latest_ns`; the words behind them are free.
pub(super) fn are_consistent(
    words: &[u64],
    len: u32,
    next_number: u32,
    latest_ns: Option<u64>,
) -> bool {
    let mut before: Option<(u64, u64)> = None;
    for at in 0..len {
        let Some((deadline_ns, holder)) = pair(words, at) else {
            return false;
        };
        let number = holder & !ENDLESS;
        let endless = holder & ENDLESS != 0;
        let deadline_fits = if endless {
            deadline_ns == u64::MAX && latest_ns.is_none()
        } else {
            latest_ns.is_none_or(|latest_ns| deadline_ns <= latest_ns)
        };
        let in_order = before.is_none_or(|(earlier_ns, earlier)| {
            earlier_ns <= deadline_ns && (earlier & !ENDLESS) < number
        });
        if !deadline_fits || !in_order || number == 0 || number >= u64::from(next_number) {
            return false;
        }
        before = Some((deadline_ns, holder));
    }
    words
        .get(words_for(len)..)
        .is_some_and(|free| free.iter().all(|&word| word == 0))
}
