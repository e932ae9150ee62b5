//! Copies one file of a side's output to where it is kept.
//!
//! Holes stay holes: a file of a terabyte that holds nothing takes no more room as a copy. A file that its owner may not read is
//! passed over, the report says that it cannot be read.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use rustix::fs::SeekFrom as Sparse;
use rustix::io::Errno;

/// Copies `from` to `to`, which is made or overwritten.
///
/// # Errors
/// Where `from` cannot be read, `to` cannot be written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = match corpora::regular::open(from) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
        source => source?,
    };
    let mut target = File::create(to)?;
    let length = source.metadata()?.len();
    let mut at = 0;
    while at < length {
        let data = match rustix::fs::seek(&source, Sparse::Data(at)) {
            Ok(data) => data,
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => break,
            // A file system that knows no holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
            Err(error) => return Err(error.into()),
        };
        let end = match rustix::fs::seek(&source, Sparse::Hole(data)) {
            Ok(end) => end,
            Err(Errno::INVAL | Errno::OPNOTSUPP) => length,
            Err(error) => return Err(error.into()),
        };
        source.seek(SeekFrom::Start(data))?;
        target.seek(SeekFrom::Start(data))?;
        let copied = io::copy(&mut Read::by_ref(&mut source).take(end.saturating_sub(data)), &mut target)?;
        if copied == 0 {
            break;
        }
        at = data + copied;
    }
    target.set_len(length)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_copy_has_the_bytes_and_the_holes() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let mut file = File::create(&from).unwrap();
        file.write_all(b"head").unwrap();
        file.seek(SeekFrom::Start(64 << 20)).unwrap();
        file.write_all(b"tail").unwrap();
        file.set_len(1 << 30).unwrap();
        copy(&from, &to).unwrap();
        let found = std::fs::metadata(&to).unwrap();
        assert_eq!(found.len(), 1 << 30);
        assert!(found.blocks() * 512 < 8 << 20, "{} blocks", found.blocks());
        let mut copied = File::open(&to).unwrap();
        let mut bytes = [1; 8];
        copied.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"head\0\0\0\0");
        copied.seek(SeekFrom::Start(64 << 20)).unwrap();
        copied.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"tail\0\0\0\0");
    }

    #[test]
    fn a_plain_file_and_an_empty_one_are_copied_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for content in [&b""[..], b"x", &[7; 100_000]] {
            std::fs::write(&from, content).unwrap();
            copy(&from, &to).unwrap();
            assert_eq!(std::fs::read(&to).unwrap(), content);
        }
    }
}
