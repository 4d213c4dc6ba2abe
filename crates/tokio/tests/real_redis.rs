//! A real redis-server, killed, stopped and slowed under the load of clients of the `redis` crate, whose links, retries
//! and breaker are ours. `just real-servers` installs what it needs; without a redis-server it says so and passes.
#![cfg(target_os = "linux")]

mod real;

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use real::process::{self, Process};
use real::server::{Error, Server, Store, Stored, answers};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

/// Counts a key once: the keys are a set.
const ADD: &str =
    "if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then redis.call('INCR', KEYS[2]) end return 1";

#[derive(Clone)]
struct RedisStore(redis::Client);

impl Store for RedisStore {
    /// It does not connect again by itself, and it waits for ever: that is the job of ours.
    type Link = MultiplexedConnection;

    async fn dial(&self) -> Result<Self::Link, Error> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let link = self
            .0
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Self::ping(link.clone()).await?;
        Ok(link)
    }

    async fn ping(mut link: Self::Link) -> Result<(), Error> {
        Ok(redis::cmd("PING").query_async(&mut link).await?)
    }

    async fn add(mut link: Self::Link, _account: u32, key: i64) -> Result<(), Error> {
        let mut add = redis::cmd("EVAL");
        add.arg(ADD).arg(2).arg("keys").arg("sum").arg(key);
        Ok(add.query_async(&mut link).await?)
    }
}

struct Redis {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Process>,
    /// Connections of the owner since the start.
    owners: AtomicU64,
}

impl Redis {
    /// It answers, and its folder is empty; nothing where it is not installed.
    async fn start_new() -> Option<Self> {
        let mut redis = Self {
            program: process::find("redis-server", "redis-server", &[])?,
            folder: TempDir::new().expect("a folder"),
            port: process::free_port(),
            process: None,
            owners: AtomicU64::new(0),
        };
        redis.start().await;
        Some(redis)
    }

    async fn owner(&self) -> MultiplexedConnection {
        self.owners.fetch_add(1, Ordering::Relaxed);
        self.store().dial().await.expect("it answers")
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it was started")
    }
}

impl Server for Redis {
    type Store = RedisStore;

    const NAME: &'static str = "redis";
    const CLIENTS: u32 = 100;

    fn store(&self) -> RedisStore {
        RedisStore(
            redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("an address"),
        )
    }

    async fn start(&mut self) {
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .args(["--bind", "127.0.0.1", "--port"])
            .arg(self.port.to_string());
        // An answer to a write says that it is on the disk.
        command.args([
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
        ]);
        let log = self.folder.path().join("log");
        self.process = Some(Process::start(&mut command, &log));
        // That which is answered.
        self.owners.store(1, Ordering::Relaxed);
        let up = answers(&self.store()).await;
        assert!(
            up,
            "redis does not answer: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
    }

    fn kill(&mut self) {
        self.process.take().expect("it was started").kill();
    }

    fn stop(&self) {
        self.process().stop();
    }

    async fn resume(&self) {
        self.process().resume();
        assert!(answers(&self.store()).await, "it goes on");
    }

    async fn slow(&self, span: Duration) {
        let mut owner = self.owner().await;
        let mut pause = redis::cmd("CLIENT");
        pause.arg("PAUSE").arg(span.as_millis() as u64);
        pause
            .query_async::<()>(&mut owner)
            .await
            .expect("it takes orders");
        // Comes back with the rest.
        RedisStore::ping(owner).await.expect("it answers");
    }

    async fn stored(&self) -> Stored {
        let mut owner = self.owner().await;
        let mut both = redis::pipe();
        both.atomic()
            .cmd("SMEMBERS")
            .arg("keys")
            .cmd("GET")
            .arg("sum");
        let (keys, sum) = both.query_async(&mut owner).await.expect("it answers");
        Stored { keys, sum }
    }

    async fn connections(&self) -> u64 {
        let mut owner = self.owner().await;
        let mut info = redis::cmd("INFO");
        let info: String = info
            .arg("stats")
            .query_async(&mut owner)
            .await
            .expect("it answers");
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_connections_received:"));
        let all: u64 = line
            .expect("it counts them")
            .trim()
            .parse()
            .expect("a number");
        all - self.owners.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_killed_stopped_or_slow_loses_nothing_and_meets_no_storm() {
    if let Some(mut redis) = Redis::start_new().await {
        real::scenarios::all(&mut redis).await;
    }
}
