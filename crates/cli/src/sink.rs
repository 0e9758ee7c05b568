//! Log lines on their way to a sink that may be slow: whoever logs never waits for it.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// So many bytes of lines wait at the most; a line beyond them is lost, and counted.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long the end waits for what is left to be written: a sink may never take it.
const END_WAIT: Duration = Duration::from_secs(1);

/// The end that is written to, a line with each call.
#[derive(Clone)]
pub struct Sink(Arc<Shared>);

/// Writes out what waits when it is dropped.
pub struct Guard(Sink);

struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// Of the lines, the one that is being written included.
    bytes: usize,
    bytes_max: usize,
    /// Since the last line that counted them.
    lost: u64,
    notice: fn(u64) -> String,
    closed: bool,
    ended: bool,
}

impl Waiting {
    fn push(&mut self, line: &[u8]) {
        // What was lost is counted once half of the room is free, and not with every line that finds
        // some: one line for each time that the sink was too slow.
        let room = match self.lost {
            0 => self.bytes_max,
            _ => self.bytes_max / 2,
        };
        if self.bytes + line.len() > room {
            self.lost += 1;
            return;
        }
        self.count_lost();
        self.append(line.to_vec());
    }

    /// Says how many were lost, where they would have stood.
    fn count_lost(&mut self) {
        if self.lost > 0 {
            let notice = (self.notice)(std::mem::take(&mut self.lost));
            self.append(notice.into_bytes());
        }
    }

    fn append(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.lines.is_empty() {
            self.count_lost();
        }
        self.lines.pop_front()
    }
}

impl Sink {
    /// Starts the thread that writes to `sink`. `notice` makes the line that says how many were lost.
    pub fn start(
        sink: impl Write + Send + 'static,
        notice: fn(u64) -> String,
    ) -> io::Result<(Self, Guard)> {
        Self::with_room(WAITING_BYTES_MAX, sink, notice)
    }

    fn with_room(
        bytes_max: usize,
        sink: impl Write + Send + 'static,
        notice: fn(u64) -> String,
    ) -> io::Result<(Self, Guard)> {
        let this = Self(Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                lines: VecDeque::new(),
                bytes: 0,
                bytes_max,
                lost: 0,
                notice,
                closed: false,
                ended: false,
            }),
            changed: Condvar::new(),
        }));
        let shared = this.0.clone();
        std::thread::Builder::new()
            .name("edgewit-log".to_owned())
            .spawn(move || shared.write_to(sink))?;
        Ok((this.clone(), Guard(this)))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while the lock is held; were it to, each line would still be whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut sink: impl Write) {
        let mut waiting = self.lock();
        loop {
            let Some(line) = waiting.next() else {
                if waiting.closed {
                    break;
                }
                let changed = self.changed.wait(waiting);
                waiting = changed.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(waiting);
            // Whether anybody reads them is no concern of who logs.
            let _ = sink.write_all(&line);
            waiting = self.lock();
            waiting.bytes -= line.len();
        }
        waiting.ended = true;
        drop(waiting);
        self.changed.notify_all();
    }
}

impl Write for &Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().push(line);
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Sink;

    fn make_writer(&'a self) -> &'a Sink {
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Sink(shared) = &self.0;
        let mut waiting = shared.lock();
        waiting.closed = true;
        shared.changed.notify_all();
        let ended = shared
            .changed
            .wait_timeout_while(waiting, END_WAIT, |waiting| !waiting.ended);
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes a line for each unit that it is given.
    struct Slow {
        may: mpsc::Receiver<()>,
        written: mpsc::Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.may.recv().map_err(io::Error::other)?;
            let text = String::from_utf8_lossy(line).into_owned();
            self.written.send(text).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Of every line of these tests.
    const LINE_BYTES: usize = 4;

    fn notice(lost: u64) -> String {
        format!("-{lost:02}\n")
    }

    struct Test {
        sink: Sink,
        guard: Guard,
        may: mpsc::Sender<()>,
        written: mpsc::Receiver<String>,
    }

    /// There is room for eight lines.
    fn slow() -> Test {
        let (may, wait) = mpsc::channel();
        let (tell, written) = mpsc::channel();
        let slow = Slow {
            may: wait,
            written: tell,
        };
        let (sink, guard) = Sink::with_room(8 * LINE_BYTES, slow, notice).unwrap();
        Test {
            sink,
            guard,
            may,
            written,
        }
    }

    impl Test {
        fn log(&self, numbers: std::ops::Range<u32>) {
            for number in numbers {
                (&self.sink)
                    .write_all(format!("{number:03}\n").as_bytes())
                    .unwrap();
            }
        }

        /// Lets so many lines be written, and returns them once no more than `left` wait.
        fn read(&self, lines: usize, left: usize) -> String {
            let mut read = String::new();
            for _ in 0..lines {
                self.may.send(()).unwrap();
                let line = self.written.recv_timeout(Duration::from_secs(60));
                read += line.unwrap().trim_end();
                read.push(' ');
            }
            while self.sink.0.lock().bytes > left * LINE_BYTES {
                std::thread::yield_now();
            }
            read
        }
    }

    #[test]
    fn what_was_lost_is_counted_where_it_would_have_stood() {
        let test = slow();
        test.log(0..8);
        test.log(8..11);
        // Room for one, for three: it is too early to count.
        assert_eq!(test.read(1, 7), "000 ");
        test.log(11..13);
        assert_eq!(test.read(2, 5), "001 002 ");
        test.log(13..14);
        assert_eq!(test.read(2, 3), "003 004 ");
        test.log(14..16);
        assert_eq!(test.read(6, 0), "005 006 007 -06 014 015 ");
    }

    #[test]
    fn what_was_lost_is_counted_where_nothing_more_is_logged() {
        let test = slow();
        for round in [0, 100] {
            test.log(round..round + 20);
            let read = test.read(9, 0);
            assert!(read.ends_with("7 -12 "), "{read}");
        }
    }

    #[test]
    fn the_end_writes_what_waits_and_waits_for_no_sink_for_ever() {
        let test = slow();
        test.log(0..3);
        for _ in 0..3 {
            test.may.send(()).unwrap();
        }
        drop(test.guard);
        assert_eq!(test.written.iter().take(3).count(), 3);

        let test = slow();
        test.log(0..3);
        drop(test.guard);
        assert_eq!(test.written.try_iter().count(), 0);
    }
}
