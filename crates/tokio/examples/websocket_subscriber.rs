//! A websocket subscriber that does all of ORIGINS O4, against a real local server that drops, stalls, hangs and
//! accepts-and-closes. Runs for some seconds, ends by itself: `cargo run -p evenkeel-tokio --example websocket_subscriber`

use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_tokio::reconnect::{Connecting, Live, Status};
use evenkeel_tokio::{Reconnect, TokioClock};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::{Instant, interval, sleep};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};
use tokio_util::sync::CancellationToken;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// What the server pushes; a kind that this program does not know is kept as it is.
#[derive(Clone, Debug)]
enum Event {
    Tick { price: u32 },
    Unknown { kind: String, body: String },
}

impl Event {
    fn parse(text: &str) -> Self {
        let (kind, body) = text.split_once(' ').unwrap_or((text, ""));
        match (kind, body.parse()) {
            ("tick", Ok(price)) => Self::Tick { price },
            _ => Self::Unknown {
                kind: kind.to_owned(),
                body: body.to_owned(),
            },
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let server = tokio::spawn(serve(listener));

    // O4's are 500 ms and 30 s; these are shorter, for a demonstration.
    let backoff = BackoffPolicy::builder(ms(200)).cap(ms(2_000));
    let policy = ReconnectPolicy::builder(backoff, ms(800)) // a try may take 0.8 s
        .stable_after(ms(1_500)) // a link lost earlier continues the backoff
        .silence_limit(ms(1_000)) // no frame for so long: lost
        .build()?;
    let stop = CancellationToken::new();
    let reconnect = Reconnect::new(&policy, |connecting| connect(&url, connecting)).stop(&stop);
    let status = reconnect.status();

    // A consumer that is too slow loses events, not the connection.
    let (events, _) = broadcast::channel(4);
    let consumer = tokio::spawn(consume(events.subscribe()));
    let bar = tokio::spawn(show(status.clone()));

    tokio::join!(subscribe(reconnect, &events), async {
        sleep(ms(14_000)).await;
        println!("[main]   shutdown");
        stop.cancel();
    });
    println!("[main]   the last line: {}", status.now());
    drop(events);
    let (seen, lost) = consumer.await?;
    println!("[main]   the slow consumer saw {seen} events and lost {lost}");
    bar.abort();
    server.abort();
    Ok(())
}

async fn connect(url: &str, connecting: Connecting) -> Result<Socket, Error> {
    println!(
        "[client] try {}, attempt {}",
        connecting.link().to_word(),
        connecting.attempt()
    );
    let (socket, _response) = connect_async(url).await?;
    Ok(socket)
}

/// One link after the other, until the token says stop.
async fn subscribe<F, Fut>(
    mut reconnect: Reconnect<F, Fut, Socket, Error>,
    events: &broadcast::Sender<Event>,
) where
    F: FnMut(Connecting) -> Fut,
    Fut: Future<Output = Result<Socket, Error>>,
{
    let ended = loop {
        match reconnect.next_link().await {
            Ok(live) => read(live, events).await,
            Err(ended) => break ended,
        }
    };
    println!("[client] no further link: {ended}");
}

async fn read(mut live: Live<Socket>, events: &broadcast::Sender<Event>) {
    let mut lost = live.until_lost();
    // A server that has nothing to say answers a ping.
    let mut ping = interval(ms(300));
    loop {
        let frame = tokio::select! {
            frame = lost.or(live.next()) => frame,
            _ = ping.tick() => {
                // Where it fails, the next read says so.
                let _ = live.send(Message::Ping(Vec::new().into())).await;
                continue;
            }
        };
        match frame {
            Ok(Some(Ok(message))) => {
                live.on_frame(); // of whatever kind: pongs are life
                match message {
                    // Nobody may listen: that is no reason to end.
                    Message::Text(text) => drop(events.send(Event::parse(&text))),
                    Message::Close(_) => return live.lost("closed by the server"),
                    _ => {}
                }
            }
            Ok(Some(Err(error))) => return live.lost(error),
            Ok(None) => return live.lost("end of stream"),
            Err(why) => return live.lost(why), // silent, or stopped
        }
    }
}

/// The status bar: a line for each change.
async fn show(mut status: Status<TokioClock>) {
    let begun = Instant::now();
    loop {
        let report = status.changed().await;
        println!(
            "[status] {:>4.1} s  {report}",
            begun.elapsed().as_secs_f64()
        );
    }
}

/// Takes 300 ms for each event.
async fn consume(mut events: broadcast::Receiver<Event>) -> (u64, u64) {
    let (mut seen, mut lost) = (0, 0);
    loop {
        match events.recv().await {
            Ok(Event::Tick { price }) => {
                seen += u64::from(price > 0);
                sleep(ms(300)).await;
            }
            Ok(Event::Unknown { kind, body }) => {
                seen += 1;
                println!("[events] of an unknown kind: {kind:?}, kept as it is: {body:?}");
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => lost += missed,
            Err(broadcast::error::RecvError::Closed) => return (seen, lost),
        }
    }
}

/// Each connection meets the next trouble.
async fn serve(listener: TcpListener) {
    for number in 1.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        tokio::spawn(async move {
            if let Err(error) = meet(number, stream).await {
                println!("[server] connection {number}: {error}");
            }
        });
    }
}

async fn meet(number: u32, stream: TcpStream) -> Result<(), Error> {
    match number {
        1 | 2 => {
            println!("[server] connection {number}: dropped before the handshake");
            return Ok(());
        }
        3 => {
            println!("[server] connection {number}: the handshake hangs");
            sleep(ms(5_000)).await;
            return Ok(());
        }
        _ => {}
    }
    let mut socket = accept_async(stream).await?;
    let tick = |price: u32| Message::Text(format!("tick {price}").into());
    match number {
        4..=6 => {
            println!("[server] connection {number}: a frame, and closed at once");
            socket.send(tick(1)).await?;
            socket.close(None).await
        }
        7 => {
            println!("[server] connection {number}: frames for 2 s, then it stalls");
            for price in 1..20 {
                socket.send(tick(price)).await?;
                sleep(ms(100)).await;
            }
            sleep(ms(5_000)).await; // reads no ping, and so sends no pong
            Ok(())
        }
        8 => {
            println!("[server] connection {number}: frames, then the connection breaks");
            for price in 1..5 {
                socket.send(tick(price)).await?;
            }
            drop(socket);
            Ok(())
        }
        _ => {
            println!("[server] connection {number}: some frames, then only pongs");
            socket
                .send(Message::Text("halt XAUUSD until 14:30".into()))
                .await?;
            while let Some(Ok(_ping)) = socket.next().await {
                socket.flush().await?; // the pong
            }
            Ok(())
        }
    }
}
