//! The way of finished files to the disk, beside the work that goes on.
//!
//! 1. The parts of a file are handed to one thread: to put them together, create the file and copy bytes to the system is
//!    work of its own, to wait for the disk none.
//! 2. That thread creates each file under a temporary name, writes it, checks its size, reports it, syncs the file where
//!    asked to, and keeps it.
//! 3. At the end all files get their names. What could not be done before that ends the job, with the thread's own error.
//!
//! With one thread to work with, and nothing to be synced, files are written at once, where they are made. Memory: the
//! parts, which the page pool counts until they are written, and one buffer of 256 KiB, less under a small limit.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::encode::assembly::{Assembled, Assembly};
use crate::error::{Error, Result};
use crate::memory_plan::{MemoryPlan, WRITE_BUFFER};
use crate::output::directory::{Names, OutputDirectory};
use crate::stats::{Figure, Meter};

/// Files on their way.
#[derive(Debug)]
pub(crate) struct Outbox(Way);

#[derive(Debug)]
enum Way {
    Direct {
        writer: Writer,
        done: VecDeque<Assembled>,
    },
    Beside {
        files: SyncSender<Assembly>,
        done: Receiver<Assembled>,
        thread: JoinHandle<Result<Writer>>,
    },
    /// After the failure of the thread was reported.
    Failed,
}

impl Outbox {
    /// `threads` are those to work with; `sync` says whether files are brought to stable storage.
    pub(crate) fn new(
        output: OutputDirectory,
        threads: usize,
        sync: bool,
        memory_limit: u64,
        meter: Meter,
    ) -> Self {
        let buffer = MemoryPlan::of(memory_limit).size(WRITE_BUFFER);
        let writer = Writer { output, sync, buffer, meter };
        Self(if threads < 2 && !sync { Way::direct(writer) } else { Way::beside(writer) })
    }

    /// Takes the next file. [`Self::receive`] yields what it came to.
    ///
    /// # Errors
    /// This file, or an earlier one, could not be written or synced.
    pub(crate) fn send(&mut self, file: Assembly) -> Result<()> {
        let sent = match &mut self.0 {
            Way::Direct { writer, done } => return writer.write(file, |assembled| done.push_back(assembled)),
            Way::Beside { files, .. } => files.send(file).is_ok(),
            Way::Failed => false,
        };
        // The thread has ended only if it failed.
        if sent { Ok(()) } else { Err(self.failure()) }
    }

    /// Waits until the first of the files whose size was not reported yet is written, and yields its size.
    ///
    /// # Errors
    /// This file, or an earlier one, could not be written or synced.
    pub(crate) fn receive(&mut self) -> Result<Assembled> {
        let received = match &mut self.0 {
            Way::Direct { done, .. } => done.pop_front(),
            Way::Beside { done, .. } => done.recv().ok(),
            Way::Failed => None,
        };
        received.map_or_else(|| Err(self.failure()), Ok)
    }

    /// Why the thread ended before its time; reported once.
    fn failure(&mut self) -> Error {
        self.close().err().unwrap_or(Error::Closed("an earlier file could not be written"))
    }

    /// Lets the thread come to its end, and waits for it.
    fn close(&mut self) -> Result<Writer> {
        match std::mem::replace(&mut self.0, Way::Failed) {
            Way::Direct { writer, .. } => Ok(writer),
            Way::Beside { files, thread, .. } => {
                drop(files);
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            Way::Failed => Err(Error::Closed("an earlier file could not be written")),
        }
    }

    /// Waits until all files are safe and gives them their names.
    ///
    /// # Errors
    /// One of them could not be written, synced or named; then there are none.
    pub(crate) fn finish(mut self) -> Result<Names> {
        let mut writer = self.close()?;
        writer.output.commit(writer.sync)?;
        Ok(writer.output.names().clone())
    }
}

impl Way {
    fn direct(writer: Writer) -> Self {
        Self::Direct { writer, done: VecDeque::new() }
    }

    fn beside(writer: Writer) -> Self {
        // One is written, one may wait.
        let (files, waiting) = sync_channel(1);
        let (report, done) = channel();
        // The thread gets its writer when it is there: where none is to be had, the writer is still here.
        let (hand_over, taken) = sync_channel::<Writer>(1);
        let work = move || match taken.recv() {
            Ok(writer) => writer.work(&waiting, &report),
            Err(_) => Err(Error::Closed("it was given up")),
        };
        match std::thread::Builder::new().name("unified-out".to_string()).spawn(work) {
            Ok(thread) => match hand_over.send(writer) {
                Ok(()) => Self::Beside { files, done, thread },
                Err(returned) => Self::direct(returned.0),
            },
            Err(_) => Self::direct(writer),
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        // A writer that gives up wants nothing of the files. The thread must not outlive them.
        drop(self.close());
    }
}

/// Creates, writes, checks and syncs files, one after another.
#[derive(Debug)]
struct Writer {
    output: OutputDirectory,
    sync: bool,
    buffer: usize,
    meter: Meter,
}

impl Writer {
    /// Writes files until the sender is gone.
    fn work(mut self, files: &Receiver<Assembly>, report: &Sender<Assembled>) -> Result<Self> {
        for file in files {
            // A receiver that is gone has given up.
            self.write(file, |assembled| {
                let _ = report.send(assembled);
            })?;
        }
        Ok(self)
    }

    fn write(&mut self, assembly: Assembly, report: impl FnOnce(Assembled)) -> Result<()> {
        let meter = self.meter.clone();
        let assembling = meter.time(Figure::Assemble);
        let (file, path) = self.output.create()?;
        let mut buffered = BufWriter::with_capacity(self.buffer, Timed { file: &file, meter: &meter });
        let mark = Some(self.output.names().mark());
        let assembled = assembly
            .write_to(&mut buffered, mark)
            .map_err(|source| Error::encode("writing", &path, source))?;
        buffered.flush().map_err(|source| Error::io("writing", &path, source))?;
        drop(assembling);
        check(&file, &path, assembled.bytes)?;
        report(assembled);
        if self.sync {
            let _timer = meter.time(Figure::Sync);
            file.sync_all().map_err(|source| Error::io("syncing", &path, source))?;
        }
        self.output.keep(path);
        Ok(())
    }
}

/// Whether all bytes of a file are there.
fn check(file: &File, path: &Path, bytes: u64) -> Result<()> {
    let on_disk = file.metadata().map_err(|source| Error::io("checking", path, source))?.len();
    if on_disk != bytes {
        let message = format!("short write: {bytes} bytes written, {on_disk} bytes on disk");
        return Err(Error::io("writing", path, std::io::Error::other(message)));
    }
    Ok(())
}

/// A file that takes the time of writing.
struct Timed<'a> {
    file: &'a File,
    meter: &'a Meter,
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _timer = self.meter.time(Figure::Write);
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
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

    /// A file without rows, made with an additional entry of so many bytes.
    fn file(bytes: usize) -> Assembly {
        let properties =
            parquet::file::properties::WriterProperties::builder().set_created_by("x".repeat(bytes)).build();
        Assembly {
            types: Vec::new(),
            fields: Vec::new(),
            properties: properties.into(),
            row_groups: Vec::new(),
            chunk_bytes: 0,
            leaf_chunks: 0,
        }
    }

    #[test]
    fn files_of_any_size_arrive_whole_and_are_named_at_the_end() {
        for (threads, sync) in [(1, false), (1, true), (2, false)] {
            let directory = tempfile::tempdir().unwrap();
            let mut outbox = outbox(directory.path(), threads, sync);
            let mut sizes = Vec::new();
            for bytes in [4usize, 4096, 100_000] {
                outbox.send(file(bytes)).unwrap();
                sizes.push(outbox.receive().unwrap().bytes);
            }
            let names = outbox.finish().unwrap();
            for (index, size) in sizes.iter().enumerate() {
                let bytes = std::fs::read(names.path(index)).unwrap();
                assert_eq!((bytes.len() as u64, &bytes[..4]), (*size, &b"PAR1"[..]));
            }
            assert!(sizes[2] > 100_000);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3 + 1);
            let mark = std::fs::read_to_string(directory.path().join("_SUCCESS")).unwrap();
            assert_eq!(mark, "part-00000.parquet\npart-00001.parquet\npart-00002.parquet\n");
        }
    }

    #[test]
    fn a_file_that_is_shorter_than_what_was_written_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"four").unwrap();
        check(file.as_file(), file.path(), 4).unwrap();
        let error = check(file.as_file(), file.path(), 5).unwrap_err().to_string();
        assert!(error.contains("short write: 5 bytes written, 4 bytes on disk"), "{error}");
    }

    #[test]
    fn who_gives_up_leaves_nothing() {
        for threads in [1, 2] {
            let directory = tempfile::tempdir().unwrap();
            let mut outbox = outbox(directory.path(), threads, false);
            outbox.send(file(100)).unwrap();
            outbox.send(file(100)).unwrap();
            drop(outbox);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_directory_that_went_away_is_told_by_its_own_error() {
        for threads in [1, 2] {
            let directory = tempfile::tempdir().unwrap();
            let place = directory.path().join("gone");
            std::fs::create_dir(&place).unwrap();
            let mut outbox = outbox(&place, threads, false);
            std::fs::remove_dir(&place).unwrap();
            let error = outbox.send(file(10)).and_then(|()| outbox.receive().map(drop)).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Io);
            assert!(error.to_string().contains("creating a file in"), "{error}");
            if threads == 2 {
                assert!(outbox.send(file(10)).is_err(), "the thread is gone");
            }
        }
    }
}
