//! The choices of encoding that were measured, each one change to the settings of the unified writer.

use arrow::datatypes::Schema;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::Failure;

/// Names of the choices; `-` changes nothing.
pub const CHOICES: [&str; 21] = [
    "-",
    "zstd 2",
    "zstd 3",
    "zstd 6",
    "lz4",
    "dictionary 1 MiB",
    "dictionary 256 KiB",
    "dictionary 16 KiB",
    "no dictionary for unique strings",
    "plain rollups",
    "delta for times and ids",
    "plain messages and unique strings",
    "delta bytes for unique strings",
    "dictionaries for rollups",
    "plain sketches without dictionary",
    "pages 16 KiB",
    "pages 256 KiB",
    "pages 1 MiB",
    "statistics cut at 16 bytes",
    "chunk statistics only",
    "bloom filters on ids",
];

const ROLLUPS: [&str; 11] = [
    "rollup_count",
    "rollup_sum",
    "rollup_avg",
    "rollup_min",
    "rollup_max",
    "rollup_p25",
    "rollup_p50",
    "rollup_p75",
    "rollup_p90",
    "rollup_p95",
    "rollup_p99",
];
const UNIQUE: [&str; 2] = ["_cardinalhq.id", "_cardinalhq.span_trace_id"];
const INTEGERS: [&str; 5] =
    ["_cardinalhq.timestamp", "_cardinalhq.tid", "_cardinalhq.fingerprint", "_cardinalhq.value", "log.bytes"];

/// The settings with one choice made differently.
pub fn properties(choice: &str, schema: &Schema) -> Result<WriterProperties, Failure> {
    let settings = || unified::writer_properties(&unified::Columns::default(), schema).into_builder();
    let usual = settings();
    let zstd = |level| Ok::<_, Failure>(Compression::ZSTD(ZstdLevel::try_new(level)?));
    let columns =
        |names: &[&'static str]| names.iter().map(|name| ColumnPath::from(*name)).collect::<Vec<_>>();
    let plain = |names: &[&'static str], encoding: Encoding| {
        let builder = settings();
        columns(names).into_iter().fold(builder, |builder, path| {
            builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
        })
    };
    let messages = [&UNIQUE[..], &["_cardinalhq.message"]].concat();
    let builder = match choice {
        "-" => usual,
        "zstd 2" => usual.set_compression(zstd(2)?),
        "zstd 3" => usual.set_compression(zstd(3)?),
        "zstd 6" => usual.set_compression(zstd(6)?),
        "lz4" => usual.set_compression(Compression::LZ4_RAW),
        "dictionary 1 MiB" => usual.set_dictionary_page_size_limit(1 << 20),
        "dictionary 256 KiB" => usual.set_dictionary_page_size_limit(256 << 10),
        "dictionary 16 KiB" => usual.set_dictionary_page_size_limit(16 << 10),
        "no dictionary for unique strings" => plain(&UNIQUE, Encoding::DELTA_LENGTH_BYTE_ARRAY),
        "plain rollups" => plain(&ROLLUPS, Encoding::PLAIN),
        "delta for times and ids" => plain(&INTEGERS, Encoding::DELTA_BINARY_PACKED),
        "plain messages and unique strings" => plain(&messages, Encoding::PLAIN),
        "delta bytes for unique strings" => plain(&UNIQUE, Encoding::DELTA_BYTE_ARRAY),
        "dictionaries for rollups" => columns(&ROLLUPS).into_iter().fold(usual, |builder, path| {
            builder
                .set_column_dictionary_enabled(path.clone(), true)
                .set_column_encoding(path, Encoding::PLAIN)
        }),
        "plain sketches without dictionary" => plain(&["sketch"], Encoding::PLAIN),
        "pages 16 KiB" => usual.set_data_page_size_limit(16 << 10),
        "pages 256 KiB" => usual.set_data_page_size_limit(256 << 10),
        "pages 1 MiB" => usual.set_data_page_size_limit(1 << 20),
        "statistics cut at 16 bytes" => {
            usual.set_statistics_truncate_length(Some(16)).set_column_index_truncate_length(Some(16))
        }
        "chunk statistics only" => usual.set_statistics_enabled(EnabledStatistics::Chunk),
        "bloom filters on ids" => columns(&["_cardinalhq.tid", "_cardinalhq.span_trace_id"])
            .into_iter()
            .fold(usual, |builder, path| builder.set_column_bloom_filter_enabled(path, true)),
        other => return Err(format!("there is no choice {other}").into()),
    };
    Ok(builder.build())
}
