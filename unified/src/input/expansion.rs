//! What a compressed page really comes to, counted without being kept.
//!
//! The Parquet crate decompresses Snappy, zstd and raw LZ4 into a buffer of the size that the page header announces. Gzip, Brotli
//! and framed LZ4 it decompresses to their end, whatever was announced, and compares afterwards: a page of some kilobytes
//! becomes gigabytes. So pages of these codecs are decompressed here first, and refused once they exceed their header.
//!
//! Snappy states its own length, which the crate does not compare with the header where it is less: the rest of the page is zeros.
//!
//! Cost: pages of these three codecs are decompressed twice. Memory: the decompressor's window, 16 MiB at most (Brotli).

use std::io::Read;

use parquet::basic::Compression;

use crate::input::page_header::Header;
use crate::input::thrift::Thrift;

/// Bytes that the length before a Snappy block may have.
pub(crate) const SNAPPY_LENGTH: usize = 5;

/// Bytes that are decompressed at once.
const STEP: usize = 32 << 10;

/// Whether the Parquet crate decompresses pages of this codec without a bound.
pub(crate) fn is_unbounded(codec: Compression) -> bool {
    matches!(codec, Compression::GZIP(_) | Compression::BROTLI(_) | Compression::LZ4)
}

/// Refuses a page whose Snappy block, of which these are the first bytes, has another length than the header announces.
///
/// # Errors
/// Both lengths, as a fragment.
pub(crate) fn check_snappy(header: &Header, stored: &[u8]) -> Result<(), String> {
    if header.plain || header.body <= header.levels {
        return Ok(());
    }
    let announced = header.uncompressed.saturating_sub(header.levels);
    // What is no length is left to the decoder.
    match Thrift::new(stored).varint() {
        Ok(real) if real != announced => {
            Err(format!("it decompresses to {real} bytes and announces {announced}"))
        }
        _ => Ok(()),
    }
}

/// Refuses a page that comes to more than its header announces. `stored` are its bytes behind the header. One that comes to less,
/// or is damaged, is left to the Parquet crate, which refuses it without needing memory.
///
/// # Errors
/// How much was announced, as a fragment.
pub(crate) fn check(header: &Header, codec: Compression, stored: impl Read) -> Result<(), String> {
    if header.plain {
        return Ok(());
    }
    let mut stored = stored.take(header.body);
    let announced = header.uncompressed.saturating_sub(header.levels);
    // What cannot be read is noted by the file, and met again.
    if std::io::copy(&mut stored.by_ref().take(header.levels), &mut std::io::sink()).is_err() {
        return Ok(());
    }
    let more = match codec {
        Compression::GZIP(_) => exceeds(flate2::read::MultiGzDecoder::new(stored), announced),
        Compression::BROTLI(_) => exceeds(brotli::Decompressor::new(stored, STEP), announced),
        // Other forms of LZ4 are no frames: they end here at once, and are bounded by the crate.
        Compression::LZ4 => exceeds(lz4_flex::frame::FrameDecoder::new(stored), announced),
        _ => false,
    };
    if more {
        return Err(format!(
            "it decompresses to more than the {} bytes that it announces",
            header.uncompressed
        ));
    }
    Ok(())
}

/// Whether there are more bytes than so many.
fn exceeds(mut decompressed: impl Read, announced: u64) -> bool {
    let (mut buffer, mut total) = (vec![0; STEP], 0_u64);
    while total <= announced {
        match decompressed.read(&mut buffer) {
            Ok(0) => return false,
            Ok(bytes) => total += bytes as u64,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use parquet::basic::{BrotliLevel, GzipLevel};

    use super::*;

    fn compressed(codec: Compression, bytes: &[u8]) -> Vec<u8> {
        match codec {
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
            _ => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    #[test]
    fn a_snappy_block_has_the_length_that_is_announced() {
        // 300, in two bytes.
        let stored = [0xac, 0x02, 0x00];
        let header = |uncompressed, levels| Header { uncompressed, body: 9, levels, ..Header::default() };
        check_snappy(&header(300, 0), &stored).unwrap();
        check_snappy(&header(304, 4), &stored).unwrap();
        assert!(check_snappy(&header(301, 0), &stored).unwrap_err().contains("300 bytes and announces 301"));
        assert!(check_snappy(&header(299, 0), &stored).is_err());
        // A page of levels alone, and one that is not compressed.
        check_snappy(&header(9, 9), &stored).unwrap();
        check_snappy(&Header { plain: true, ..header(9, 0) }, &stored).unwrap();
    }

    #[test]
    fn a_page_may_come_to_what_it_announces_and_to_no_byte_more() {
        let bytes = vec![7; 300_000];
        for codec in [
            Compression::GZIP(GzipLevel::default()),
            Compression::BROTLI(BrotliLevel::default()),
            Compression::LZ4,
        ] {
            assert!(is_unbounded(codec));
            let stored = compressed(codec, &bytes);
            let header = |uncompressed: u64, levels: u64| Header {
                uncompressed,
                body: stored.len() as u64 + levels,
                levels,
                ..Header::default()
            };
            check(&header(300_000, 0), codec, &stored[..]).unwrap();
            check(&header(300_001, 0), codec, &stored[..]).unwrap();
            let refused = check(&header(299_999, 0), codec, &stored[..]).unwrap_err();
            assert!(refused.contains("more than the 299999 bytes"), "{refused}");
            // Levels stand before what is compressed.
            let second = [&[0xff; 5][..], &stored].concat();
            check(&header(300_005, 5), codec, &second[..]).unwrap();
            assert!(check(&header(300_004, 5), codec, &second[..]).is_err(), "{codec}");
            let plain = Header { plain: true, ..header(1, 0) };
            check(&plain, codec, &stored[..]).unwrap();
            // Damage is the decoder's to name.
            check(&header(10, 0), codec, &stored[..4]).unwrap();
            check(&header(10, 0), codec, &b"neither of them"[..]).unwrap();
        }
    }
}
