//! Bringing finished files to stable storage beside the work that goes on.
//!
//! Waiting for the disk costs time but no processor, so one thread does it while further files are encoded. At most
//! [`WAITING`] files are open for it. What it could not do ends the job before any file has its final name.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::stats::{Figure, Meter};

/// Files that may wait.
const WAITING: usize = 4;

/// The thread that syncs, and the way to it.
#[derive(Debug)]
struct Running {
    files: SyncSender<(File, PathBuf)>,
    thread: JoinHandle<Result<()>>,
}

/// Syncs files in the order in which they come.
#[derive(Debug)]
pub(crate) struct Syncer {
    meter: Meter,
    running: Option<Running>,
}

impl Syncer {
    pub(crate) fn new(meter: Meter) -> Self {
        Self { meter, running: None }
    }

    /// Hands a file over; waits while too many are waiting already.
    ///
    /// # Errors
    /// An earlier file could not be synced.
    pub(crate) fn push(&mut self, file: File, path: &Path) -> Result<()> {
        if self.running.is_none() {
            let (sender, waiting) = sync_channel::<(File, PathBuf)>(WAITING);
            let meter = self.meter.clone();
            let work = move || {
                waiting.iter().try_for_each(|(file, path)| {
                    let _timer = meter.time(Figure::Sync);
                    file.sync_all().map_err(|source| Error::io("syncing", &path, source))
                })
            };
            match std::thread::Builder::new().name("unified-sync".to_string()).spawn(work) {
                Ok(thread) => self.running = Some(Running { files: sender, thread }),
                // No thread is to be had: then here and now.
                Err(_) => return file.sync_all().map_err(|source| Error::io("syncing", path, source)),
            }
        }
        match &self.running {
            // The thread has ended only if it failed.
            Some(running) if running.files.send((file, path.to_path_buf())).is_err() => self.finish(),
            _ => Ok(()),
        }
    }

    /// Waits until all files are safe.
    ///
    /// # Errors
    /// One of them could not be synced.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let Some(Running { files, thread }) = self.running.take() else { return Ok(()) };
        drop(files);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        // Whoever gives up wants nothing of the files; the thread must not outlive them.
        drop(self.finish());
    }
}
