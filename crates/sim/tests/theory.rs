//! What queueing theory and the distributions' definitions say holds in this world.

use std::time::Duration;

use evenkeel_sim::{
    Arrival, Arrivals, BoundedQueue, Delay, Load, Model, Server, Sim, Started, Stream, Streams,
    World,
};

const SEED: u64 = 20_261_121;
const N: usize = 200_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The mean and the standard deviation of many draws, in milliseconds.
fn moments(delay: Delay) -> (f64, f64) {
    let mut rng = Streams::seeded(SEED).of("moments", 0);
    let draws: Vec<_> = (0..N)
        .map(|_| delay.draw_ns(&mut rng) as f64 / 1e6)
        .collect();
    let mean = draws.iter().sum::<f64>() / N as f64;
    let squares = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>();
    (mean, (squares / N as f64).sqrt())
}

/// Within four standard errors for the mean, within 2 % for the deviation.
fn assert_moments(delay: Delay, mean: f64, sd: f64) {
    let (found_mean, found_sd) = moments(delay);
    let error = 4.0 * sd / (N as f64).sqrt();
    assert!(
        (found_mean - mean).abs() <= error + 1e-6,
        "{delay:?}: mean {found_mean}"
    );
    assert!(
        (found_sd - sd).abs() <= 0.02 * sd + 1e-6,
        "{delay:?}: sd {found_sd}"
    );
}

#[test]
fn delays_have_the_moments_that_they_should_have() {
    assert_moments(Delay::constant(ms(7)), 7.0, 0.0);
    assert_moments(Delay::uniform(ms(2), ms(10)), 6.0, 8.0 / 12_f64.sqrt());
    assert_moments(Delay::exponential(ms(10)), 10.0, 10.0);
    assert_moments(Delay::normal(ms(10), ms(2)), 10.0, 2.0);
    assert_moments(Delay::abs_normal(ms(10), ms(2)), 10.0, 2.0);
    // Of |N(0, s)|: s sqrt(2/pi), s sqrt(1 - 2/pi).
    let share = 2.0 / std::f64::consts::PI;
    assert_moments(
        Delay::abs_normal(ms(0), ms(2)),
        2.0 * share.sqrt(),
        2.0 * (1.0 - share).sqrt(),
    );
    // Median m and sigma s: the mean is m e^(s^2/2), the variance mean^2 (e^(s^2) - 1).
    let mean = 10.0 * 0.125_f64.exp();
    assert_moments(
        Delay::log_normal(ms(10), 0.5),
        mean,
        mean * 0.25_f64.exp_m1().sqrt(),
    );
}

#[test]
fn draws_lie_below_each_bound_as_often_as_the_distribution_says() {
    let mut rng = Streams::seeded(SEED).of("bounds", 0);
    let share = |delay: Delay, bound: Duration, rng: &mut Stream| {
        let bound_ns = bound.as_nanos() as u64;
        (0..N).filter(|_| delay.draw_ns(rng) < bound_ns).count() as f64 / N as f64
    };
    for k in 1..40 {
        let found = share(Delay::exponential(ms(10)), ms(k), &mut rng);
        let expected = 1.0 - (-(k as f64) / 10.0).exp();
        assert!(
            (found - expected).abs() < 0.005,
            "below {k} ms: {found}, not {expected}"
        );
    }
    // One, two and three standard deviations to either side.
    for (bound, expected) in [
        (4, 0.00135),
        (6, 0.02275),
        (8, 0.158_66),
        (10, 0.5),
        (12, 0.841_34),
        (16, 0.998_65),
    ] {
        let found = share(Delay::normal(ms(10), ms(2)), ms(bound), &mut rng);
        assert!(
            (found - expected).abs() < 0.005,
            "below {bound} ms: {found}, not {expected}"
        );
    }
}

/// Where the layers of the method are widest, and a wrong one would show.
#[test]
fn rare_draws_are_as_rare_as_they_should_be() {
    const MANY: u32 = 16_000_000;
    let mut rng = Streams::seeded(SEED).of("rare", 0);
    let mut assert_share = |share: f64, draw: fn(&mut Stream) -> bool, what: &str| {
        let found = (0..MANY).filter(|_| draw(&mut rng)).count() as f64;
        let expected = share * f64::from(MANY);
        let off = (found - expected).abs() / expected.sqrt();
        assert!(off < 4.0, "{what}: {found} of {MANY}, not {expected:.0}");
    };
    assert_share(
        0.001_374_275_875_83,
        |rng| rng.normal(0.0, 1.0).abs() > 3.2,
        "normal, 3.2",
    );
    assert_share(
        0.000_385_231_151_27,
        |rng| rng.normal(0.0, 1.0).abs() > 3.55,
        "normal, 3.55",
    );
    assert_share(
        0.000_041_315_013_83,
        |rng| rng.normal(0.0, 1.0).abs() > 4.1,
        "normal, 4.1",
    );
    assert_share(
        0.000_675_538_775_19,
        |rng| rng.exponential(1.0) > 7.3,
        "exponential, 7.3",
    );
    assert_share(
        0.000_123_409_804_09,
        |rng| rng.exponential(1.0) > 9.0,
        "exponential, 9",
    );
}

/// Poisson arrivals at a server; nobody retries.
struct Station<S> {
    server: S,
    arrivals: Arrivals,
    rng: Stream,
    arrived: u64,
    refused: u64,
    served: u64,
    spent_ns: u64,
}

enum Event {
    Arrive,
    Finish { since_ns: u64 },
}

impl<S: Server<u64>> Station<S> {
    fn start(&mut self, started: Started<u64>, world: &mut World<Event>) {
        let since_ns = started.request;
        world.at(started.ends_at_ns, Event::Finish { since_ns });
    }
}

impl<S: Server<u64>> Model for Station<S> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        match event {
            Event::Arrive => {
                let next_ns = self.arrivals.next_ns(now_ns, &mut self.rng);
                world.at(next_ns.expect("they go on"), Event::Arrive);
                self.arrived += 1;
                match self.server.arrive(now_ns, now_ns, &mut self.rng) {
                    Arrival::Started(started) => self.start(started, world),
                    Arrival::Waiting => {}
                    Arrival::Refused(_) => self.refused += 1,
                }
            }
            Event::Finish { since_ns } => {
                self.served += 1;
                self.spent_ns += now_ns - since_ns;
                if let Some(next) = self.server.finish(now_ns, &mut self.rng) {
                    self.start(next, world);
                }
            }
        }
    }
}

fn station(workers: u64, room: u64, rate: f64) -> Station<BoundedQueue<u64>> {
    let station = Station {
        server: BoundedQueue::new(workers, room, Delay::exponential(ms(10))),
        arrivals: Load::Poisson { rate }.arrivals(),
        rng: Streams::seeded(SEED).of("station", 0),
        arrived: 0,
        refused: 0,
        served: 0,
        spent_ns: 0,
    };
    let mut sim = Sim::new(station);
    sim.world.at(0, Event::Arrive);
    sim.run_until(4_000 * 1_000_000_000);
    sim.model
}

#[test]
fn one_worker_takes_as_long_as_an_m_m_1_queue() {
    // 100 a second can be served, 50 come: 1 / (100 - 50) s each.
    let station = station(1, u64::MAX, 50.0);
    let mean_ms = station.spent_ns as f64 / station.served as f64 / 1e6;
    assert!((19.5..20.5).contains(&mean_ms), "{mean_ms} ms");
}

#[test]
fn workers_without_a_queue_turn_away_as_many_as_erlang_says() {
    // Ten workers, offered eight: Erlang B is 12.166 %.
    let station = station(10, 0, 800.0 / 10.0 * 10.0);
    let share = station.refused as f64 / station.arrived as f64;
    assert!((share - 0.121_66).abs() < 0.002, "{share}");
}
