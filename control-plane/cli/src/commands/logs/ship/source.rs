//! Where lines are from: a thread that reads a file, a file that grows, or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::failure::Failure;

/// Bytes of a line; what follows is left out.
const LINE_BYTES: u64 = 64 * 1024;
/// Time between two looks at a file that is followed.
const LOOK: Duration = Duration::from_millis(200);
/// How long a file that is followed is read to its end once nobody follows it any more.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// What lines are read from.
pub(super) struct Source {
    reader: Box<dyn BufRead + Send>,
    /// The file that is followed.
    followed: Option<PathBuf>,
    /// Whether the reader waits for room: nobody waits for it.
    may_wait: bool,
}

/// A thread that reads.
pub(super) struct Reading {
    shared: Arc<Shared>,
    is_followed: bool,
}

/// What was read.
pub(super) struct Read {
    /// Lines, without empty ones.
    pub(super) lines: u64,
    /// Of them those for which there was no room.
    pub(super) shed: u64,
    /// Why it ended early.
    pub(super) fault: Option<String>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    has_ended: AtomicBool,
    lines: AtomicU64,
    shed: AtomicU64,
    fault: Mutex<Option<String>>,
}

impl Source {
    /// Opens a file, or standard input for `-`. One that is followed begins at its end.
    pub(super) fn open(path: &Path, follow: bool) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            if follow {
                return Err(Failure::usage(
                    "standard input is read to its end anyway: --follow needs a file",
                ));
            }
            // Nobody waits for the reader of a file.
            let may_wait = io::stdin().as_fd().try_clone_to_owned().map(File::from);
            let may_wait = may_wait.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file());
            return Ok(Self { reader: Box::new(BufReader::new(io::stdin())), followed: None, may_wait });
        }
        let unreadable = |error| {
            Failure::usage(format!("{}: cannot be read: {error}", path.display()))
                .advise("check the path, or give - to read standard input")
        };
        if follow && !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(Failure::usage(format!(
                "{}: is no regular file: only one can be followed",
                path.display()
            ))
            .advise("leave out --follow: it is read to its end"));
        }
        let mut file = File::open(path).map_err(unreadable)?;
        if follow {
            file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        }
        let followed = follow.then(|| path.to_owned());
        let mut source = Self { reader: Box::new(io::empty()), may_wait: !follow, followed };
        if follow {
            source.reader = Box::new(Growing::new(file, path).map_err(unreadable)?);
        } else {
            source.reader = Box::new(BufReader::new(file));
        }
        Ok(source)
    }

    /// Reads in a thread of its own until the end, or until it is stopped.
    pub(super) fn read_into(self, lines: mpsc::Sender<String>) -> Reading {
        let shared = Arc::<Shared>::default();
        let (ours, is_followed) = (Arc::clone(&shared), self.followed.is_some());
        thread::spawn(move || {
            if let Err(error) = self.read(&lines, &ours) {
                *ours.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
            ours.has_ended.store(true, Ordering::Relaxed);
        });
        Reading { shared, is_followed }
    }

    fn read(mut self, lines: &mpsc::Sender<String>, shared: &Shared) -> io::Result<()> {
        let (mut line, mut is_cut) = (Vec::new(), false);
        let mut end = None;
        loop {
            let is_over = shared.is_over.load(Ordering::Relaxed);
            let end = is_over.then(|| *end.get_or_insert_with(|| Instant::now() + LAST_LOOK));
            if is_over && (self.followed.is_none() || end.is_some_and(|end| Instant::now() >= end)) {
                break;
            }
            let room = LINE_BYTES.saturating_sub(line.len() as u64);
            let read = self.reader.by_ref().take(room).read_until(b'\n', &mut line)?;
            let is_whole = line.ends_with(b"\n");
            let is_full = line.len() as u64 >= LINE_BYTES;
            if read == 0 && !is_full && !is_over && self.followed.is_some() {
                thread::sleep(LOOK);
                continue;
            }
            if is_whole || is_full || read == 0 {
                // What follows a line that was cut is of that line.
                if !is_cut && !send(&line, lines, self.may_wait, shared) {
                    break;
                }
                is_cut = is_full && !is_whole;
                line.clear();
            }
            if read == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Whether there may be another one.
fn send(line: &[u8], lines: &mpsc::Sender<String>, may_wait: bool, shared: &Shared) -> bool {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if text.is_empty() {
        return true;
    }
    shared.lines.fetch_add(1, Ordering::Relaxed);
    if may_wait {
        return lines.blocking_send(text.to_owned()).is_ok();
    }
    match lines.try_send(text.to_owned()) {
        Ok(()) => true,
        Err(TrySendError::Full(_)) => {
            shared.shed.fetch_add(1, Ordering::Relaxed);
            true
        }
        Err(TrySendError::Closed(_)) => false,
    }
}

impl Reading {
    /// No line is read any more, but for one that is waited for, and what a file that is followed has already.
    pub(super) async fn stop(&self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let end = Instant::now() + LAST_LOOK;
        while self.is_followed && !self.shared.has_ended.load(Ordering::Relaxed) && Instant::now() < end {
            tokio::time::sleep(LOOK / 10).await;
        }
    }

    /// What was read until now.
    pub(super) fn end(self) -> Read {
        let fault = self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Read { lines: count(&self.shared.lines), shed: count(&self.shared.shed), fault }
    }
}

/// A file that grows, and is replaced or cut by who rotates it. At its end it reads nothing, and may go on later.
struct Growing {
    reader: BufReader<File>,
    path: PathBuf,
    device_and_inode: (u64, u64),
}

impl Growing {
    fn new(file: File, path: &Path) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let device_and_inode = (metadata.dev(), metadata.ino());
        Ok(Self { reader: BufReader::new(file), path: path.to_owned(), device_and_inode })
    }

    /// Goes to another file of the same name, or to the begin of one that was cut.
    fn turn(&mut self) -> io::Result<()> {
        // Between its removal and the next one there is none.
        let Ok(metadata) = std::fs::metadata(&self.path) else { return Ok(()) };
        if (metadata.dev(), metadata.ino()) != self.device_and_inode {
            *self = Self::new(File::open(&self.path)?, &self.path)?;
        } else if metadata.len() < self.reader.stream_position()? {
            self.reader.seek(SeekFrom::Start(0))?;
        }
        Ok(())
    }
}

impl io::Read for Growing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reader.read(into)
    }
}

impl BufRead for Growing {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.reader.fill_buf()?.is_empty() {
            self.turn()?;
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }
}

#[cfg(test)]
mod tests;
