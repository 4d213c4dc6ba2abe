//! A real PostgreSQL, killed, stopped and slowed under the load of clients of `tokio-postgres`, whose links, retries
//! and breaker are ours. `just real-servers` installs what it needs; without a PostgreSQL it says so and passes.
#![cfg(target_os = "linux")]

mod real;

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{User, geteuid};
use real::process::{self, Process};
use real::server::{Error, Server, Store, Stored, answers};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, Statement};

const TABLES: &str = "create table if not exists applied (key bigint primary key);
    create table if not exists account (number bigint primary key, sum bigint not null);
    insert into account select generate_series(0, 99), 0 on conflict do nothing";

/// Adds to the sum only if the key is new, in one transaction.
const ADD: &str =
    "with fresh as (insert into applied values ($1) on conflict do nothing returning key)
    update account set sum = sum + 1 where number = $2 and exists (select from fresh)";

const STORED: &str =
    "select (select sum(sum)::bigint from account), coalesce(array_agg(key), '{}') from applied";

#[derive(Clone)]
struct PostgresStore(Config);

/// A connection and the task that reads its socket, which ends with it.
struct Connection {
    client: Client,
    reader: JoinHandle<()>,
}

impl Connection {
    async fn new(config: &Config) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let reader = tokio::spawn(async move {
            // Whoever asks next hears of it.
            let _ = connection.await;
        });
        Ok(Self { client, reader })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

struct Session {
    connection: Connection,
    add: Statement,
}

impl Store for PostgresStore {
    type Link = Arc<Session>;

    async fn dial(&self) -> Result<Self::Link, Error> {
        let connection = Connection::new(&self.0).await?;
        let add = connection.client.prepare(ADD).await?;
        Ok(Arc::new(Session { connection, add }))
    }

    async fn ping(link: Self::Link) -> Result<(), Error> {
        Ok(link.connection.client.batch_execute("select").await?)
    }

    async fn add(link: Self::Link, account: u32, key: i64) -> Result<(), Error> {
        let client = &link.connection.client;
        client
            .execute(&link.add, &[&key, &i64::from(account)])
            .await?;
        Ok(())
    }
}

struct Postgres {
    program: PathBuf,
    folder: TempDir,
    /// Who runs it: PostgreSQL refuses to be run by root.
    user: Option<User>,
    port: u16,
    starts: u32,
    process: Option<Process>,
}

impl Postgres {
    /// It answers, and holds nothing; `None` where it is not installed.
    async fn start_new() -> Option<Self> {
        let program = process::find("postgres", "postgresql", &folders())?;
        let folder = TempDir::new().expect("a folder");
        let user = geteuid().is_root().then(|| {
            let named = ["postgres", "nobody"].map(|name| User::from_name(name).ok().flatten());
            named
                .into_iter()
                .flatten()
                .next()
                .expect("somebody who is not root")
        });
        if let Some(user) = &user {
            chown(
                folder.path(),
                Some(user.uid.as_raw()),
                Some(user.gid.as_raw()),
            )
            .expect("root may");
        }
        let mut postgres = Self {
            program,
            folder,
            user,
            port: process::free_port(),
            starts: 0,
            process: None,
        };
        let mut init = postgres.command("initdb");
        init.args([
            "--auth=trust",
            "--username=owner",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            // Less to write: what is there is synced when it is started again.
            "--wal-segsize=1",
            "-D",
            "data",
        ]);
        let made = init.output().expect("initdb runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        postgres.start().await;
        let owner = postgres.owner().await;
        owner
            .client
            .batch_execute(TABLES)
            .await
            .expect("an empty database");
        Some(postgres)
    }

    /// A program beside the server, in its folder and as its user.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.program.with_file_name(program));
        command.current_dir(self.folder.path());
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.user("owner").dbname("postgres").port(self.port);
        config
    }

    /// Comes by the socket in its folder, so that the log tells it from the crowd.
    fn as_owner(&self) -> Owner {
        let mut config = self.config();
        config.host_path(self.folder.path());
        Owner(config)
    }

    async fn owner(&self) -> Connection {
        Connection::new(&self.as_owner().0)
            .await
            .expect("it answers")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(format!("log-{}", self.starts))
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it was started")
    }
}

impl Server for Postgres {
    type Store = PostgresStore;

    const NAME: &'static str = "PostgreSQL";
    /// Each is a process of the server.
    const CLIENTS: u32 = 40;

    fn store(&self) -> PostgresStore {
        let mut config = self.config();
        config.host("127.0.0.1");
        PostgresStore(config)
    }

    async fn start(&mut self) {
        self.starts += 1;
        let mut command = self.command("postgres");
        command
            .args(["-D", "data", "-p"])
            .arg(self.port.to_string())
            .arg("-k")
            .arg(self.folder.path());
        for setting in [
            "listen_addresses=127.0.0.1",
            "max_connections=200",
            "log_connections=on",
        ] {
            command.arg("-c").arg(setting);
        }
        self.process = Some(Process::start(&mut command, &self.log()).that_leaves_on_quit());
        let up = answers(&self.as_owner()).await;
        assert!(up, "PostgreSQL does not answer: {}", read(&self.log()));
    }

    fn kill(&mut self) {
        self.process.take().expect("it was started").kill();
    }

    fn stop(&self) {
        self.process().stop();
    }

    async fn resume(&self) {
        self.process().resume();
        assert!(answers(&self.as_owner()).await, "it goes on");
    }

    async fn slow(&self, span: Duration) {
        let owner = self.owner().await;
        let seconds = span.as_secs_f64();
        let hold = format!("begin; lock table applied; select pg_sleep({seconds}); commit");
        owner
            .client
            .batch_execute(&hold)
            .await
            .expect("nobody holds it for long");
    }

    async fn stored(&self) -> Stored {
        let owner = self.owner().await;
        let row = owner
            .client
            .query_one(STORED, &[])
            .await
            .expect("it answers");
        let keys: Vec<i64> = row.get(1);
        Stored {
            keys: keys.into_iter().collect(),
            sum: row.get(0),
        }
    }

    async fn connections(&self) -> u64 {
        let log = read(&self.log());
        let crowd = |line: &&str| line.contains("connection received: host=127.0.0.1");
        log.lines().filter(crowd).count() as u64
    }
}

/// The owner asks for nothing but an answer: there may be no tables yet.
#[derive(Clone)]
struct Owner(Config);

impl Store for Owner {
    type Link = Arc<Connection>;

    async fn dial(&self) -> Result<Self::Link, Error> {
        Ok(Arc::new(Connection::new(&self.0).await?))
    }

    async fn ping(link: Self::Link) -> Result<(), Error> {
        Ok(link.client.batch_execute("select").await?)
    }

    async fn add(_link: Self::Link, _account: u32, _key: i64) -> Result<(), Error> {
        Err("the owner writes nothing".into())
    }
}

fn read(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}

/// Where Debian has it, the latest version first.
fn folders() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_is_killed_stopped_or_slow_loses_nothing_and_meets_no_storm() {
    if let Some(mut postgres) = Postgres::start_new().await {
        real::scenarios::all(&mut postgres).await;
    }
}
