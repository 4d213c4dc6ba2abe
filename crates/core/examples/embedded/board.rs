//! What the node needs of its board: a counter of ticks, sleep, a radio, and a sensor on a bus.

use core::fmt::Arguments;

/// A board. On real hardware each of these is a few lines around a register; here it is the fake of `hour.rs`.
pub(crate) trait Board {
    /// Ticks of 1/32768 s since the last reset.
    fn ticks(&mut self) -> u64;

    /// Sets the alarm and waits for an interrupt: that of the alarm, or one of the radio. It may return early.
    fn sleep_until(&mut self, tick: u64) -> Woken;

    /// What the radio has received, oldest first.
    fn received(&mut self) -> Option<Received>;

    /// Begins to join the gateway's network. The radio says `Joined` with this number, or nothing.
    fn join(&mut self, link: u64);

    /// Takes the radio off the network, or ends an attempt to join.
    fn leave(&mut self);

    /// Sends a reading. An acknowledgement follows, or nothing.
    fn send(&mut self, reading: Reading);

    /// A measurement, in thousandths of a degree. It blocks: 2 ms, or 25 ms if the bus is held.
    fn measure(&mut self) -> Result<i32, BusFault>;

    /// Reads one byte that is always the same: is the sensor there? It blocks: 1 ms, or 25 ms.
    fn is_there(&mut self) -> bool;

    /// A line for whoever watches.
    fn log(&mut self, line: Arguments<'_>);
}

/// Why sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// By the alarm, or by an interrupt.
    ToWork,
    /// By a reset: the counter starts at 0, and what is not in retained memory is gone.
    ByReset,
}

/// What comes in by radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// The attempt to join with this number has worked.
    Joined { link: u64 },
    /// The gateway lives.
    Beacon { link: u64 },
    /// A reading has arrived.
    Acknowledged { link: u64, number: u32 },
}

/// One measurement, on its way to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The first is 1.
    pub number: u32,
    /// In thousandths of a degree.
    pub value: i32,
}

/// The sensor did not answer within 25 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BusFault;
