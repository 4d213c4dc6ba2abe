//! What nobody means to ask for: no rate, numbers that are none, the end of time, a grid too fine.

use std::time::Duration;

use evenkeel_sim::{
    Arrival, BoundedQueue, Column, Concurrent, Delay, Fault, Faults, Listener, Load, Queue, Server,
    Stream, Streams, Watch,
};

const SECOND: Duration = Duration::from_secs(1);

fn rng() -> Stream {
    Streams::seeded(7).of("edges", 0)
}

fn ends_at_ns(arrival: Arrival<()>) -> Option<u64> {
    match arrival {
        Arrival::Started(started) => Some(started.ends_at_ns),
        _ => None,
    }
}

#[test]
fn without_a_rate_that_is_one_nothing_comes_and_a_tiny_one_comes_late_or_never() {
    let next_ns = |rate| Load::Poisson { rate }.arrivals().next_ns(1, &mut rng());
    for rate in [0.0, -0.0, -5.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(next_ns(rate), None, "{rate}");
    }
    assert_eq!(next_ns(f64::MIN_POSITIVE), None); // past the last instant
    assert!(next_ns(1e-6) > Some(1_000_000_000));
    let ramp = Load::Ramp {
        peak: 1.0,
        slope: f64::NAN,
        at: SECOND,
    };
    assert_eq!(ramp.arrivals().next_ns(0, &mut rng()), None);
}

#[test]
fn a_listener_without_a_rate_accepts_none_before_the_end_of_time() {
    for rate in [0.0, -1.0, f64::NAN] {
        let arrival = Listener::new(rate, 8).arrive(5, (), &mut rng());
        assert_eq!(ends_at_ns(arrival), Some(u64::MAX), "{rate}");
    }
}

#[test]
fn work_that_would_end_after_the_last_instant_ends_at_it() {
    let late_ns = u64::MAX - 10;
    let work = Delay::constant(SECOND);
    let mut servers: [Box<dyn Server<()>>; 3] = [
        Box::new(BoundedQueue::new(1, 0, work)),
        Box::new(Concurrent::new(SECOND, Duration::MAX)),
        Box::new(Listener::new(1.0, 1)),
    ];
    for server in &mut servers {
        server.slow_down(1e300);
        let arrival = server.arrive(late_ns, (), &mut rng());
        assert_eq!(ends_at_ns(arrival), Some(u64::MAX));
        assert_eq!(server.finish(u64::MAX, &mut rng()), None);
        assert_eq!(server.in_progress(), 0);
    }
}

#[test]
fn numbers_that_are_none_are_no_time_and_no_chance() {
    let sigma = Delay::log_normal(SECOND, f64::NAN);
    assert_eq!(sigma.draw_ns(&mut rng()), 0);
    assert_eq!(Delay::constant(Duration::MAX).draw_ns(&mut rng()), u64::MAX);
    assert!(Delay::uniform(SECOND, Duration::MAX).draw_ns(&mut rng()) >= 1_000_000_000);

    let always = |fault| Faults::none().with(Duration::ZERO, Duration::MAX, fault);
    assert!(!always(Fault::ErrorRate(f64::NAN)).fails(0, &mut rng()));
    assert!(!always(Fault::Partition(f64::NAN)).is_cut(0, 0, 10));
    let mut server = BoundedQueue::new(1, 0, Delay::constant(SECOND));
    for factor in [-1.0, f64::NAN] {
        server.clear();
        server.slow_down(always(Fault::SlowDown(factor)).slow_down(0));
        assert_eq!(
            ends_at_ns(server.arrive(3, (), &mut rng())),
            Some(3),
            "{factor}"
        );
    }
}

#[test]
fn the_queue_works_up_to_the_last_instant() {
    let mut queue = Queue::new();
    for at_ns in [u64::MAX, u64::MAX - 1, 0, u64::MAX] {
        queue.push(at_ns, at_ns);
    }
    assert_eq!(queue.pop_until(0), Some((0, 0)));
    assert_eq!(queue.pop_until(u64::MAX - 2), None);
    assert_eq!(
        queue.pop_until(u64::MAX - 1),
        Some((u64::MAX - 1, u64::MAX - 1))
    );
    queue.push(1, 1); // past: now
    assert_eq!(queue.pop(), Some((u64::MAX - 1, 1)));
    assert_eq!(
        [queue.pop(), queue.pop(), queue.pop()],
        [Some((u64::MAX, u64::MAX)), Some((u64::MAX, u64::MAX)), None]
    );
}

#[test]
fn curves_on_a_grid_too_fine_are_cut_all_at_the_same_cell() {
    let columns = [Column::rate("calls"), Column::level("queue")];
    let mut watch = Watch::every(Duration::from_nanos(1));
    watch.columns(&columns);
    watch.level(1, 10, 3.0);
    watch.count(0, u64::MAX, 1);
    watch.end(u64::MAX);
    let lengths: Vec<_> = watch
        .series()
        .iter()
        .map(|series| series.values.len())
        .collect();
    assert_eq!(lengths, [1 << 20; 2]);
    assert_eq!(watch.series()[1].values.last(), Some(&3.0));
}
