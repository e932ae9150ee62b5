//! Pages that lie about what they decompress to, about their codec or about the lengths of their strings.

use std::io::Write;

use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use super::hostile::{file_of, refused, run_both, with_chunk};
use super::*;

/// Rows of the one page.
const ROWS: i64 = 100;

fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A file like `base`, of one column, whose only page has these bytes and announces so many.
fn one_page(base: &[u8], codec: Compression, encoding: u8, body: &[u8], announced: u64) -> Vec<u8> {
    let mut header = vec![0x15, 0x00, 0x15];
    varint(announced << 1, &mut header);
    header.push(0x15);
    varint((body.len() as u64) << 1, &mut header);
    header.extend([0x2c, 0x15]);
    varint((ROWS as u64) << 1, &mut header);
    header.extend([0x15, encoding << 1, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00]);
    let metadata =
        ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::copy_from_slice(base)).unwrap();
    let mut builder = metadata.into_builder();
    let group = builder.take_row_groups().remove(0);
    let mut group = group.into_builder();
    let chunk = group.take_columns().remove(0).into_builder();
    let chunk = chunk
        .set_compression(codec)
        .set_data_page_offset(4)
        .set_dictionary_page_offset(None)
        .set_total_compressed_size((header.len() + body.len()) as i64)
        .set_total_uncompressed_size((header.len() as u64 + announced) as i64)
        .set_statistics_none()
        .build()
        .unwrap();
    let group = group.set_column_metadata(vec![chunk]).build().unwrap();
    let metadata = builder.set_row_groups(vec![group]).build();
    let mut file = [b"PAR1", &header[..], body].concat();
    ParquetMetaDataWriter::new(&mut file, &metadata).finish().unwrap();
    file
}

trait WithoutStatistics {
    fn set_statistics_none(self) -> Self;
}

impl WithoutStatistics for parquet::file::metadata::ColumnChunkMetaDataBuilder {
    fn set_statistics_none(self) -> Self {
        self.clear_statistics().set_page_encoding_stats(Vec::new())
    }
}

/// A file of a required column, so that its pages have no levels.
fn base(array: ArrayRef, encoding: Option<Encoding>) -> Vec<u8> {
    let field = Field::new("n", array.data_type().clone(), false);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
    let plain = WriterProperties::builder().set_dictionary_enabled(false);
    file_of(&rows, encoding.into_iter().fold(plain, WriterPropertiesBuilder::set_encoding))
}

/// The bytes as the codec stores them.
fn compressed(codec: Compression, bytes: &[u8]) -> Vec<u8> {
    match codec {
        Compression::UNCOMPRESSED => bytes.to_vec(),
        Compression::GZIP(_) => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::BROTLI(_) => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 22);
            encoder.write_all(bytes).unwrap();
            encoder.into_inner()
        }
        Compression::LZ4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::LZ4_RAW => lz4_flex::block::compress(bytes),
        Compression::ZSTD(_) => zstd::bulk::compress(bytes, 1).unwrap(),
        // Snappy: the length, then literals of at most 2^16 bytes.
        _ => {
            let mut stored = Vec::new();
            varint(bytes.len() as u64, &mut stored);
            for literal in bytes.chunks(1 << 16) {
                stored.push(61 << 2);
                stored.extend(((literal.len() - 1) as u16).to_le_bytes());
                stored.extend(literal);
            }
            stored
        }
    }
}

fn codecs() -> [Compression; 6] {
    [
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
    ]
}

#[test]
fn a_page_that_decompresses_to_another_size_than_it_announces_is_refused_whatever_the_codec() {
    let base = base(ints(0..ROWS), None);
    let values: Vec<u8> = (0..ROWS).flat_map(i64::to_le_bytes).collect();
    for codec in codecs() {
        let file = |bytes: &[u8], announced| one_page(&base, codec, 0, &compressed(codec, bytes), announced);
        for written in run_both(&file(&values, 800), 64 << 20) {
            assert_eq!(written.unwrap(), ROWS as u64, "{codec}");
        }
        for announced in [0, 1, 799, 801, 100_000] {
            refused(&file(&values, announced), "hostile-0, row group 0");
        }
        // The values, and much behind them.
        let more = [&values[..], &[0; 3_000_000]].concat();
        refused(&file(&more, 800), "hostile-0, row group 0");
    }
    for codec in &codecs()[..3] {
        let more = vec![0; 64 << 20];
        let file = one_page(&base, *codec, 0, &compressed(*codec, &more), 800);
        refused(&file, "column `n`: page 0 at byte 4: it decompresses to more than the 800 bytes");
    }
}

#[test]
fn a_page_that_is_stored_as_it_is_is_as_large_as_it_is_whatever_it_announces() {
    let base = base(ints(0..ROWS), None);
    let values = vec![0; 70 << 20];
    let file = one_page(&base, Compression::UNCOMPRESSED, 0, &values, 800);
    refused(&file, "column `n`, page of row 0");
}

#[test]
fn codecs_that_are_unknown_or_not_supported_are_refused() {
    let rows = batch(vec![("n", ints(0..ROWS))]);
    let file = file_of(&rows, WriterProperties::builder());
    let with =
        |codec| with_chunk(&file, 0, |chunk| chunk.into_builder().set_compression(codec).build().unwrap());
    refused(&with(Compression::LZO), "LZO");
    // Where the footers of two codecs differ is the codec.
    let (mut one, other) = (with(Compression::LZO), with(Compression::SNAPPY));
    let differing: Vec<usize> = (0..one.len()).filter(|at| one[*at] != other[*at]).collect();
    assert_eq!(differing.len(), 1);
    for codec in [9, 63] {
        one[differing[0]] = codec << 1;
        refused(&one, "hostile-0");
    }
}

/// Numbers stored as differences: one block header, then blocks of bare bytes.
fn differences(count: u64, first: i64, blocks: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, 0x01, 0x04];
    varint(count, &mut bytes);
    varint((first << 1 ^ first >> 63).cast_unsigned(), &mut bytes);
    bytes.extend(blocks);
    bytes
}

#[test]
fn lengths_of_strings_that_lie_are_refused() {
    let strings = texts((0..ROWS).map(|_| "abc".to_owned()));
    let all_equal = [0x00, 0x00, 0x00, 0x00, 0x00];
    let abc = b"abc".repeat(ROWS as usize);
    for (encoding, number) in [(Encoding::DELTA_LENGTH_BYTE_ARRAY, 6), (Encoding::DELTA_BYTE_ARRAY, 7)] {
        let base = base(strings.clone(), Some(encoding));
        // What is shared with the string before: nothing.
        let prefix = if number == 7 { differences(ROWS as u64, 0, &all_equal) } else { Vec::new() };
        let file = |lengths: &[u8], bytes: &[u8]| {
            let body = [&prefix, lengths, bytes].concat();
            one_page(&base, Compression::UNCOMPRESSED, number, &body, body.len() as u64)
        };
        let honest = differences(ROWS as u64, 3, &all_equal);
        for written in run_both(&file(&honest, &abc), 64 << 20) {
            assert_eq!(written.unwrap(), ROWS as u64, "{encoding}");
        }
        refused(&file(&differences(1 << 40, 3, &all_equal), &abc), "1099511627776 lengths");
        refused(&file(&differences(ROWS as u64 + 1, 3, &all_equal), &abc), "101 lengths in a page of 100");
        refused(&file(&differences(ROWS as u64, 1 << 30, &all_equal), &abc), "hostile-0, row group 0");
        refused(&file(&differences(ROWS as u64, -3, &all_equal), &abc), "hostile-0, row group 0");
        refused(&file(&differences(ROWS as u64, 3, &[0x00, 65, 0, 0, 0]), &abc), "65 bits");
        refused(&file(&differences(ROWS as u64, 3, &[0x00, 32, 32, 32, 32]), &[]), "end early");
        refused(&file(&honest, &abc[1..]), "hostile-0, row group 0");
        let empty_blocks = [&[0x80, 0x01, 0x00][..], &honest[3..]].concat();
        refused(&file(&empty_blocks, &abc), "empty blocks");
    }
}

#[test]
fn levels_that_begin_more_rows_than_there_are_end_in_an_error() {
    use arrow::array::ListArray;
    use arrow::buffer::OffsetBuffer;
    // So many elements that their levels are read beforehand.
    let lengths = [vec![1_000_000], vec![1; 1000]].concat();
    let items = ints((0..1_001_000).map(|n| n % 5));
    let item = Arc::new(Field::new("item", items.data_type().clone(), true));
    let list: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), items, None));
    let file = file_of(&batch(vec![("list", list)]), WriterProperties::builder());
    let fewer = super::hostile::with_footer(&file, |metadata| {
        super::hostile::with_group(metadata, |group| group.into_builder().set_num_rows(900).build().unwrap())
    });
    refused(&fewer, "begin more rows than the 900");
}
