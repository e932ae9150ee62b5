//! Lengths of the strings in a page, read without the strings: how large a value is, and what all of them come to.

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::schema::types::ColumnDescriptor;

use crate::input::thrift::Thrift;

/// Lengths of strings: of the longest, and of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) longest: u64,
    pub(crate) total: u64,
}

/// Whether lengths are stored as differences.
pub(crate) fn are_differences(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY)
}

/// The length of the longest of strings that are stored one behind the other, each with its length before it.
pub(crate) fn longest_plain(mut bytes: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length).min(rest.len() as u64));
        bytes = rest.get(length as usize..).unwrap_or_default();
    }
    longest
}

/// The repetition levels of a page, without the length before them, and what is behind all levels.
///
/// # Errors
/// Levels that do not lie within the page, as a fragment.
pub(crate) fn parts<'a>(page: &'a Page, column: &ColumnDescriptor) -> Result<(&'a [u8], &'a [u8]), String> {
    let early = || "its levels end early".to_owned();
    let bytes: &[u8] = page.buffer();
    if let Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } = page {
        let repetition = bytes.get(..*rep_levels_byte_len as usize).ok_or_else(early)?;
        let levels = (*def_levels_byte_len as usize).saturating_add(repetition.len());
        return Ok((repetition, bytes.get(levels..).ok_or_else(early)?));
    }
    let (mut rest, mut repetition) = (bytes, &bytes[..0]);
    for (index, most) in [column.max_rep_level(), column.max_def_level()].into_iter().enumerate() {
        if most > 0 {
            let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(early)?;
            let (levels, behind) =
                behind.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(early)?;
            if index == 0 {
                repetition = levels;
            }
            rest = behind;
        }
    }
    Ok((repetition, rest))
}

/// The lengths of the strings of a page that stores them as differences. Refused is one that announces more of them than it has
/// slots: the Parquet crate reserves what is announced.
///
/// # Errors
/// What is wrong, as a fragment.
pub(crate) fn of_differences(page: &Page, column: &ColumnDescriptor) -> Result<Lengths, String> {
    let (_, mut values) = parts(page, column)?;
    let streams = if page.encoding() == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
    let mut lengths = Lengths::default();
    for _ in 0..streams {
        if values.is_empty() {
            break;
        }
        let (length, some) = differences(values, u64::from(page.num_values()))?;
        lengths.longest = lengths.longest.saturating_add(some.longest);
        lengths.total = lengths.total.saturating_add(some.total);
        values = values.get(length..).unwrap_or_default();
    }
    Ok(lengths)
}

/// Bytes that numbers stored as differences take, if there are at most so many, and what they are. Those below zero, which no
/// length is, count as nothing: the decoder refuses them.
fn differences(bytes: &[u8], most: u64) -> Result<(usize, Lengths), String> {
    let mut thrift = Thrift::new(bytes);
    let (block, minis, count) = (thrift.varint()?, thrift.varint()?, thrift.varint()?);
    let mut value = thrift.zigzag()?;
    if count > most {
        return Err(format!("it announces {count} lengths in a page of {most} values"));
    }
    let mini = block.checked_div(minis).filter(|mini| *mini > 0).ok_or("its lengths have empty blocks")?;
    let mut lengths = Lengths::default();
    let mut note = |value: i64| {
        let length = u64::try_from(value).unwrap_or(0);
        lengths.longest = lengths.longest.max(length);
        lengths.total = lengths.total.saturating_add(length);
    };
    let mut left = count;
    if left > 0 {
        note(value);
        left -= 1;
    }
    while left > 0 {
        let lowest = thrift.zigzag()?;
        thrift.room(minis)?;
        let widths: Vec<u8> = (0..minis).map(|_| thrift.byte()).collect::<Result<_, _>>()?;
        for width in widths {
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(format!("its lengths have {width} bits"));
            }
            let from = thrift.position();
            // The last ones may be cut off behind their last value.
            let stored = u64::from(width).saturating_mul(mini).div_ceil(8).min((bytes.len() - from) as u64);
            thrift.skip(stored)?;
            let packed = &bytes[from..thrift.position()];
            let taken = left.min(mini);
            if u64::from(width).saturating_mul(taken).div_ceil(8) > stored {
                return Err("its lengths end early".to_owned());
            }
            for index in 0..taken {
                let difference = bits(packed, index as usize * usize::from(width), width);
                value = value.wrapping_add(lowest).wrapping_add(difference.cast_signed());
                note(value);
            }
            left -= taken;
        }
    }
    Ok((thrift.position(), lengths))
}

/// A number of so many bits (64 at most), the lowest first.
fn bits(bytes: &[u8], first: usize, width: u8) -> u64 {
    let mut window = [0; 16];
    let from = (first / 8).min(bytes.len());
    let some = &bytes[from..bytes.len().min(from + 9)];
    window[..some.len()].copy_from_slice(some);
    let number = u128::from_le_bytes(window) >> (first % 8);
    (number & ((1 << width) - 1)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_announce_more_than_the_page_has_are_refused() {
        // Blocks of 128 in four parts, 2^40 lengths.
        let bytes = [0x80, 0x01, 0x04, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x00];
        assert!(differences(&bytes, 100).unwrap_err().contains("1099511627776 lengths"));
        // One length alone, 3, has no blocks.
        assert_eq!(
            differences(&[0x80, 0x01, 0x04, 0x01, 0x06], 1),
            Ok((5, Lengths { longest: 3, total: 3 }))
        );
        // Three lengths, 3, 4 and 6: one block whose lowest difference is 1 and whose first part has values of two bits, 8 bytes
        // for 32 of them.
        let packed = [0b0100, 0, 0, 0, 0, 0, 0, 0];
        let bytes = [&[0x80, 0x01, 0x04, 0x03, 0x06, 0x02, 2, 0, 0, 0][..], &packed, b"rest"].concat();
        assert_eq!(differences(&bytes, 3), Ok((18, Lengths { longest: 6, total: 13 })));
        assert!(differences(&bytes[..10], 3).unwrap_err().contains("end early"));
        assert!(differences(&[0x80, 0x01, 0x00, 0x03, 0x06], 3).unwrap_err().contains("empty blocks"));
        let wide = [0x80, 0x01, 0x04, 0x03, 0x06, 0x02, 65, 0, 0, 0, 0, 0, 0];
        assert!(differences(&wide, 3).unwrap_err().contains("65 bits"));
    }

    #[test]
    fn the_longest_of_plain_strings_is_found_and_a_length_that_lies_is_cut() {
        let strings = [&[2, 0, 0, 0][..], b"ab", &[3, 0, 0, 0], b"abc", &[1, 0, 0, 0], b"a"].concat();
        assert_eq!(longest_plain(&strings), 3);
        assert_eq!(longest_plain(&[0xff, 0xff, 0xff, 0xff, b'x']), 1);
    }

    #[test]
    fn numbers_of_any_width_are_read_across_bytes() {
        let bytes = [0xff; 9];
        assert_eq!(bits(&bytes, 7, 64), u64::MAX);
        assert_eq!(bits(&[0b1010_0110, 0b1], 5, 4), 0b1101);
        assert_eq!(bits(&[], 0, 0), 0);
    }
}
