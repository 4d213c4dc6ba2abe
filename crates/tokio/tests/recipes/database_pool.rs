//! docs/recipes/database-pool.md: while the database is away nobody waits for the pool, and nobody storms it after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Phase, Trigger};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_tokio::health::ProbeHandle;
use evenkeel_tokio::{CallError, HealthProbe, SharedBreaker};

#[derive(Debug, PartialEq)]
enum DbError {
    /// No connection, or it broke.
    Away,
    /// The database's answer: no such row, a constraint.
    Refused,
}

/// A pool as there are many: `get` waits for a connection, and gives up after a second.
#[derive(Clone, Default)]
struct Pool {
    is_away: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
}

struct Connection;

impl Pool {
    async fn get(&self) -> Result<Connection, DbError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Err(DbError::Away);
        }
        Ok(Connection)
    }
}

impl Connection {
    async fn query(&self, text: &str) -> Result<i64, DbError> {
        match text {
            "select 1" => Ok(1),
            "select balance" => Ok(42),
            _ => Err(DbError::Refused),
        }
    }
}

type Failed = CallError<DbError>;

/// Once: a breaker for the database, and a task that asks the database whether it is up.
fn guard(pool: Pool) -> Result<(SharedBreaker, ProbeHandle), ConfigError> {
    let ms = Duration::from_millis;
    let open = BackoffPolicy::builder(ms(500)).cap(ms(5_000));
    let policy = BreakerPolicy::builder(open, ms(1_000))
        .trigger(Trigger::Consecutive { failures: 3 })
        .until_healthy(true)
        .ramp(ms(5_000))
        .build()?;
    let breaker = SharedBreaker::new(policy);
    let down = BackoffPolicy::builder(ms(250)).cap(ms(2_000));
    let probe = HealthProbePolicy::builder(ms(5_000), ms(1_000))
        .down(down)
        .build()?;
    let ping = async |pool: Pool| pool.get().await?.query("select 1").await.map(drop);
    let health = HealthProbe::new(&probe, move |_checking| ping(pool.clone()))
        .breaker(&breaker)
        .start();
    Ok((breaker, health))
}

/// At each use: what the breaker refuses does not wait for the pool.
async fn query(pool: &Pool, breaker: &SharedBreaker, text: &str) -> Result<i64, Failed> {
    let judge = |result: &Result<i64, DbError>| match result {
        Err(DbError::Away) => Outcome::Failure,
        Ok(_) | Err(DbError::Refused) => Outcome::Success, // it has answered
    };
    let work = async { pool.get().await?.query(text).await };
    breaker.call_with(judge, work).await
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_database_that_is_away() {
    let pool = Pool::default();
    let (breaker, _health) = guard(pool.clone()).expect("the policies are valid");
    assert_eq!(query(&pool, &breaker, "select balance").await, Ok(42));
    for _ in 0..10 {
        let answer = query(&pool, &breaker, "insert twice").await;
        assert_eq!(answer, Err(CallError::Failed(DbError::Refused)));
    }
    assert_eq!(breaker.phase(), Phase::Closed);

    pool.is_away.store(true, Ordering::Relaxed);
    while breaker.phase() == Phase::Closed {
        assert!(query(&pool, &breaker, "select balance").await.is_err());
    }
    let before = tokio::time::Instant::now();
    for _ in 0..100 {
        let answer = query(&pool, &breaker, "select balance").await;
        assert!(matches!(answer, Err(CallError::Refused(_))));
    }
    assert_eq!(before.elapsed(), Duration::ZERO);

    // For a minute only the probe asks: at most 2 s and its own second apart, so some twenty to fifty times.
    let asked = pool.asked.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let probes = pool.asked.load(Ordering::Relaxed) - asked;
    assert!((20..=60).contains(&probes), "{probes}");

    pool.is_away.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(query(&pool, &breaker, "select balance").await, Ok(42));
    assert_eq!(breaker.phase(), Phase::Closed);
}
