//! Arbitrary bytes as the pages of a column chunk, walked by their headers.
//!
//! 1. Nothing panics; the walk ends.
//! 2. Where it succeeds, the pages lie one behind the other from the chunk's first byte to its last.

use std::cell::OnceCell;
use std::sync::{Arc, LazyLock};

use parallax::output::pages;
use parquet::basic::Type as Physical;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, Type};

use super::input::Input;
use super::{sound, thrift};

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

static COLUMN: LazyLock<ColumnDescPtr> = LazyLock::new(|| {
    let leaf = Type::primitive_type_builder("column", Physical::BYTE_ARRAY).build().expect("a leaf");
    let root = Type::group_type_builder("root").with_fields(vec![Arc::new(leaf)]).build().expect("a root");
    SchemaDescriptor::new(Arc::new(root)).column(0)
});

/// Headers of sound pages, with their places in the bytes of a file.
static HEADERS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    sound::FILES.iter().flat_map(|file| file.structures().map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
});

/// One execution. Input: arbitrary bytes after a byte of 255, else a series of sound headers, each changed, with short bodies.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let body = if input.byte() == 255 {
        input.rest().to_vec()
    } else {
        let mut body = Vec::new();
        while !input.is_empty() && body.len() < 1 << 16 {
            let header = &HEADERS[input.below(HEADERS.len())];
            let (mut tree, _) = thrift::read(header).expect("a header that was read once");
            for _ in 0..input.byte() % 4 {
                tree.change(&mut input);
            }
            tree.write(&mut body);
            body.extend((0..input.byte()).map(|_| 0));
        }
        body
    };
    HOME.with(|home| {
        let home = home.get_or_init(|| tempfile::tempdir().expect("a temporary directory"));
        let path = home.path().join("pages");
        std::fs::write(&path, &body).expect("room for a file");
        let sizes = [body.len() as i64, body.len() as i64 / 2, i64::MAX, -1];
        for (claimed, values) in sizes.into_iter().flat_map(|size| [(size, i64::MAX), (size, 3)]) {
            let chunk = ColumnChunkMetaData::builder(Arc::clone(&COLUMN))
                .set_data_page_offset(0)
                .set_total_compressed_size(claimed)
                .set_num_values(values)
                .build()
                .expect("a chunk");
            let Ok(pages) = pages::walk(&path, 0, &chunk) else { continue };
            let mut at = 0;
            for page in &pages {
                assert_eq!(page.offset, at, "pages have a gap or overlap");
                assert!(page.bytes > 0, "a page takes no room");
                at += page.bytes;
            }
            // Behind the last value there may be anything.
            if values == i64::MAX {
                assert_eq!(i64::try_from(at), Ok(claimed), "the pages do not end where the chunk ends");
            }
        }
    });
}
