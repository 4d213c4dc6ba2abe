//! Calls and answers of the backoff and the drivers as values: what they look like, and that nothing of them is lost.

#[cfg(feature = "std")]
#[path = "ops_common/by_methods.rs"]
mod by_methods;
#[path = "ops_common/json.rs"]
mod json;
#[path = "ops_common/made_up.rs"]
mod made_up;

use evenkeel_core::backoff::Backoff;
use evenkeel_core::health::HealthProbe;
use evenkeel_core::reconnect::Reconnect;
use evenkeel_core::restart::Restart;
use evenkeel_replay::{Change, Machine, Verdict, backoff, health_probe, reconnect, restart};

use json::reads;
use made_up::made_up;

#[test]
fn backoff_calls_survive() {
    let [ops, answers] = made_up::<Backoff>();
    assert_eq!(ops, "attempts next_wait reset");
    assert_eq!(answers, "attempts exhausted reset wait");
}

#[test]
fn restart_calls_survive() {
    let [ops, answers] = made_up::<Restart>();
    let names = "attempts in_flight on_exit phase poll rearm recent_failures stop";
    assert_eq!(ops, names);
    let names = "action attempts in-flight phase rearmed recent-failures reported stopped";
    assert_eq!(answers, names);
}

#[test]
fn health_probe_calls_survive() {
    let [ops, answers] = made_up::<HealthProbe>();
    assert_eq!(ops, "health in_flight on_report on_traffic poll");
    assert_eq!(answers, "action health in-flight receipt traffic");
}

#[test]
fn reconnect_calls_survive() {
    let [ops, answers] = made_up::<Reconnect>();
    let names = "attempts kick on_event on_frame poll start status stop";
    assert_eq!(ops, names);
    let names = "action attempts kicked reported started status stopped";
    assert_eq!(answers, names);
}

#[test]
fn they_are_named_as_in_policy_files() {
    let names = [
        Backoff::NAME,
        Restart::NAME,
        HealthProbe::NAME,
        Reconnect::NAME,
    ];
    assert_eq!(names, ["backoff", "restart", "health_probe", "reconnect"]);
}

/// The form of journals that are already written: it can only change with their version.
#[test]
fn the_text_of_calls_and_answers() {
    let _: backoff::Op = reads(r#""next_wait""#);
    let _: backoff::Answer = reads(r#"{"wait":{"at_ns":15,"delay_ns":5,"attempt":1}}"#);
    let _: backoff::Answer = reads(r#"{"exhausted":"total-wait"}"#);
    let _: restart::Op = reads(r#"{"on_exit":{"run":1,"exit":"failure"}}"#);
    let _: restart::Answer = reads(r#"{"action":{"start":{"run":1}}}"#);
    let _: restart::Answer = reads(r#"{"reported":"stale"}"#);
    let _: health_probe::Op = reads(r#"{"on_report":{"probe":1,"found":"passed"}}"#);
    let _: health_probe::Answer = reads(r#"{"health":null}"#);
    let _: reconnect::Op = reads(r#"{"on_event":{"link":1,"event":{"refused":"stop"}}}"#);
    let _: reconnect::Answer = reads(r#"{"action":{"connect":{"link":1,"timeout_at_ns":null}}}"#);
}

/// A journal is read from whoever has it: what is not understood is not passed over.
#[test]
fn other_text_is_refused() {
    for text in [r#""next""#, r#"{"next_wait":1}"#, "7", "null"] {
        assert!(serde_json::from_str::<backoff::Op>(text).is_err(), "{text}");
    }
    for text in [
        r#"{"on_exit":{"run":1}}"#,
        r#"{"on_exit":{"run":-1,"exit":"clean"}}"#,
        r#"{"on_exit":{"run":1,"exit":"clean","why":"x"}}"#,
        r#"{"poll":null,"stop":null}"#,
    ] {
        assert!(serde_json::from_str::<restart::Op>(text).is_err(), "{text}");
    }
}

fn verdict<M: Machine>(op: &str, answer: &str) -> Option<Verdict> {
    M::verdict(&reads(op), &reads(answer))
}

#[test]
fn what_answers_amount_to() {
    let ended = |reason| Some(Verdict::Ended { reason });
    let waits = |until_ns| Some(Verdict::Waits { until_ns });

    let asked = |answer| verdict::<Backoff>(r#""next_wait""#, answer);
    assert_eq!(
        asked(r#"{"wait":{"at_ns":15,"delay_ns":5,"attempt":1}}"#),
        waits(15)
    );
    assert_eq!(asked(r#"{"exhausted":"retries"}"#), ended("retries"));
    assert_eq!(asked(r#""reset""#), None);

    let asked = |answer| verdict::<Restart>(r#""poll""#, answer);
    assert_eq!(
        asked(r#"{"action":{"start":{"run":1}}}"#),
        Some(Verdict::Admitted)
    );
    assert_eq!(asked(r#"{"action":{"running":{"run":1}}}"#), None);
    assert_eq!(asked(r#"{"action":{"wait-until":{"at_ns":7}}}"#), waits(7));
    let escalated = r#"{"action":{"escalated":{"failures":3,"max_restarts":2}}}"#;
    assert_eq!(asked(escalated), ended("escalated"));
    assert_eq!(asked(r#"{"action":"stopped"}"#), ended("stopped"));
    assert_eq!(asked(r#"{"phase":"stopped"}"#), None);

    let asked = |answer| verdict::<HealthProbe>(r#""poll""#, answer);
    let send = r#"{"action":{"send":{"probe":1,"timeout_at_ns":9}}}"#;
    assert_eq!(asked(send), Some(Verdict::Admitted));
    assert_eq!(
        asked(r#"{"action":{"probing":{"probe":1,"timeout_at_ns":9}}}"#),
        None
    );
    assert_eq!(asked(r#"{"action":{"wait-until":{"at_ns":7}}}"#), waits(7));
    assert_eq!(asked(r#"{"action":"idle"}"#), ended("idle"));

    let asked = |answer| verdict::<Reconnect>(r#""poll""#, answer);
    let connect = r#"{"action":{"connect":{"link":1,"timeout_at_ns":9}}}"#;
    assert_eq!(asked(connect), Some(Verdict::Admitted));
    assert_eq!(asked(r#"{"action":{"wait-until":{"at_ns":7}}}"#), waits(7));
    let gave_up = r#"{"action":{"gave-up":{"by":{"exhausted":"end-of-time"}}}}"#;
    assert_eq!(asked(gave_up), ended("end-of-time"));
    assert_eq!(
        asked(r#"{"action":{"gave-up":{"by":"advised"}}}"#),
        ended("advised")
    );
    assert_eq!(asked(r#"{"action":"stopped"}"#), ended("stopped"));
    assert_eq!(asked(r#"{"stopped":null}"#), None);
}

/// The changes that an answer tells of, as text.
fn changes<M: Machine>(op: &str, answer: &str) -> Vec<String> {
    let mut all = Vec::new();
    M::changes(70, &reads(op), &reads(answer), &mut |change| {
        let Change {
            at_ns,
            from,
            to,
            cause,
        } = change;
        all.push(format!("{at_ns}: {from} -> {to}, {cause}"));
    });
    all
}

#[test]
fn what_changed() {
    let traffic = r#"{"on_traffic":{"found":"passed"}}"#;
    let down = r#"{"at_ns":100,"from":null,"to":"down"}"#;
    let up = r#"{"at_ns":140,"from":"down","to":"up"}"#;
    let both = format!(r#"{{"traffic":{{"timed_out":{down},"change":{up},"health":"up"}}}}"#);
    assert_eq!(
        changes::<HealthProbe>(traffic, &both),
        ["100: none -> down, timed-out", "140: down -> up, passed"]
    );
    let report = r#"{"on_report":{"probe":1,"found":"passed"}}"#;
    let told = |reported, change| {
        format!(r#"{{"receipt":{{"reported":"{reported}","change":{change},"health":null}}}}"#)
    };
    let counted = changes::<HealthProbe>(report, &told("counted", up));
    assert_eq!(counted, ["140: down -> up, passed"]);
    let stale = changes::<HealthProbe>(report, &told("stale", down));
    assert_eq!(stale, ["100: none -> down, timed-out"]);
    assert!(changes::<HealthProbe>(report, &told("counted", "null")).is_empty());

    let abandon = |reason| {
        format!(r#"{{"action":{{"abandon":{{"link":1,"reason":"{reason}","at_ns":50}}}}}}"#)
    };
    assert_eq!(
        changes::<Reconnect>(r#""poll""#, &abandon("connect-timeout")),
        ["50: connecting -> lost, connect-timeout"]
    );
    assert_eq!(
        changes::<Reconnect>(r#""poll""#, &abandon("silent")),
        ["50: connected -> lost, silent"]
    );
    let event = |event| format!(r#"{{"on_event":{{"link":1,"event":{event}}}}}"#);
    let told = |text, reported| {
        let reported = format!(r#"{{"reported":"{reported}"}}"#);
        changes::<Reconnect>(&event(text), &reported)
    };
    let connected = told(r#""connected""#, "counted");
    assert_eq!(connected, ["70: connecting -> connected, connected"]);
    let refused = told(r#"{"refused":"stop"}"#, "counted");
    assert_eq!(refused, ["70: connecting -> lost, refused"]);
    assert_eq!(
        told(r#""lost""#, "counted"),
        ["70: connected -> lost, lost"]
    );
    assert!(told(r#""lost""#, "stale").is_empty());

    let exit = r#"{"on_exit":{"run":1,"exit":"failure"}}"#;
    let exited = changes::<Restart>(exit, r#"{"reported":"counted"}"#);
    assert_eq!(exited, ["70: running -> exited, failure"]);
    assert!(changes::<Restart>(exit, r#"{"reported":"stale"}"#).is_empty());
    let started = changes::<Restart>(r#""poll""#, r#"{"action":{"start":{"run":2}}}"#);
    assert_eq!(started, ["70: down -> running, started"]);
}

/// Each recorder's own methods.
#[cfg(feature = "std")]
mod recorded {
    use evenkeel_replay::Recorder;
    use evenkeel_replay::generate::Words;

    use super::*;
    use crate::by_methods::by_methods;

    fn of_backoff(
        recorder: &mut Recorder<Backoff>,
        now_ns: u64,
        op: &backoff::Op,
        words: &mut Words,
    ) -> Option<backoff::Answer> {
        use backoff::{Answer, Op};
        Some(match op {
            Op::NextWait => match recorder.next_wait(now_ns, words) {
                Ok(wait) => Answer::Wait(wait),
                Err(exhausted) => Answer::Exhausted(exhausted),
            },
            Op::Reset => {
                recorder.reset(now_ns);
                Answer::Reset
            }
            Op::Attempts => return None,
        })
    }

    fn of_restart(
        recorder: &mut Recorder<Restart>,
        now_ns: u64,
        op: &restart::Op,
        words: &mut Words,
    ) -> Option<restart::Answer> {
        use restart::{Answer, Op};
        Some(match *op {
            Op::Poll => Answer::Action(recorder.poll(now_ns)),
            Op::OnExit { run, exit } => {
                Answer::Reported(recorder.on_exit(now_ns, run, exit, words))
            }
            Op::Stop => Answer::Stopped(recorder.stop(now_ns)),
            Op::Rearm => {
                recorder.rearm(now_ns);
                Answer::Rearmed
            }
            Op::Phase | Op::Attempts | Op::RecentFailures | Op::InFlight => return None,
        })
    }

    fn of_health_probe(
        recorder: &mut Recorder<HealthProbe>,
        now_ns: u64,
        op: &health_probe::Op,
        words: &mut Words,
    ) -> Option<health_probe::Answer> {
        use health_probe::{Answer, Op};
        Some(match *op {
            Op::Poll => Answer::Action(recorder.poll(now_ns, words)),
            Op::OnReport { probe, found } => {
                Answer::Receipt(recorder.on_report(now_ns, probe, found))
            }
            Op::OnTraffic { found } => Answer::Traffic(recorder.on_traffic(now_ns, found)),
            Op::Health | Op::InFlight => return None,
        })
    }

    fn of_reconnect(
        recorder: &mut Recorder<Reconnect>,
        now_ns: u64,
        op: &reconnect::Op,
        words: &mut Words,
    ) -> Option<reconnect::Answer> {
        use reconnect::{Answer, Op};
        Some(match *op {
            Op::Poll => Answer::Action(recorder.poll(now_ns, words)),
            Op::OnEvent { link, event } => {
                Answer::Reported(recorder.on_event(now_ns, link, event, words))
            }
            Op::OnFrame { link } => Answer::Reported(recorder.on_frame(now_ns, link)),
            Op::Kick => Answer::Kicked(recorder.kick(now_ns, words)),
            Op::Stop => Answer::Stopped(recorder.stop(now_ns)),
            Op::Start => Answer::Started(recorder.start(now_ns)),
            Op::Status | Op::Attempts => return None,
        })
    }

    #[test]
    fn its_methods_answer_as_the_machine() {
        assert_eq!(by_methods(of_backoff), "next_wait reset");
        assert_eq!(by_methods(of_restart), "on_exit poll rearm stop");
        assert_eq!(by_methods(of_health_probe), "on_report on_traffic poll");
        let names = "kick on_event on_frame poll start stop";
        assert_eq!(by_methods(of_reconnect), names);
    }
}
