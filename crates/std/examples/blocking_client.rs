//! A blocking HTTP client with retry, breaker, retry budget and Retry-After, against a faulty server of its own on
//! loopback: `cargo run -p evenkeel-std --example blocking_client`. Plain sockets, so that every step is in sight.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, SystemTime};

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Trigger};
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_std::{
    Attempt, Classified, Clock, MonotonicClock, SharedBreaker, SharedTokens, retry, retry_after,
};

/// What the server does to the connections that it gets, one after the other; then `200` for ever.
const SCRIPT: &[&str] = &[
    "200",
    "reset",
    "503 with retry-after",
    "200",
    "hang",
    "200",
    "404", //
    "500",
    "500",
    "500",
    "500",
    "500",
    "500",
];

fn main() -> Result<(), Box<dyn Error>> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let address = server.local_addr()?;
    thread::spawn(move || serve(&server));

    let backoff = BackoffPolicy::builder(Duration::from_millis(50)).cap(Duration::from_secs(1));
    let policy = RetryPolicy::builder(backoff)
        .max_attempts(4)
        .attempt_timeout(Duration::from_millis(300))
        .deadline(Duration::from_secs(5))
        .advisory_cap(Duration::from_secs(10))
        .build()?;
    let open = BackoffPolicy::builder(Duration::from_millis(400)).cap(Duration::from_secs(5));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(1))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build()?;
    let breaker = SharedBreaker::new(breaker);
    breaker.on_transition(|made| println!("       breaker: {} ({})", made.to, made.cause));
    let tokens = SharedTokens::new(RetryTokensPolicy::builder(20_000).refund(true).build()?);

    for path in ["/a", "/b", "/c", "/missing", "/d", "/e", "/f", "/g", "/h"] {
        println!("{:>5} GET {path}", now_ms());
        // This is all that a caller writes.
        let answer = retry(&policy, |attempt| get(address, path, attempt))
            .classify(HttpError::classify)
            .breaker(&breaker)
            .budget(&tokens)
            .on_retry(|event| {
                let error = event.error().map(ToString::to_string).unwrap_or_default();
                let wait = event.wait().as_millis();
                println!(
                    "       {}: {error}; again in {wait} ms",
                    event.cause().name()
                );
            })
            .run();
        match answer {
            Ok(body) => println!("{:>5}   {body}", now_ms()),
            Err(error) => {
                let last = error
                    .source()
                    .map(|last| format!(": {last}"))
                    .unwrap_or_default();
                println!("{:>5}   failed, {error}{last}", now_ms());
                // A caller with time comes back when it is told to; here the last two requests show that.
                if let Some(at_ns) = error.end().retry_at_ns().filter(|_| path >= "/f") {
                    evenkeel_std::Sleep::sleep_until(&MonotonicClock, at_ns);
                }
            }
        }
    }
    let stats = breaker.stats();
    println!(
        "breaker: {} failures, {} refused, {} tokens left",
        stats.failures,
        stats.refused,
        tokens.balance_milli() / 1_000
    );
    Ok(())
}

fn now_ms() -> u64 {
    (MonotonicClock.now_ns() - MonotonicClock::ORIGIN_NS) / 1_000_000
}

/// How a request failed.
#[derive(Debug)]
enum HttpError {
    Io(io::Error),
    Status {
        code: u16,
        retry_after: Option<Duration>,
    },
}

impl HttpError {
    /// What it means: the one thing that a library cannot know.
    fn classify(&self) -> Classified {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Classified::timeout(),
                _ => Classified::transient(),
            },
            Self::Status {
                code: 429 | 503,
                retry_after,
            } => Classified::throttled()
                .retry_after(*retry_after)
                .breaker(Outcome::Failure), // one answer of many: it does not close the door for all at once
            Self::Status { code: 500.., .. } => Classified::transient(),
            Self::Status { .. } => Classified::permanent(),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Status { code, .. } => write!(f, "status {code}"),
        }
    }
}

impl Error for HttpError {}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One attempt. It cannot be interrupted, so its time goes to the socket.
fn get(address: SocketAddr, path: &str, attempt: Attempt) -> Result<String, HttpError> {
    let timeout = attempt.timeout().unwrap_or(Duration::MAX);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    let number = attempt.number();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nattempt: {number}\r\n\r\n"
    )?;

    let mut lines = BufReader::new(stream).lines();
    let closed = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let status = lines.next().ok_or_else(closed)??;
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code: u16 = code.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    let (mut advised, mut body) = (None, String::new());
    while let Some(line) = lines.next().transpose()? {
        if let Some(value) = line.strip_prefix("retry-after:") {
            advised = retry_after(value, SystemTime::now());
        }
        body = line;
    }
    match code {
        200 => Ok(format!("{body} (attempt {number})")),
        code => Err(HttpError::Status {
            code,
            retry_after: advised,
        }),
    }
}

/// Does to each connection what the script says.
fn serve(server: &TcpListener) {
    let mut script = SCRIPT.iter();
    for stream in server.incoming() {
        let action = script.next().copied().unwrap_or("200");
        thread::spawn(move || stream.and_then(|stream| answer(stream, action)));
    }
}

fn answer(mut stream: TcpStream, action: &str) -> io::Result<()> {
    let mut request = String::new();
    let mut lines = BufReader::new(stream.try_clone()?);
    while lines.read_line(&mut request)? > 2 {} // up to the empty line
    match action {
        "reset" => return Ok(()),
        "hang" => thread::sleep(Duration::from_secs(2)),
        "503 with retry-after" => {
            write!(stream, "HTTP/1.1 503 Busy\r\nretry-after: 1\r\n\r\n")?;
        }
        "200" => {
            let path = request.split(' ').nth(1).unwrap_or_default();
            write!(stream, "HTTP/1.1 200 OK\r\n\r\nhello from {path}")?;
        }
        code => write!(stream, "HTTP/1.1 {code} No\r\n\r\n")?,
    }
    Ok(())
}
