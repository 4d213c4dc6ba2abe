//! A reconnect policy explained: diagram, words, waits, and how often a server that is down is tried.

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::reconnect::ReconnectPolicy;

use super::advice::Advised;
use super::diagram::{self, Stage};
use super::layout::Page;
use super::schedule::{self, Bound};
use super::waits::{self, total};
use super::words;
use crate::numbers::{count, counted, exact};

pub(super) fn explain(policy: &ReconnectPolicy, page: &mut Page) {
    let backoff = policy.backoff();
    page.part("RECONNECT");
    page.line("");
    page.diagram(&diagram(policy, page.width));
    page.heading("In words");
    for sentence in words(policy) {
        page.bullet(&sentence);
    }
    page.heading("Waits before the tries");
    let rows = schedule::rows(backoff);
    if rows.is_empty() {
        page.paragraph("None: the limits leave room for no second try.");
    } else {
        waits::table(backoff, &rows, page);
    }
    page.heading("At worst");
    for sentence in at_worst(policy) {
        page.bullet(&sentence);
    }
}

fn diagram(policy: &ReconnectPolicy, width: usize) -> Vec<String> {
    let connecting = Stage {
        name: "connecting",
        leaves: true,
        beside: format!(
            "fails, is refused, or takes {}: waiting",
            exact(policy.connect_timeout())
        ),
        down: vec!["connected".to_owned()],
    };
    let silent = match policy.silence_limit() {
        Some(limit) => format!("lost, or no frame for {}", exact(limit)),
        None => "lost (silence alone is never noticed)".to_owned(),
    };
    let stable = if policy.stable_after().is_zero() {
        "after a frame the waits begin anew".to_owned()
    } else {
        let stable = exact(policy.stable_after());
        format!("after a frame and {stable} the waits begin anew")
    };
    let connected = Stage {
        name: "connected",
        leaves: false,
        beside: stable,
        down: vec![silent],
    };
    let mut waiting = diagram::waiting(policy.backoff(), "waiting", "try");
    let mut limits = Vec::new();
    match policy.backoff().max_retries() {
        Some(0) => limits.push("after the first try".to_owned()),
        Some(retries) => limits.push(format!("after {}", counted(retries.into(), "wait"))),
        None => {}
    }
    if let Some(total) = policy.backoff().max_total_wait() {
        limits.push(format!(
            "where the waits would be longer than {} together",
            exact(total)
        ));
    }
    if !limits.is_empty() {
        waiting.down = vec![format!("given up {}", limits.join(", or "))];
    }
    diagram::cycle(&[connecting, connected, waiting], width)
}

fn words(policy: &ReconnectPolicy) -> Vec<String> {
    let silence = match policy.silence_limit() {
        Some(limit) => format!(
            "A link that brings no frame for {} is given up as silent.",
            exact(limit)
        ),
        None => "A link that goes silent without closing is never noticed: set silence_limit where the other side \
                 speaks at known intervals."
            .to_owned(),
    };
    let stable = if policy.stable_after().is_zero() {
        "A link has proven itself with its first frame".to_owned()
    } else {
        format!(
            "A link has proven itself once it brought a frame and stood for {}",
            exact(policy.stable_after())
        )
    };
    let kick = if policy.kick_within().is_zero() {
        "at once".to_owned()
    } else {
        format!("within {}, at random", exact(policy.kick_within()))
    };
    vec![
        format!(
            "Tries at once, and gives a try up after {}.",
            exact(policy.connect_timeout())
        ),
        format!(
            "After a failed try or a lost link it waits {}.",
            words::schedule(policy.backoff(), "try")
        ),
        format!(
            "{stable}: the waits then begin anew. One lost earlier continues them, so a server that accepts and drops \
             is treated like one that refuses."
        ),
        silence,
        advised(policy).sentence(),
        format!("A kick (say, the network is back) tries {kick}, once in a wait."),
    ]
}

fn advised(policy: &ReconnectPolicy) -> Advised {
    Advised {
        rule: policy.advisory_rule(),
        cap: policy.advisory_cap(),
        spread: policy.advisory_spread(),
    }
}

fn at_worst(policy: &ReconnectPolicy) -> Vec<String> {
    let backoff = policy.backoff();
    if backoff.max_retries().is_some() || backoff.max_total_wait().is_some() {
        return vec![gives_up(backoff)];
    }
    let mut sentences = vec![format!(
        "While every try fails at once: {}",
        waits::pace(backoff, "tries")
    )];
    let longest = schedule::steady_from(backoff).map(|last| backoff.range(last).1.as_nanos());
    sentences.push(match longest {
        Some(wait_ns) => format!(
            "A server that is back is tried after {} at the latest, or after {} where the last try hangs.",
            total(wait_ns),
            total(wait_ns + policy.connect_timeout().as_nanos())
        ),
        None => "A server that is back may not be tried for hours: the waits have no cap.".to_owned(),
    });
    if advised(policy).shortens() {
        sentences.push(
            "A server that always asks to come back at once is tried in a hot loop: advisory_rule is exact."
                .to_owned(),
        );
    }
    sentences
}

/// Where the backoff has limits.
fn gives_up(backoff: &BackoffPolicy) -> String {
    let after = match schedule::waits_at_most(backoff) {
        Bound::AtMost(0) => "after the first try".to_owned(),
        Bound::AtMost(waits) => format!(
            "after {} tries at the latest",
            count(waits.saturating_add(1))
        ),
        Bound::Above(_) | Bound::None => "where the waits pass max_total_wait".to_owned(),
    };
    format!("While every try fails it gives up {after}, and tries no more by itself.")
}
