//! The tables' policies: what is wrong is refused with its path, and policy files read back what they say.
#![cfg(feature = "alloc")]

use core::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::table::{BackoffTablePolicy, BreakerTablePolicy, RecoveryBudgetPolicy};
use evenkeel_core::time::MAX_SPAN;

const SECOND: Duration = Duration::from_secs(1);

fn backoff() -> BackoffBuilder {
    BackoffPolicy::builder(SECOND).cap(10 * SECOND)
}

fn breaker() -> BreakerPolicy {
    let builder = BreakerPolicy::builder(backoff(), SECOND);
    let builder = builder.trigger(Trigger::Consecutive { failures: 1 });
    builder.build().expect("a breaker")
}

fn text<T>(built: Result<T, ConfigError>) -> String {
    built.map(|_| ()).expect_err("wrong").to_string()
}

#[test]
fn what_is_wrong_is_named_with_its_path_and_its_bound() {
    let longer = MAX_SPAN + Duration::from_nanos(1);
    let too_many = (1 << 31) + 1;
    let table = |backoff: BackoffBuilder, keys, forget| {
        text(BackoffTablePolicy::builder(backoff, keys, forget).build())
    };
    let bad_backoff = backoff().cap(longer);
    assert!(table(bad_backoff, 1, SECOND).starts_with("backoff_table.backoff.cap is "));
    let limited = backoff().max_total_wait(100 * SECOND);
    assert!(table(limited, 1, SECOND).starts_with("backoff_table.backoff.max_total_wait cannot"));
    let zero = "backoff_table.forget_after is 0: it must be above 0";
    assert_eq!(table(backoff(), 1, Duration::ZERO), zero);
    let many = "backoff_table.max_keys is 2147483649: it must be at most 2147483648";
    assert_eq!(table(backoff(), too_many, SECOND), many);
    let spread = evenkeel_core::Ratio::percent(101);
    let wrong = BackoffTablePolicy::builder(backoff(), 1, SECOND).advisory_spread(spread);
    assert!(text(wrong.build()).starts_with("backoff_table.advisory_spread is 101/100"));
    let wrong = BackoffTablePolicy::builder(backoff(), 1, SECOND).advisory_cap(longer);
    assert!(text(wrong.build()).starts_with("backoff_table.advisory_cap is "));

    let budget = |backoff: BackoffBuilder, n, window, keys| {
        text(RecoveryBudgetPolicy::builder(backoff, n, window, keys).build())
    };
    let limited = backoff().max_retries(3);
    assert!(
        budget(limited, 1, SECOND, 1).starts_with("recovery_budget.backoff.max_retries cannot")
    );
    let most = "recovery_budget.budget is 65536: it must be at most 65535";
    assert_eq!(budget(backoff(), 65_536, SECOND, 1), most);
    let most = "recovery_budget.budget is 3: it must be at most 2";
    assert_eq!(budget(backoff(), 3, SECOND, 1 << 31), most);
    let zero = "recovery_budget.window is 0: it must be above 0";
    assert_eq!(budget(backoff(), 1, Duration::ZERO, 1), zero);
    let zero = "recovery_budget.max_keys is 0: it must be at least 1";
    assert_eq!(budget(backoff(), 1, SECOND, 0), zero);

    let keys = |n| text(BreakerTablePolicy::builder(breaker(), n, SECOND).build());
    assert_eq!(
        keys(0),
        "breaker_table.max_keys is 0: it must be at least 1"
    );
    assert!(keys(too_many).starts_with("breaker_table.max_keys is 2147483649"));
    let longest = BreakerTablePolicy::builder(breaker(), 1, longer).build();
    assert!(text(longest).starts_with("breaker_table.forget_after is "));
}

#[test]
fn what_is_not_set_has_the_documented_default() {
    let policy = BackoffTablePolicy::builder(backoff(), 1, SECOND)
        .build()
        .expect("a policy");
    assert_eq!(policy.advisory_rule(), AdvisoryRule::AtLeast);
    assert_eq!(policy.advisory_cap(), 10 * SECOND);
    assert!(!policy.due_index());
    let endless = BackoffTablePolicy::builder(BackoffPolicy::builder(SECOND), 1, SECOND);
    assert_eq!(endless.build().expect("a policy").advisory_cap(), MAX_SPAN);
    let budget = RecoveryBudgetPolicy::builder(backoff(), 1, 7 * SECOND, 1).build();
    assert_eq!(budget.expect("a policy").forget_after(), 7 * SECOND);
}

#[cfg(feature = "serde")]
mod files {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;

    const EXAMPLE: &str = r#"
[backoff_table]
max_keys = 10_000
forget_after = "10m"
due_index = true
advisory_rule = { within = "5s" }
advisory_cap = "2m"
advisory_spread = "20%"
backoff = { base = "10ms", cap = "60s", jitter = "equal" }

[recovery_budget]
budget = 3
window = "1m"
max_keys = 500
forget_after = "5m"
backoff = { base = "250ms" }

[breaker_table]
max_keys = 100
forget_after = "10m"
breaker.triggers = [{ kind = "consecutive", failures = 5 }]
breaker.open = { base = "1s", cap = "60s" }
breaker.half_open = { probe_timeout = "5s" }
"#;

    /// The policy, after it was written and read in TOML and in JSON.
    fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(table: &str) -> T {
        let file: toml::Table = toml::from_str(EXAMPLE).expect("TOML");
        let policy: T = file[table].clone().try_into().expect("a policy");
        let written = toml::to_string(&policy).expect("written");
        assert_eq!(
            toml::from_str::<T>(&written).expect("read back"),
            policy,
            "{written}"
        );
        let written = serde_json::to_string(&policy).expect("written");
        assert_eq!(
            serde_json::from_str::<T>(&written).expect("read back"),
            policy
        );
        policy
    }

    #[test]
    fn the_three_tables_of_a_policy_file_read_back() {
        let table: BackoffTablePolicy = round("backoff_table");
        assert_eq!(table.advisory_rule(), AdvisoryRule::Within(5 * SECOND));
        assert_eq!(
            (table.max_keys(), table.forget_after()),
            (10_000, 600 * SECOND)
        );
        assert!(table.due_index());
        let budget: RecoveryBudgetPolicy = round("recovery_budget");
        assert_eq!((budget.budget(), budget.window()), (3, 60 * SECOND));
        assert_eq!(budget.forget_after(), 300 * SECOND);
        let breakers: BreakerTablePolicy = round("breaker_table");
        assert_eq!(breakers.breaker().probe_timeout(), 5 * SECOND);
    }

    #[test]
    fn a_key_that_nobody_knows_and_one_that_is_missing_are_errors() {
        let read = |text: &str| toml::from_str::<RecoveryBudgetPolicy>(text).map(|_| ());
        let text = "budget = 1\nwindow = '1s'\nmax_keys = 5\nbackoff = { base = '1s' }";
        assert!(read(text).is_ok());
        assert!(read(&format!("limit = 2\n{text}")).is_err());
        assert!(read(&text.replace("max_keys = 5", "")).is_err());
        let wrong = read(&text.replace("max_keys = 5", "max_keys = 0")).expect_err("no keys");
        assert!(wrong.to_string().contains("recovery_budget.max_keys is 0"));
        let wrong = read(&text.replace("base = '1s'", "base = '1s', factor = '1/2'"));
        let message = wrong.expect_err("it shrinks").to_string();
        assert!(
            message.contains("recovery_budget.backoff.factor is 1/2"),
            "{message}"
        );
    }
}
