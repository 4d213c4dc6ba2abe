//! What is said of the drivers, the budgets, the throttle and the tables, against numbers computed by hand.

use super::explain;
use crate::policy::Policies;

/// What is explained of a policy, without the line breaks of its paragraphs.
fn said(policy: &str) -> String {
    let policies: Policies = toml::from_str(policy).unwrap();
    let text = explain(&policies, "p.toml", 80, false);
    let text = text.replace(['│', '┬', '─', '└', '┘'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(policy: &str, parts: &[&str]) {
    let said = said(policy);
    for part in parts {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[test]
fn a_retry_at_worst() {
    // 3 x 500 ms and 50 + 100 ms; advised 2 x 1.2 x 1 s instead, 3.9 s.
    let base = "[retry]\nattempt_timeout = \"500ms\"\nadvisory_spread = \"20%\"\n\
                backoff = { base = \"50ms\", cap = \"1s\" }\n";
    says(
        base,
        &[
            "at most 3 attempts: 3 times the load while every attempt fails. Bounded: max_attempts is 3.",
            "9 attempts through two, 27 through three",
            "takes at most 1.65 s: 3 attempts of at most 500 ms and waits of at most 150 ms together.",
            "Where a server asks for longer waits: at most 3.9 s.",
            "No budget bounds all operations together",
        ],
    );
    let with = |extra: &str| base.replace("[retry]\n", &format!("[retry]\n{extra}\n"));
    says(
        &with("deadline = \"2s\""),
        &["takes at most 1.65 s", "longer waits: at most 2 s."],
    );
    says(
        &with("deadline = \"1s\""),
        &["An operation takes at most 1 s: its deadline."],
    );
    // At 0, 1, .. 9 s: the wait that ends at the deadline is no more made.
    let steady = "backoff = { base = \"1s\", growth = \"constant\", jitter = \"none\" }";
    let unlimited = "[retry]\nunlimited_attempts = true\ndeadline = \"10s\"\n";
    says(
        &format!("{unlimited}{steady}"),
        &[
            "at most 10 attempts",
            "Bounded: no more waits fit into its time",
        ],
    );
    says(
        &format!("{unlimited}advisory_rule = \"exact\"\n{steady}"),
        &[
            "any number of attempts: max_attempts is not set, and a server's advice can make waits of 0 s.",
        ],
    );
    says(
        &format!("{unlimited}backoff = {{ base = \"1s\" }}"),
        &["max_attempts is not set, and the jitter can draw waits of 0 s."],
    );
    says(
        "[retry]\nbackoff = { base = \"1s\", max_retries = 6 }",
        &[
            "at most 7 attempts",
            "Bounded: backoff.max_retries is 6.",
            "Nothing bounds how long an operation takes: set attempt_timeout or deadline.",
        ],
    );
}

#[test]
fn a_retry_ratio_at_worst() {
    let ratio = "[retry_ratio]\nratio = \"20%\"\n";
    says(
        ratio,
        &[
            "allowed while retries + 1 ≤ 20 % of requests + 100 (of the last 10 s)",
            "load is at most 1.2 x the requests, and 10 retries a second on top.",
            "After a quiet time 100 retries are allowed at once, the floor of 10 s; after 1,000 requests in 10 s \
             without a retry 300 are.",
            // 0.2 + 10, and 200 + 10 of 1,000.
            "1 10.2 11.2 x",
            "1,000 210 1.21 x",
        ],
    );
    // One retry an operation at most: 1 of 1, 10 of 10, 30 of 100.
    let both = format!("{ratio}[retry]\nmax_attempts = 2\nbackoff = {{ base = \"1s\" }}\n");
    says(
        &both,
        &[
            "1 1 2 x",
            "10 10 2 x",
            "100 30 1.3 x",
            "paying from [retry_ratio]: in an outage load is at most 1.2 x the requests",
            "No operation is retried more than 1 time, by [retry].",
        ],
    );
    says(
        "[retry_ratio]\nratio = 0\nfloor_per_second = 1\n",
        &["at most that of the requests, and 1 retry a second on top."],
    );
}

#[test]
fn retry_tokens_at_worst() {
    let bucket = "[retry_tokens]\ncapacity_milli = 50_000\n";
    let with = |extra: &str| format!("{bucket}{extra}");
    says(
        bucket,
        &[
            "at most 50 retries from a full bucket, then there are no more until calls succeed.",
            "An empty bucket allows the next retry after 10 successes.",
        ],
    );
    says(
        &with("deposit_milli = 200\n"),
        &[
            "then load is at most 1.2 x the requests.",
            "after 10 successes, or 5 requests.",
        ],
    );
    says(
        &with("refill_milli = 500\ndeposit_milli = 200\n"),
        &[
            "load is at most 1.2 x the requests, and at most 0.5 retries in each 1 s on top.",
            "or 2 s.",
        ],
    );
    // The cheapest counts: 50 / 0.5.
    says(
        &with("throttled_cost_milli = 500\n"),
        &["at most 100 retries from a full bucket"],
    );
    says(
        &with("throttled_cost_milli = 0\n"),
        &["unbounded, since a retry of one cause costs nothing."],
    );
    // 24 of 50 leave 26, the 25th would leave half. From empty, 1 + 25.001.
    says(
        &with("allowed_when = \"above-half\"\n"),
        &[
            "tokens - cost > 25 (half of 50)",
            "at most 24 retries",
            "after 261 successes.",
        ],
    );
    says(
        "[retry_tokens]\ncapacity_milli = 0\n",
        &["no retry is ever made."],
    );
}

#[test]
fn an_adaptive_throttle_at_worst() {
    says(
        "[adaptive_throttle]\n",
        &[
            "(requests - 2 x accepted) / (requests + 1)",
            // 500 of 1,001.
            "500 0 % 250 50 % █",
            "of many requests about one in each 2 min still goes out",
        ],
    );
    says(
        "[adaptive_throttle]\nk = \"1.1\"\nmax_rejection = \"95%\"\n",
        &[
            "1.1 x accepted",
            "at least 5 % of the requests still go out",
            "0 95 %",
        ],
    );
}

#[test]
fn a_reconnect_at_worst() {
    let link = |backoff: &str| {
        format!("[reconnect]\nconnect_timeout = \"5s\"\nbackoff = {{ {backoff} }}\n")
    };
    says(
        &link("base = \"500ms\", cap = \"30s\", jitter = \"equal\""),
        &[
            // 3,600 / 15, and 3,600 / 22.5.
            "at most 240 tries an hour (one every 15 s), 160 on average, from wait no. 7 on.",
            "tried after 30 s at the latest, or after 35 s where the last try hangs.",
            "stood for 30 s",
        ],
    );
    says(
        &link("base = \"500ms\", cap = \"30s\""),
        &[
            "240 tries an hour on average, from wait no. 7 on (jitter can draw waits of 0 s, so there is no bound).",
        ],
    );
    says(
        &link("base = \"500ms\", max_retries = 3"),
        &["gives up after 4 tries at the latest"],
    );
    says(
        &link("base = \"500ms\""),
        &["ever fewer tries", "may not be tried for hours"],
    );
}

#[test]
fn a_restart_at_worst() {
    let task = |window: &str| {
        format!(
            "[restart]\nbackoff = {{ base = \"100ms\", cap = \"30s\", jitter = \"equal\" }}\n\
             intensity = {{ max_restarts = 5, window = \"{window}\" }}\n"
        )
    };
    // 100 + 200 + 400 + 800 + 1,600, or half of it.
    says(
        &task("10m"),
        &[
            "escalates after 5 restarts, after 1.55 s at the earliest, 3.1 s at the latest.",
            "always more than 2 min apart",
            "escalated with failure no. 6 within 10 min",
        ],
    );
    says(
        &task("2s"),
        &[
            "can escalate after 5 restarts, after 1.55 s at the earliest.",
            "last 3.1 s together, more than the window of 2 s",
        ],
    );
    says(
        "[restart]\nbackoff = { base = \"1s\", jitter = \"none\", growth = \"constant\" }\n",
        &[
            "started again for ever: at most 3,600 restarts an hour (one every 1 s).",
            "It never escalates",
        ],
    );
    says(
        "[restart]\nbackoff = { base = \"1s\" }\nintensity = { max_restarts = 0, window = \"1s\" }\n",
        &["The first failure escalates"],
    );
    says(
        "[restart]\nrestart_on = \"never\"\nbackoff = { base = \"1s\" }\n",
        &["It runs once and is never started again"],
    );
}

#[test]
fn a_health_probe_at_worst() {
    let probe = "[health_probe]\ninterval = \"10s\"\ntimeout = \"1s\"\n";
    says(
        probe,
        &[
            "a probe every 9 s to 11 s",
            "after 36 s at the latest: 3 x (a wait of 11 s and a timeout of 1 s).",
            // The probe that still fails, and two waits.
            "Its end is noticed after 23 s at the latest",
        ],
    );
    says(
        &format!("{probe}down = {{ base = \"1s\", cap = \"30s\", jitter = \"equal\" }}\n"),
        &["Its end is noticed after 32 s at the latest"],
    );
}

#[test]
fn tables_at_worst() {
    let keys = "max_keys = 10_000\nforget_after = \"10m\"\n";
    let backoff = "backoff = { base = \"10ms\", cap = \"60s\" }\n";
    says(
        &format!("[backoff_table]\n{keys}{backoff}"),
        &["about 320 kB for 10,000 keys of 8 bytes (32 bytes each)"],
    );
    says(
        &format!(
            "[backoff_table]\n{keys}due_index = true\nbackoff = {{ base = \"10ms\", jitter = \"decorrelated\" }}"
        ),
        &["(53 bytes each)"],
    );
    says(
        &format!("[recovery_budget]\nbudget = 3\nwindow = \"1m\"\n{keys}{backoff}"),
        &[
            "at most 3 recoveries in any 1 min, all keys together 30,000.",
            "(78 bytes each)",
        ],
    );
    // A window of 1,000 results of two conditions takes 32 words, one of failures alone 16.
    let breaker = |trigger: &str| {
        said(&format!(
            "[breaker_table]\n{keys}[breaker_table.breaker]\nwindow = {{ count = 1000 }}\n\
             triggers = [{{ kind = \"failures\", failures = 5 }}{trigger}]\n\
             open = {{ base = \"1s\" }}\nhalf_open = {{ probe_timeout = \"5s\" }}\n"
        ))
    };
    let bytes = |said: &str| -> u64 {
        let (before, _) = said.split_once(" bytes each").unwrap();
        let (_, digits) = before.rsplit_once('(').unwrap();
        digits.replace(',', "").parse().unwrap()
    };
    let one = bytes(&breaker(""));
    let two = bytes(&breaker(
        ", { kind = \"slow-rate\", slower_than = \"1s\", at_least = \"50%\", min_calls = 5 }",
    ));
    assert_eq!(two - one, 16 * 8);
}

#[test]
fn lines_fit() {
    let file = include_str!("../../../../docs/policies/service-client.toml");
    let more = "[adaptive_throttle]\n[retry_tokens]\ncapacity_milli = 50_000\n\
                [restart]\nbackoff = { base = \"1s\" }\nintensity = { max_restarts = 4000, window = \"100d\" }\n\
                [health_probe]\ninterval = \"10s\"\ntimeout = \"1s\"\ndown = { base = \"1s\" }\n\
                [backoff_table]\nmax_keys = 10_000\nforget_after = \"10m\"\nbackoff = { base = \"10ms\" }\n";
    let policies: Policies = toml::from_str(&format!("{file}{more}")).unwrap();
    for width in [40, 72, 80, 110, 300] {
        for line in explain(&policies, "p.toml", width, false).lines() {
            let most = width.clamp(72, 110);
            assert!(line.chars().count() <= most, "{width}: {line}");
        }
    }
}
