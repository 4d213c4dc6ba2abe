//! The simulator at its size: events a second, bytes a client, and how both change from a thousand clients to a million.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::env;
use std::fs;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use evenkeel_benches::clock::thread_time;
use evenkeel_core::backoff::{Backoff, BackoffPolicy};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Permit, PermitId, Trigger};
use evenkeel_sim::{Delay, Fault, Faults, Model, Queue, Sim, Stream, Streams, World};

/// Prints two tables (Markdown): a crowd of clients, each with a breaker, a backoff and a random stream; and the queue
/// alone, beside the binary heap of the standard library.
#[derive(Parser)]
struct Args {
    /// How many clients.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    clients: Vec<u32>,
    /// How many events are measured, after a tenth as many that are not.
    #[arg(long, default_value_t = 20_000_000)]
    events: u64,
    /// Measure one crowd and print its two figures: what each row is started with.
    #[arg(long, hide = true)]
    only: Option<u32>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(clients) = args.only {
        let (event_ns, bytes) = crowd(clients, args.events)?;
        println!("{event_ns} {bytes}");
        return Ok(());
    }
    let state = size_of::<Client>();
    println!(
        "A client's breaker, backoff and random stream: {state} bytes. With its share of the queue:"
    );
    println!();
    println!(
        "| clients | ns an event | million events a second | times the first row | bytes a client |"
    );
    println!("|---:|---:|---:|---:|---:|");
    let mut first = None;
    for &clients in &args.clients {
        let (event_ns, bytes) = apart(clients, args.events)?;
        let times = event_ns / *first.get_or_insert(event_ns);
        let rate = 1e3 / event_ns;
        println!("| {clients} | {event_ns:.1} | {rate:.2} | {times:.2} | {bytes:.0} |");
    }
    println!();
    println!("| events in the queue | ns a pop and a push | of a binary heap |");
    println!("|---:|---:|---:|");
    for &clients in &args.clients {
        let [ours, heap] = [ours(clients, args.events), heap(clients, args.events)];
        println!("| {clients} | {ours:.1} | {heap:.1} |");
    }
    Ok(())
}

/// What this process holds now, in bytes.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("this needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let field = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = field.context("no VmRSS")?.parse()?;
    Ok(kib * 1_024)
}

static BREAKER: LazyLock<BreakerPolicy> = LazyLock::new(|| {
    let open = BackoffPolicy::builder(SECOND).cap(60 * SECOND);
    let builder = BreakerPolicy::builder(open, 5 * SECOND);
    let policy = builder
        .trigger(Trigger::Consecutive { failures: 5 })
        .build();
    policy.expect("it is a policy")
});

static BACKOFF: LazyLock<BackoffPolicy> = LazyLock::new(|| {
    let policy = BackoffPolicy::builder(SECOND / 10).cap(60 * SECOND).build();
    policy.expect("it is a policy")
});

const SECOND: Duration = Duration::from_secs(1);

/// The policies of all clients, which then need no reference to them: 16 bytes less for each.
#[derive(Clone, Copy)]
struct Ours;

impl Borrow<BreakerPolicy> for Ours {
    fn borrow(&self) -> &BreakerPolicy {
        &BREAKER
    }
}

impl Borrow<BackoffPolicy> for Ours {
    fn borrow(&self) -> &BackoffPolicy {
        &BACKOFF
    }
}

struct Client {
    breaker: Breaker<Ours>,
    backoff: Backoff<Ours>,
    rng: Stream,
}

/// Clients that call a server again and again, a second or so apart; it fails some calls, and for a while all of them.
struct Crowd {
    clients: Vec<Client>,
    faults: Faults,
    message: Delay,
    think: Delay,
}

enum Event {
    Call { client: u32 },
    Answer { client: u32, permit: PermitId },
}

impl Model for Crowd {
    type Event = Event;

    fn on_soon(&self, event: &Event) {
        let (Event::Call { client } | Event::Answer { client, .. }) = event;
        let Client {
            breaker,
            backoff,
            rng,
        } = &self.clients[*client as usize];
        let opens = breaker.consecutive_opens() ^ breaker.consecutive_failures();
        black_box((
            breaker.mode(),
            breaker.generation(),
            opens,
            backoff.attempts(),
            rng.clone(),
        ));
    }

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        match event {
            Event::Call { client } => {
                let Client { breaker, rng, .. } = &mut self.clients[client as usize];
                match breaker.try_acquire(now_ns, rng) {
                    Ok(grant) => {
                        let permit = grant.permit.id();
                        let answer = Event::Answer { client, permit };
                        world.after(self.message.draw_ns(rng), answer);
                    }
                    Err(refused) => {
                        let at_ns = refused.retry_at_ns().expect("it is open for a time");
                        world.at(at_ns, Event::Call { client });
                    }
                }
            }
            Event::Answer { client, permit } => {
                let Client {
                    breaker,
                    backoff,
                    rng,
                } = &mut self.clients[client as usize];
                let failed = self.faults.is_out(now_ns) || self.faults.fails(now_ns, rng);
                let outcome = if failed {
                    Outcome::Failure
                } else {
                    Outcome::Success
                };
                // No trigger looks at the latency.
                let permit = Permit::from_id(permit);
                let _ = breaker.on_outcome(now_ns, permit, outcome, 0, rng);
                let next_ns = if failed {
                    backoff
                        .next_wait(now_ns, rng)
                        .expect("it has no end")
                        .delay_ns
                } else {
                    backoff.reset();
                    self.think.draw_ns(rng)
                };
                world.after(next_ns, Event::Call { client });
            }
        }
    }
}

/// [`crowd`] in a process of its own: memory that an earlier crowd left to this one would be counted for neither.
fn apart(clients: u32, events: u64) -> Result<(f64, f64)> {
    let output = Command::new(env::current_exe()?)
        .args(["--only", &clients.to_string()])
        .args(["--events", &events.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the crowd of {clients} failed");
    let text = String::from_utf8(output.stdout)?;
    let (event_ns, bytes) = text.trim().split_once(' ').context("two figures")?;
    Ok((event_ns.parse()?, bytes.parse()?))
}

/// The time of an event, and the memory of a client with its share of the queue.
fn crowd(clients: u32, events: u64) -> Result<(f64, f64)> {
    let before = resident()?;
    let streams = Streams::seeded(1);
    let client = |id| Client {
        breaker: Breaker::new(Ours),
        backoff: Backoff::new(Ours),
        rng: streams.of("client", id),
    };
    let forever = Duration::from_secs(1_000_000_000);
    let mut sim = Sim::new(Crowd {
        clients: (0..clients.into()).map(client).collect(),
        faults: Faults::none()
            .with(Duration::ZERO, forever, Fault::ErrorRate(0.05))
            .with(3 * SECOND, 6 * SECOND, Fault::Outage),
        message: Delay::exponential(SECOND / 100),
        think: Delay::exponential(SECOND),
    });
    for client in 0..clients {
        let rng = &mut sim.model.clients[client as usize].rng;
        sim.world
            .at(sim.model.think.draw_ns(rng), Event::Call { client });
    }
    run_for(&mut sim, events / 10);
    let start = thread_time();
    let done = run_for(&mut sim, events);
    let spent = thread_time() - start;
    let bytes = resident()?.saturating_sub(before);
    Ok((
        spent.as_secs_f64() * 1e9 / done as f64,
        bytes as f64 / f64::from(clients),
    ))
}

/// At least so many events; how many it were.
fn run_for(sim: &mut Sim<Crowd>, events: u64) -> u64 {
    let start = sim.world.events();
    while sim.world.events() - start < events {
        sim.run_until(sim.world.now_ns() + 1_000_000);
    }
    sim.world.events() - start
}

/// Pops the first event and puts it in again, an exponential draw later: the classic measure of event queues.
fn ours(size: u32, events: u64) -> f64 {
    let mut queue = Queue::new();
    hold(
        size,
        events,
        &mut queue,
        |queue, at_ns, number| queue.push(at_ns, (number, [0_u32; 3])),
        |queue| queue.pop().map(|(at_ns, (number, _))| (at_ns, number)),
    )
}

fn heap(size: u32, events: u64) -> f64 {
    let mut heap = (BinaryHeap::new(), 0_u64);
    hold(
        size,
        events,
        &mut heap,
        |(heap, pushed), at_ns, number| {
            *pushed += 1;
            heap.push(Reverse((at_ns, *pushed, number, [0_u32; 3])));
        },
        |(heap, _)| {
            heap.pop()
                .map(|Reverse((at_ns, _, number, _))| (at_ns, number))
        },
    )
}

fn hold<Q>(
    size: u32,
    events: u64,
    queue: &mut Q,
    push: impl Fn(&mut Q, u64, u32),
    pop: impl Fn(&mut Q) -> Option<(u64, u32)>,
) -> f64 {
    let delay = Delay::exponential(Duration::from_secs(1));
    let mut rng = Streams::seeded(1).of("queue", 0);
    // Drawn beforehand: the draw shall not be measured.
    let delays: Vec<_> = (0..1 << 16).map(|_| delay.draw_ns(&mut rng)).collect();
    for number in 0..size {
        push(queue, delay.draw_ns(&mut rng), number);
    }
    let mut step = |n: u64| {
        for at in 0..n {
            let (at_ns, number) = pop(queue).expect("it is never empty");
            push(
                queue,
                at_ns + delays[at as usize % delays.len()],
                black_box(number),
            );
        }
    };
    step(events / 10);
    let start = thread_time();
    step(events);
    (thread_time() - start).as_secs_f64() * 1e9 / events as f64
}
