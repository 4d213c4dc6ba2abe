//! A subscriber whose lines a test reads, and that may be slow.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Level;
use tracing::dispatcher::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Where there is but one subscriber in a process, tracing asks that of the thread that first comes by an event or span
/// whether anybody wants it, and remembers that: but here other tests come by, which have none.
static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| {
    tracing_subscriber::fmt()
        .with_writer(io::sink)
        .finish()
        .into()
});

/// The lines that were logged.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    text: Arc<Mutex<Vec<u8>>>,
    slow: Arc<Mutex<Option<Slow>>>,
}

/// Says that a line is being written, and waits until it may go on.
struct Slow {
    writes: Sender<()>,
    may: Receiver<()>,
}

impl Lines {
    /// What writes them, up to this level.
    pub(crate) fn subscriber(&self, level: Level) -> Dispatch {
        self.writes(level, FmtSpan::NONE)
    }

    /// What writes a line for each span that ends, too.
    pub(crate) fn closed_spans(&self) -> Dispatch {
        self.writes(Level::INFO, FmtSpan::CLOSE)
    }

    fn writes(&self, level: Level, spans: FmtSpan) -> Dispatch {
        LazyLock::force(&ANOTHER);
        let subscriber = tracing_subscriber::fmt()
            .with_writer(self.clone())
            .with_max_level(level)
            .with_span_events(spans)
            .without_time()
            .with_ansi(false);
        subscriber.finish().into()
    }

    /// From now on each line is announced, and not written before the sender allows it, or is dropped.
    pub(crate) fn slow(&self) -> (Receiver<()>, Sender<()>) {
        let ((writes, announced), (allow, may)) = (mpsc::channel(), mpsc::channel());
        *self.slow.lock().expect("no panic") = Some(Slow { writes, may });
        (announced, allow)
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let text = self.text.lock().expect("no panic");
        let text = String::from_utf8(text.clone()).expect("text");
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(slow) = &*self.slow.lock().expect("no panic") {
            let _ = slow.writes.send(());
            let _ = slow.may.recv();
        }
        self.text.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
