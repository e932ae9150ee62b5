//! Arbitrary bytes as a footer: the look at its structure, its decoding with the ordinal filled in, and both openers of files.
//!
//! 1. Nothing panics, nothing takes memory that the bytes merely announce.
//! 2. What a file is opened with can be asked: rows, places, Arrow schema.

use std::cell::OnceCell;

use parallax::output::OutputFile;
use parquet::basic::Compression;

use super::damage::Sound;
use super::input::Input;
use super::sound;

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// One execution. Input: arbitrary bytes after a byte of 255, else which sound file's footer is changed, and how.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let which = usize::from(input.byte());
    let files: &[Sound] = &sound::FILES;
    let footer = if which == 255 { input.rest().to_vec() } else { files[which % files.len()].footer(input) };
    let length = u32::try_from(footer.len()).expect("a short footer").to_le_bytes();
    HOME.with(|home| {
        let home = home.get_or_init(|| tempfile::tempdir().expect("a temporary directory"));
        let path = home.path().join("footer.parquet");
        std::fs::write(&path, [b"PAR1", &footer[..], &length, b"PAR1"].concat()).expect("room for a file");
        let decoded = corpora::footer::decode_metadata(&footer);
        if let Ok(file) = OutputFile::open(&path, "footer.parquet") {
            // A column with a codec that is not known can be left out, so its file is opened.
            let mut chunks = file.metadata.row_groups().iter().flat_map(|group| group.columns());
            let undecoded = chunks.any(|chunk| chunk.compression() == Compression::LZO);
            assert!(decoded.is_ok() || undecoded, "a file is opened whose footer cannot be decoded");
            for row in [0, file.info.rows.saturating_sub(1), u64::MAX] {
                let place = file.place(row);
                assert_eq!(
                    place.row_group.is_some(),
                    row < file.info.rows,
                    "row {row} of {}",
                    file.info.rows
                );
            }
            file.arrow_schema().expect("a schema that was read once");
            file.stated().expect("a footer that was decoded once");
        }
        if let Ok(segment) = corpora::inspect(&path) {
            assert!(decoded.is_ok(), "a segment is opened whose footer cannot be decoded");
            assert_eq!(segment.bytes, footer.len() as u64 + 12);
        }
    });
}
