//! Things that come and go, by keys that are never mistaken for another's: calls in flight, and timers set anew.

/// A place for each of many things that come and go.
///
/// A key names its thing for good: when the thing is gone, the key finds nothing, also when its place has been taken by
/// another (up to 2^32 times). So an event may hold a key, and need not be taken back when the thing goes.
///
/// ```
/// use evenkeel_sim::Slab;
///
/// let mut calls = Slab::new();
/// let first = calls.insert("first");
/// assert_eq!(calls.remove(first), Some("first"));
/// let second = calls.insert("second"); // in the same place
/// assert_eq!(calls.get_mut(first), None);
/// assert_eq!(calls.get_mut(second), Some(&mut "second"));
/// ```
#[derive(Clone, Debug)]
pub struct Slab<T> {
    places: Vec<Place<T>>,
    /// Places that are free.
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Place<T> {
    /// Grows by one when what was here goes.
    generation: u32,
    thing: Option<T>,
}

/// Names a thing in a [`Slab`]. 8 bytes.
///
/// ```
/// let mut slab = evenkeel_sim::Slab::new();
/// assert_ne!(slab.insert('a'), slab.insert('a'));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slab<T> {
    /// With nothing in it.
    ///
    /// ```
    /// assert!(evenkeel_sim::Slab::<()>::new().is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Puts a thing in. O(1).
    ///
    /// # Panics
    /// With more than 2^32 things at once.
    ///
    /// ```
    /// let mut slab = evenkeel_sim::Slab::new();
    /// let key = slab.insert('a');
    /// assert_eq!(slab.get_mut(key), Some(&mut 'a'));
    /// ```
    pub fn insert(&mut self, thing: T) -> Key {
        if let Some(index) = self.free.pop() {
            let place = &mut self.places[index as usize];
            place.thing = Some(thing);
            let generation = place.generation;
            return Key { index, generation };
        }
        let index = u32::try_from(self.places.len()).expect("at most 2^32 things");
        self.places.push(Place {
            generation: 0,
            thing: Some(thing),
        });
        let generation = 0;
        Key { index, generation }
    }

    /// The thing of this key, unless it is gone. O(1).
    ///
    /// ```
    /// let mut slab = evenkeel_sim::Slab::new();
    /// let key = slab.insert(1);
    /// if let Some(thing) = slab.get_mut(key) {
    ///     *thing += 1;
    /// }
    /// assert_eq!(slab.remove(key), Some(2));
    /// ```
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(key.index as usize)?;
        place
            .thing
            .as_mut()
            .filter(|_| place.generation == key.generation)
    }

    /// Takes the thing of this key out, unless it is gone. O(1).
    ///
    /// ```
    /// let mut slab = evenkeel_sim::Slab::new();
    /// let key = slab.insert('a');
    /// assert_eq!([slab.remove(key), slab.remove(key)], [Some('a'), None]);
    /// ```
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        let thing = place.thing.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.index);
        Some(thing)
    }

    /// How many things there are.
    ///
    /// ```
    /// let mut slab = evenkeel_sim::Slab::new();
    /// let _ = slab.insert('a');
    /// assert_eq!(slab.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// let mut slab = evenkeel_sim::Slab::new();
    /// let _ = slab.insert('a');
    /// assert!(!slab.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A timer of an entity that stays: what was set earlier is no more, though its event still comes.
///
/// ```
/// use evenkeel_sim::Timer;
///
/// let mut timer = Timer::default();
/// let early = timer.set(); // world.at(100, Event::Wake { client, timer: early })
/// let late = timer.set(); // world.at(200, Event::Wake { client, timer: late })
/// assert!(!timer.is_due(early));
/// assert!(timer.is_due(late));
/// timer.clear();
/// assert!(!timer.is_due(late));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    generation: u32,
}

impl Timer {
    /// Sets it, for good measure instead of what was set before; put the number into the event.
    ///
    /// ```
    /// let mut timer = evenkeel_sim::Timer::default();
    /// assert_ne!(timer.set(), timer.set());
    /// ```
    #[inline]
    pub const fn set(&mut self) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.generation
    }

    /// Nothing that was set is due any more.
    ///
    /// ```
    /// let mut timer = evenkeel_sim::Timer::default();
    /// let set = timer.set();
    /// timer.clear();
    /// assert!(!timer.is_due(set));
    /// ```
    #[inline]
    pub const fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    /// Whether an event with this number is the one that was set last.
    ///
    /// ```
    /// let mut timer = evenkeel_sim::Timer::default();
    /// let set = timer.set();
    /// assert!(timer.is_due(set));
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_due(&self, set: u32) -> bool {
        self.generation == set
    }
}
