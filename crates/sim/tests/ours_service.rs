//! service: the world that users describe themselves, against what queueing theory and arithmetic say.

mod ours;

use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_sim::scenarios::{
    LoadKind, Machines, ServerKind, Service, ServiceLoad, ServiceServer,
};
use evenkeel_sim::{Fault, Faults, Report, Scenario, ScenarioFile, Streams, TraceFile, Watch};
use ours::{is_below, is_within, metric, report, report_of};

fn of(mut service: Service) -> Report {
    report_of(&mut service, ours::RUNS)
}

fn load(rate: f64) -> ServiceLoad {
    ServiceLoad {
        rate,
        ..ServiceLoad::default()
    }
}

fn seconds(from: u64, until: u64) -> [Duration; 2] {
    [from, until].map(Duration::from_secs)
}

#[test]
fn one_worker_is_an_m_m_1_queue() {
    // Utilisation 0.5 and a mean work of 10 ms: the time in the system is exponential with mean 20 ms, its median
    // 13.9 ms and its 99th percentile 92 ms.
    let small = "server.workers=1 server.work=10ms server.room=100000 clients.network=1us load.rate=50 retry=false";
    let queue = report("service", &format!("{small} seconds=200"));
    assert!(
        is_within(metric(&queue, "p50_ms"), 13.0, 14.8),
        "{:?}",
        metric(&queue, "p50_ms")
    );
    assert!(
        is_within(metric(&queue, "p99_ms"), 82.0, 103.0),
        "{:?}",
        metric(&queue, "p99_ms")
    );
    assert_eq!(metric(&queue, "amplification").max, 1.0);
}

#[test]
fn three_attempts_against_independent_errors_have_their_closed_form() {
    let [from, until] = seconds(0, 1_000);
    let service = Service {
        faults: Faults::none().with(from, until, Fault::ErrorRate(0.5)),
        load: load(50.0),
        seconds: 40,
        ..Service::default()
    };
    let report = of(service);
    // 1 - p^3 and 1 + p + p^2; calls that are under way at the end are a hundredth of all.
    assert!(is_within(metric(&report, "success"), 0.85, 0.885));
    assert!(is_within(metric(&report, "amplification"), 1.71, 1.78));
}

#[test]
fn an_outage_is_refused_at_once_and_a_partition_is_silence() {
    let [from, until] = seconds(0, 1_000);
    let run = |fault| {
        let service = Service {
            faults: Faults::none().with(from, until, fault),
            seconds: 10,
            load: load(50.0),
            ..Service::default()
        };
        service.run(Streams::of_run(7, 0), &mut Watch::off())
    };
    let success = 0;
    assert_eq!(run(Fault::Outage).values[success], 0.0);
    let cut = run(Fault::Partition(0.25)).values[success];
    assert!((0.68..0.82).contains(&cut), "{cut}");
    assert_eq!(run(Fault::Partition(1.0)).values[success], 0.0);

    // Nothing of it reaches the server.
    let service = Service {
        faults: Faults::none().with(from, until, Fault::Partition(1.0)),
        seconds: 10,
        ..Service::default()
    };
    let mut watch = Watch::every(Duration::from_millis(1));
    let _ = service.run(Streams::of_run(7, 0), &mut watch);
    let in_flight = watch
        .series()
        .iter()
        .find(|series| series.column.name == "in flight");
    assert!(
        in_flight
            .expect("it is a column")
            .values
            .iter()
            .all(|&value| value == 0.0)
    );
}

#[test]
fn what_a_restarted_server_had_begun_never_ends() {
    // 20 calls a second of 2 s each: 40 are in progress when it goes. They are lost, and so are the 20 of the outage's
    // second and the 40 of the run's end.
    let [from, until] = seconds(5, 6);
    let backoff = BackoffPolicy::builder(Duration::ZERO);
    let retry = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_secs(30));
    let service = Service {
        server: ServiceServer {
            workers: 1_000,
            work: Duration::from_secs(2),
            ..ServiceServer::default()
        },
        faults: Faults::none().with(from, until, Fault::Outage),
        seconds: 30,
        load: load(20.0),
        machines: Machines {
            retry: false,
            retry_policy: Some(retry.build().expect("it is a policy")),
            ..Machines::default()
        },
        ..Service::default()
    };
    let success = metric(&of(service), "success");
    assert!(is_within(success, 0.81, 0.855), "{success:?}");
}

#[test]
fn a_closed_loop_slows_down_with_its_server_and_an_open_one_does_not() {
    let [from, until] = seconds(10, 20);
    let faults = Faults::none().with(from, until, Fault::SlowDown(10.0));
    let run = |kind| {
        let service = Service {
            faults: faults.clone(),
            load: ServiceLoad {
                kind,
                think: Duration::from_millis(480),
                ..load(200.0)
            },
            machines: Machines {
                retry: false,
                ..Machines::default()
            },
            server: ServiceServer {
                room: 10_000,
                ..ServiceServer::default()
            },
            seconds: 40,
            ..Service::default()
        };
        of(service)
    };
    // The same load of 200 a second until the fault: a hundred clients that think 480 ms and wait 20 ms.
    let (open, closed) = (run(LoadKind::Poisson), run(LoadKind::Closed));
    assert!(is_below(
        metric(&open, "success"),
        1.0,
        metric(&closed, "success")
    ));
}

#[test]
fn a_spike_breaks_it_and_a_breaker_mends_it() {
    let spike = "load.kind=spike clients.count=25 load.rate=80 load.peak=200 server.workers=2 server.room=100";
    let plain = report("service", spike);
    let guarded = report("service", &format!("{spike} breaker=true"));
    assert!(metric(&plain, "last_success").max < 0.5);
    assert!(metric(&guarded, "last_success").min > 0.9);
    assert!(metric(&guarded, "refused").min > 0.0);
}

#[test]
fn a_concurrent_server_is_slower_the_more_it_has() {
    let work = |rate| {
        let service = Service {
            server: ServiceServer {
                kind: ServerKind::Concurrent,
                ..ServiceServer::default()
            },
            network: Duration::ZERO,
            load: load(rate),
            seconds: 20,
            ..Service::default()
        };
        metric(&of(service), "p50_ms")
    };
    // By Little's law L = rate * (base + each * L): 20 ms / (1 - 0.002 * rate), and the arrival itself.
    assert!(is_within(work(50.0), 22.0, 27.0), "{:?}", work(50.0));
    assert!(is_within(work(250.0), 38.0, 46.0), "{:?}", work(250.0));
}

#[test]
fn a_trace_gives_its_instants_and_no_more() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/traces");
    let trace = TraceFile::read(folder.as_ref(), "outage.csv").expect("it is there");
    let rows = match trace.load() {
        evenkeel_sim::Load::Trace(instants) => instants.len(),
        _ => unreachable!("it is a trace"),
    };
    let service = Service {
        load: ServiceLoad {
            kind: LoadKind::Trace,
            trace,
            ..ServiceLoad::default()
        },
        ..Service::default()
    };
    let mut watch = Watch::every(Duration::from_secs(1));
    let _ = service.run(Streams::of_run(7, 0), &mut watch);
    let arrivals: f64 = watch.series()[0].values.iter().sum();
    assert_eq!(arrivals, rows as f64);
}

#[test]
fn a_breaker_that_waits_for_health_needs_a_probe_and_closes_by_it() {
    let file = |probe: &str| {
        let text = format!(
            "scenario = \"service\"\n[params]\nseconds = 60\n[clients]\ncount = 10\n[load]\nrate = 50\n\
             [[fault]]\nkind = \"outage\"\nfrom = \"10s\"\nuntil = \"20s\"\n\
             [breaker]\ntriggers = [{{ kind = \"consecutive\", failures = 5 }}]\n\
             open = {{ base = \"1s\", cap = \"10s\", until_healthy = true }}\n\
             half_open = {{ probe_timeout = \"2s\" }}\n{probe}"
        );
        let file = ScenarioFile::parse(&text, "".as_ref());
        let mut scenario = file.unwrap_or_else(|error| panic!("{error}")).scenario;
        metric(&report_of(&mut *scenario, ours::RUNS), "last_success")
    };
    assert_eq!(file("").max, 0.0);
    let probe =
        "[health_probe]\ninterval = \"2s\"\ntimeout = \"500ms\"\ndown = { base = \"1s\" }\n";
    assert!(file(probe).min > 0.97);
}
