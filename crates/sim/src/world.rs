//! Virtual time: a model, the events to come, and the loop that hands them out.

use crate::queue::Queue;

/// What a simulation is of: everything that has a state, and what each event does to it.
///
/// An event is an enum of the model's own; it is stored by value, so small is fast (clients by number, not by box).
///
/// ```
/// use evenkeel_sim::{Model, Sim, World};
///
/// /// A ball that loses half of its height with each bounce.
/// struct Ball {
///     height: u64,
///     bounces: u32,
/// }
///
/// struct Bounce;
///
/// impl Model for Ball {
///     type Event = Bounce;
///     fn on_event(&mut self, _: Bounce, world: &mut World<Bounce>) {
///         self.bounces += 1;
///         self.height /= 2;
///         if self.height > 0 {
///             world.after(self.height, Bounce);
///         }
///     }
/// }
///
/// let mut sim = Sim::new(Ball { height: 8, bounces: 0 });
/// sim.world.at(10, Bounce);
/// sim.run();
/// assert_eq!((sim.model.bounces, sim.world.now_ns()), (4, 10 + 4 + 2 + 1));
/// ```
pub trait Model {
    /// What can happen.
    type Event;

    /// It happens, at [`world.now_ns()`](World::now_ns).
    fn on_event(&mut self, event: Self::Event, world: &mut World<Self::Event>);

    /// It will happen soon, or has been announced before: a hint, for worlds too large for the processor's caches. A model
    /// that reads here (into [`black_box`](std::hint::black_box)) what the event will need lets the memory fetch it for
    /// several events at once, which is what a world of a million clients waits for. It cannot change anything.
    /// Default: nothing, at no cost.
    #[inline]
    fn on_soon(&self, event: &Self::Event) {
        let _ = event;
    }
}

/// The time, and what is to come: how a model makes things happen later.
///
/// ```
/// let mut world = evenkeel_sim::World::new();
/// world.at(100, "by the clock");
/// world.after(50, "from now");
/// assert_eq!((world.now_ns(), world.pending()), (0, 2));
/// ```
#[derive(Clone, Debug)]
pub struct World<E> {
    now_ns: u64,
    queue: Queue<E>,
    events: u64,
    stopped: bool,
}

impl<E> Default for World<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> World<E> {
    /// A world at instant 0 in which nothing is to come.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::World::<()>::new().pending(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            now_ns: 0,
            queue: Queue::new(),
            events: 0,
            stopped: false,
        }
    }

    /// The time, in nanoseconds from the beginning.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::World::<()>::new().now_ns(), 0);
    /// ```
    #[inline]
    #[must_use]
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Lets `event` happen at `at_ns`; now, behind all else that is due now, where that is past. Events of one instant
    /// happen in the order of these calls. There is no way to take one back: give it a generation, and let the model pass
    /// over an old one ([`Timer`](crate::Timer), [`Slab`](crate::Slab)).
    ///
    /// ```
    /// let mut world = evenkeel_sim::World::new();
    /// world.at(100, 'a');
    /// assert_eq!(world.pending(), 1);
    /// ```
    #[inline]
    pub fn at(&mut self, at_ns: u64, event: E) {
        self.queue.push(at_ns.max(self.now_ns), event);
    }

    /// Lets `event` happen `delay_ns` from now; never, where that is past the last instant.
    ///
    /// ```
    /// let mut world = evenkeel_sim::World::new();
    /// world.after(100, 'a');
    /// assert_eq!(world.pending(), 1);
    /// ```
    #[inline]
    pub fn after(&mut self, delay_ns: u64, event: E) {
        if let Some(at_ns) = self.now_ns.checked_add(delay_ns) {
            self.queue.push(at_ns, event);
        }
    }

    /// How many events are to come.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::World::<()>::new().pending(), 0);
    /// ```
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.queue.len()
    }

    /// How many events have happened.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::World::<()>::new().events(), 0);
    /// ```
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Ends the run after this event; what is to come stays, and a later run goes on with it.
    ///
    /// ```
    /// use evenkeel_sim::{Model, Sim, World};
    ///
    /// struct Clock;
    /// impl Model for Clock {
    ///     type Event = ();
    ///     fn on_event(&mut self, (): (), world: &mut World<()>) {
    ///         world.after(1, ());
    ///         if world.now_ns() == 10 {
    ///             world.stop();
    ///         }
    ///     }
    /// }
    ///
    /// let mut sim = Sim::new(Clock);
    /// sim.world.at(0, ());
    /// sim.run();
    /// assert_eq!(sim.world.now_ns(), 10);
    /// ```
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    #[inline]
    fn next(&mut self, limit_ns: u64, soon: impl FnMut(&E)) -> Option<E> {
        if self.stopped {
            return None;
        }
        let (at_ns, event) = self.queue.pop_ahead(limit_ns, soon)?;
        self.now_ns = at_ns;
        self.events += 1;
        Some(event)
    }
}

/// A model and its world, run.
///
/// ```
/// # use evenkeel_sim::{Model, Sim, World};
/// struct Sum(u64);
/// impl Model for Sum {
///     type Event = u64;
///     fn on_event(&mut self, event: u64, _: &mut World<u64>) {
///         self.0 += event;
///     }
/// }
///
/// let mut sim = Sim::new(Sum(0));
/// for n in 1..=10 {
///     sim.world.at(n * 100, n);
/// }
/// sim.run_until(300);
/// assert_eq!((sim.model.0, sim.world.now_ns()), (1 + 2 + 3, 300));
/// sim.run();
/// assert_eq!(sim.model.0, 55);
/// ```
#[derive(Clone, Debug)]
pub struct Sim<M: Model> {
    /// What is simulated.
    pub model: M,
    /// The time and the events to come.
    pub world: World<M::Event>,
}

impl<M: Model> Sim<M> {
    /// At instant 0, with nothing to come: put the first events into [`world`](Self::world).
    ///
    /// ```
    /// # use evenkeel_sim::{Model, Sim, World};
    /// # struct Nothing;
    /// # impl Model for Nothing { type Event = (); fn on_event(&mut self, (): (), _: &mut World<()>) {} }
    /// let mut sim = Sim::new(Nothing);
    /// sim.run();
    /// assert_eq!(sim.world.now_ns(), 0);
    /// ```
    pub fn new(model: M) -> Self {
        let world = World::new();
        Self { model, world }
    }

    /// Until nothing is to come, or the model [stops](World::stop) it. Never, for a model that always has something.
    ///
    /// ```
    /// # use evenkeel_sim::{Model, Sim, World};
    /// # struct Nothing;
    /// # impl Model for Nothing { type Event = (); fn on_event(&mut self, (): (), _: &mut World<()>) {} }
    /// let mut sim = Sim::new(Nothing);
    /// sim.world.at(7, ());
    /// sim.run();
    /// assert_eq!(sim.world.now_ns(), 7);
    /// ```
    pub fn run(&mut self) {
        self.world.stopped = false;
        self.work(u64::MAX);
    }

    /// All that happens up to and at `at_ns`. It is then `at_ns`, unless the model stopped it earlier.
    ///
    /// ```
    /// # use evenkeel_sim::{Model, Sim, World};
    /// # struct Nothing;
    /// # impl Model for Nothing { type Event = (); fn on_event(&mut self, (): (), _: &mut World<()>) {} }
    /// let mut sim = Sim::new(Nothing);
    /// sim.world.at(7, ());
    /// sim.run_until(5);
    /// assert_eq!((sim.world.now_ns(), sim.world.pending()), (5, 1));
    /// ```
    pub fn run_until(&mut self, at_ns: u64) {
        self.world.stopped = false;
        self.work(at_ns);
        if !self.world.stopped {
            self.world.now_ns = self.world.now_ns.max(at_ns);
        }
    }

    fn work(&mut self, limit_ns: u64) {
        let Self { model, world } = self;
        while let Some(event) = world.next(limit_ns, |event| model.on_soon(event)) {
            model.on_event(event, world);
        }
    }
}
