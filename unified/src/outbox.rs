//! The way of finished files to the disk, beside the work that goes on.
//!
//! 1. The bytes of a file, put together in order, are cut into chunks and handed to one thread over a channel that holds
//!    [`WAITING`] of them: creating files and copying bytes to the system is work of its own, waiting for the disk none.
//! 2. That thread creates each file under a temporary name, writes it, checks its size, syncs it where asked to, keeps it.
//! 3. At the end all files get their names. What could not be done before that ends the job, with the thread's own error.
//!
//! With one thread to work with, and nothing to be synced, files are written at once, where they are made. Cost: one copy
//! of the bytes. Memory: the chunks that wait, at most 2 MiB, less under a small limit.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::output::{Names, OutputDirectory};
use crate::stats::{Figure, Meter};

/// Chunks that may wait.
const WAITING: usize = 8;

/// Bytes of a chunk, or the 512th part of the memory limit.
const CHUNK_BYTES: usize = 256 * 1024;

/// Files on their way.
#[derive(Debug)]
pub(crate) struct Outbox {
    place: PathBuf,
    chunk: usize,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Direct(Writer),
    Beside {
        messages: SyncSender<Message>,
        thread: JoinHandle<Result<Writer>>,
    },
    /// After the thread's failure was told.
    Failed,
}

/// What the thread is told.
#[derive(Debug)]
enum Message {
    Bytes(Vec<u8>),
    /// The file is complete, at so many bytes.
    End(u64),
}

impl Outbox {
    /// `threads` are those to work with; `sync` tells whether files are brought to stable storage.
    pub(crate) fn new(
        output: OutputDirectory,
        threads: usize,
        sync: bool,
        memory_limit: u64,
        meter: Meter,
    ) -> Self {
        let place = output.names().directory().to_path_buf();
        let chunk = usize::try_from(memory_limit / 512).unwrap_or(CHUNK_BYTES).clamp(4096, CHUNK_BYTES);
        let writer = Writer { output, sync, meter };
        let way = if threads < 2 && !sync { Way::Direct(writer) } else { Way::beside(writer) };
        Self { place, chunk, way }
    }

    /// A file to write to; [`Self::end`] is to follow.
    pub(crate) fn begin(&mut self) -> Result<Outgoing> {
        let to = match &self.way {
            Way::Direct(writer) => To::File(writer.output.create()?),
            Way::Beside { messages, .. } => {
                To::Thread { messages: messages.clone(), chunk: Vec::with_capacity(self.chunk) }
            }
            Way::Failed => return Err(Error::Closed("an earlier file could not be written")),
        };
        Ok(Outgoing { to, place: self.place.clone() })
    }

    /// Takes the complete file of so many bytes.
    ///
    /// # Errors
    /// This file, or an earlier one, could not be written or synced.
    pub(crate) fn end(&mut self, file: Outgoing, bytes: u64) -> Result<()> {
        let Outgoing { to, .. } = file;
        let sent = match (&mut self.way, to) {
            (Way::Direct(writer), To::File(file)) => return writer.end(file, bytes),
            (Way::Beside { messages, .. }, To::Thread { chunk, .. }) => {
                messages.send(Message::Bytes(chunk)).and_then(|()| messages.send(Message::End(bytes)))
            }
            _ => return Err(Error::Closed("an earlier file could not be written")),
        };
        // The thread has ended only if it failed.
        sent.or_else(|_| self.failure().map_or(Ok(()), Err))
    }

    /// Why the thread ended, where it did so before its time; told once. No file may be under way any more: the thread
    /// ends when nobody is left to send it anything.
    pub(crate) fn failure(&mut self) -> Option<Error> {
        match std::mem::replace(&mut self.way, Way::Failed) {
            Way::Beside { messages, thread } => {
                drop(messages);
                joined(thread).err()
            }
            _ => None,
        }
    }

    /// Waits until all files are safe and gives them their names.
    ///
    /// # Errors
    /// One of them could not be written, synced or named; then there are none.
    pub(crate) fn finish(mut self) -> Result<Names> {
        let mut writer = match std::mem::replace(&mut self.way, Way::Failed) {
            Way::Direct(writer) => writer,
            Way::Beside { messages, thread } => {
                drop(messages);
                joined(thread)?
            }
            Way::Failed => return Err(Error::Closed("an earlier file could not be written")),
        };
        writer.output.commit(writer.sync)?;
        Ok(writer.output.names().clone())
    }
}

impl Way {
    fn beside(writer: Writer) -> Self {
        let (messages, waiting) = sync_channel(WAITING);
        // The thread gets its writer when it is there: where none is to be had, the writer is still here.
        let (hand_over, taken) = sync_channel::<Writer>(1);
        let work = move || match taken.recv() {
            Ok(writer) => writer.work(&waiting),
            Err(_) => Err(Error::Closed("it was given up")),
        };
        match std::thread::Builder::new().name("unified-out".to_string()).spawn(work) {
            Ok(thread) => match hand_over.send(writer) {
                Ok(()) => Self::Beside { messages, thread },
                Err(returned) => Self::Direct(returned.0),
            },
            Err(_) => Self::Direct(writer),
        }
    }
}

fn joined(thread: JoinHandle<Result<Writer>>) -> Result<Writer> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Drop for Outbox {
    fn drop(&mut self) {
        // Whoever gives up wants nothing of the files; the thread must not outlive them.
        drop(self.failure());
    }
}

/// A file that is being put together.
pub(crate) struct Outgoing {
    to: To,
    place: PathBuf,
}

enum To {
    File((File, TempPath)),
    Thread { messages: SyncSender<Message>, chunk: Vec<u8> },
}

impl Outgoing {
    /// The file, or the directory that it goes to.
    pub(crate) fn place(&self) -> &Path {
        match &self.to {
            To::File((_, path)) => path,
            To::Thread { .. } => &self.place,
        }
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.to {
            To::File((file, _)) => file.write(bytes),
            To::Thread { messages, chunk } => {
                if chunk.len() == chunk.capacity() {
                    let full = std::mem::replace(chunk, Vec::with_capacity(chunk.capacity()));
                    let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
                    messages.send(Message::Bytes(full)).map_err(gone)?;
                }
                let taken = bytes.len().min(chunk.capacity() - chunk.len());
                chunk.extend_from_slice(&bytes[..taken]);
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Creates, writes, checks and syncs files, one after another.
#[derive(Debug)]
struct Writer {
    output: OutputDirectory,
    sync: bool,
    meter: Meter,
}

impl Writer {
    /// Does what it is told until nobody is left to tell it. A file that was not ended is removed.
    fn work(mut self, messages: &Receiver<Message>) -> Result<Self> {
        let mut open: Option<(File, TempPath)> = None;
        for message in messages {
            let meter = self.meter.clone();
            let timer = meter.time(Figure::Write);
            let (mut file, path) = match open.take() {
                Some(open) => open,
                None => self.output.create()?,
            };
            match message {
                Message::Bytes(bytes) => {
                    file.write_all(&bytes).map_err(|source| Error::io("writing", &path, source))?;
                    open = Some((file, path));
                }
                Message::End(bytes) => {
                    drop(timer);
                    self.end((file, path), bytes)?;
                }
            }
        }
        Ok(self)
    }

    fn end(&mut self, (file, path): (File, TempPath), bytes: u64) -> Result<()> {
        let on_disk = file.metadata().map_err(|source| Error::io("checking", &path, source))?.len();
        if on_disk != bytes {
            let message = format!("short write: {bytes} bytes written, {on_disk} bytes on disk");
            return Err(Error::io("writing", &path, std::io::Error::other(message)));
        }
        if self.sync {
            let _timer = self.meter.time(Figure::Sync);
            file.sync_all().map_err(|source| Error::io("syncing", &path, source))?;
        }
        self.output.keep(path);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(directory: &Path, threads: usize, sync: bool) -> Outbox {
        let output = OutputDirectory::open(directory.to_path_buf(), "part".to_string()).unwrap();
        Outbox::new(output, threads, sync, 1 << 21, Meter::default())
    }

    #[test]
    fn files_of_any_size_arrive_whole_and_are_named_at_the_end() {
        for (threads, sync) in [(1, false), (1, true), (2, false)] {
            let directory = tempfile::tempdir().unwrap();
            let mut outbox = outbox(directory.path(), threads, sync);
            let contents = [4usize, 4096, 100_000].map(|len| (0..len).map(|n| n as u8).collect::<Vec<u8>>());
            for bytes in &contents {
                let mut file = outbox.begin().unwrap();
                file.write_all(bytes).unwrap();
                outbox.end(file, bytes.len() as u64).unwrap();
            }
            // Begun and given up.
            outbox.begin().unwrap().write_all(b"no").unwrap();
            let names = outbox.finish().unwrap();
            for (index, bytes) in contents.iter().enumerate() {
                assert_eq!(std::fs::read(names.path(index)).unwrap(), *bytes);
            }
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
        }
    }

    #[test]
    fn a_wrong_size_ends_the_job_and_leaves_nothing() {
        for threads in [1, 2] {
            let directory = tempfile::tempdir().unwrap();
            let mut outbox = outbox(directory.path(), threads, false);
            let mut file = outbox.begin().unwrap();
            file.write_all(b"four").unwrap();
            let error = match outbox.end(file, 5) {
                Err(error) => error,
                Ok(()) => outbox.finish().map(drop).unwrap_err(),
            };
            assert!(error.to_string().contains("4 bytes on disk"), "{error}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_directory_that_went_away_is_told_by_its_own_error() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("gone");
        std::fs::create_dir(&place).unwrap();
        let mut outbox = outbox(&place, 2, false);
        std::fs::remove_dir(&place).unwrap();
        let mut file = outbox.begin().unwrap();
        let failed =
            std::iter::repeat_with(|| file.write_all(&[0; 10_000])).take(1000).find(|sent| sent.is_err());
        assert!(failed.is_some(), "the thread is gone");
        let error = outbox.failure().unwrap();
        assert_eq!(error.kind(), crate::ErrorKind::Io);
        assert!(error.to_string().contains("creating a file in"), "{error}");
        assert!(outbox.begin().is_err());
    }
}
