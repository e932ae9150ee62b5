//! Segments of logs for `parallax write unified` to be measured with: the data of the comparison with a timestamp, out of order, and
//! some that only a writer meets.

use std::fs::File;
use std::path::Path;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use super::{Failure, Result, batch, ints, lists, long, maps, scattered, texts};

/// Name and what it is.
pub const SEGMENTS: &[(&str, &str)] = &[
    ("narrow", "2,000,000 rows of 4 columns"),
    ("wide", "60,000 rows of 300 columns"),
    ("wide-pages", "60,000 rows of 300 columns, small dictionaries and pages"),
    ("high-cardinality", "1,000,000 rows, every string another"),
    ("values-1mb", "100,000 rows, each 500th with a string of 1 MB"),
    ("values-10mb", "24 strings of 10 MB"),
    ("value-100mb", "one value of 100 MB"),
    ("nested", "50,000 rows of lists and maps"),
    ("large-list", "50,000 lists of 3 elements, one of 5,000,000 among them"),
    ("huge-list", "one list of 50,000,000 elements"),
    ("bomb-flat", "4,000 rows of one dictionary value of 1 MB"),
    ("bomb-nested", "4,000 rows, the same within lists"),
    ("bomb-delta", "4,000 values of 1 MB as differences from each other"),
    ("bomb-gzip", "a page of 256 MB, gzip, that announces 1 MB"),
];

/// The timestamp by which logs are sorted.
const TIME: &str = "_cardinalhq.timestamp";

/// Writes the segments of that name into a directory.
pub fn write(name: &str, folder: &Path) -> Result<()> {
    let zstd = || WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let path = |number: i64| folder.join(format!("{number}.parquet"));
    let rows_of = |columns: Vec<(&str, ArrayRef)>, first: i64| -> Result<RecordBatch> {
        let rows = columns[0].1.len() as i64;
        let times = ints((first..first + rows).map(scattered));
        batch([vec![(TIME, times)], columns].concat())
    };
    let put = |number: i64,
               columns: Vec<(&str, ArrayRef)>,
               first: i64,
               properties: WriterPropertiesBuilder|
     -> Result<()> {
        let rows: RecordBatch = rows_of(columns, first)?;
        let mut writer =
            ArrowWriter::try_new(File::create(path(number))?, rows.schema(), Some(properties.build()))?;
        writer.write(&rows)?;
        writer.close()?;
        Ok(())
    };
    match name {
        "narrow" => (0..4).try_for_each(|part| {
            let rows = part * 500_000..(part + 1) * 500_000;
            let first = rows.start;
            let names = texts(rows.clone().map(|row| format!("service {}", row % 1_000)));
            let columns =
                vec![("x", ints(rows.clone().map(|row| row * 3))), ("y", ints(rows.map(scattered)))];
            put(part, [columns, vec![("name", names)]].concat(), first, zstd())
        }),
        "wide" | "wide-pages" => (0..2).try_for_each(|part| {
            let names: Vec<String> = (0..300).map(|column| format!("column_{column}")).collect();
            let columns = names.iter().zip(0_i64..).map(|(name, column)| {
                let rows = part * 30_000..(part + 1) * 30_000;
                (name.as_str(), ints(rows.map(|row| scattered(row * 300 + column))))
            });
            let small = || zstd().set_dictionary_enabled(false).set_data_page_row_count_limit(2_000);
            let properties = if name == "wide" { zstd() } else { small() };
            put(part, columns.collect(), part * 30_000, properties)
        }),
        "high-cardinality" => (0..4).try_for_each(|part| {
            let rows = part * 250_000..(part + 1) * 250_000;
            let text = |row| format!("row {:x}{:x}", scattered(row), scattered(!row));
            put(part, vec![("text", texts(rows.map(text)))], part * 250_000, zstd())
        }),
        "values-1mb" => (0..4).try_for_each(|part| {
            let rows = part * 25_000..(part + 1) * 25_000;
            let text = |row| if row % 500 == 0 { long(1_000_000, row, 'x') } else { format!("row {row}") };
            put(part, vec![("text", texts(rows.map(text)))], part * 25_000, zstd())
        }),
        "values-10mb" => {
            let large = (0..24).map(|row| long(10_000_000, row, 'x'));
            put(0, vec![("large", texts(large))], 0, zstd())
        }
        "value-100mb" => {
            put(0, vec![("large", texts(std::iter::once(long(100_000_000, 0, 'x'))))], 0, zstd())
        }
        "nested" => {
            let rows = 50_000;
            let values = ints((0..rows * 20).map(scattered));
            let keys = texts((0..rows * 5).map(|it| format!("key {}", it % 5)));
            let maps = maps(keys, values.slice(0, (rows * 5) as usize), 5)?;
            put(0, vec![("list", lists(values, &vec![20; rows as usize])?), ("map", maps)], 0, zstd())
        }
        "large-list" => {
            let mut lengths = vec![3; 50_000];
            lengths[30_000] = 5_000_000;
            let values = ints((0..lengths.iter().sum::<usize>() as i64).map(|it| it % 1_000_003));
            put(0, vec![("list", lists(values, &lengths)?)], 0, zstd())
        }
        "huge-list" => {
            let count = 50_000_000;
            put(0, vec![("list", lists(ints((0..count).map(|it| it % 7)), &[count as usize])?)], 0, zstd())
        }
        "bomb-flat" | "bomb-nested" | "bomb-delta" => {
            let large = zstd().set_dictionary_page_size_limit(64 << 20);
            let delta = zstd()
                .set_dictionary_enabled(false)
                .set_column_encoding("text".into(), Encoding::DELTA_BYTE_ARRAY)
                .set_data_page_size_limit(64 << 20)
                .set_data_page_row_count_limit(1_000);
            let properties = if name == "bomb-delta" { delta } else { large };
            let value = long(1_000_000, 1, 'x');
            let some = |first: i64| -> Result<RecordBatch> {
                let text = texts((0..40).map(|_| value.clone()));
                let text = if name == "bomb-nested" { lists(text, &[1; 40])? } else { text };
                rows_of(vec![("text", text)], first)
            };
            let schema = some(0)?.schema();
            let mut writer = ArrowWriter::try_new(File::create(path(0))?, schema, Some(properties.build()))?;
            for first in (0..4_000).step_by(40) {
                writer.write(&some(first)?)?;
            }
            writer.close()?;
            Ok(())
        }
        "bomb-gzip" => {
            let gzip = WriterProperties::builder()
                .set_compression(Compression::GZIP(GzipLevel::default()))
                .set_dictionary_enabled(false)
                .set_data_page_size_limit(1 << 30)
                .set_data_page_row_count_limit(1 << 30)
                .set_write_batch_size(1 << 26);
            // The first page of the file is the one of zeros.
            let zeros = texts((0..256).map(|_| "0".repeat(1_000_000)));
            let rows = batch(vec![("zeros", zeros), (TIME, ints(0..256))])?;
            let mut writer = ArrowWriter::try_new(File::create(path(0))?, rows.schema(), Some(gzip.build()))?;
            writer.write(&rows)?;
            writer.close()?;
            announce(&path(0), 1_000_000)
        }
        other => Err(format!("there are no segments {other}").into()),
    }
}

/// Changes the uncompressed size that the first page of a file announces; its number has five bytes before and after.
fn announce(path: &Path, bytes: u64) -> Result<()> {
    let mut file = std::fs::read(path)?;
    // Behind the magic: the field of the page's type, 0, then that of its size.
    if file.get(4..7) != Some(&[0x15, 0x00, 0x15])
        || file.get(7..11).is_none_or(|it| it.iter().any(|byte| byte & 0x80 == 0))
    {
        return Err(Failure::from("the first page has another header than expected"));
    }
    let zigzag = bytes << 1;
    for (at, byte) in file[7..12].iter_mut().enumerate() {
        let more = if at < 4 { 0x80 } else { 0 };
        *byte = ((zigzag >> (7 * at)) & 0x7f) as u8 | more;
    }
    std::fs::write(path, file)?;
    Ok(())
}
