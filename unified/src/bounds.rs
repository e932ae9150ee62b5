//! Lowest and highest values, cut to a length and still true.
//!
//! A lowest value may be cut anywhere: what is left is not above it. A highest value that is cut must be raised at its
//! last place. Text is cut and raised by whole characters, so that it stays text.

/// A lower bound of at most so many bytes, and whether it is the value itself.
pub(crate) fn lower(value: &[u8], limit: Option<usize>, text: bool) -> (Vec<u8>, bool) {
    match limit {
        Some(limit) if value.len() > limit => (value[..cut(value, limit, text)].to_vec(), false),
        _ => (value.to_vec(), true),
    }
}

/// An upper bound of about so many bytes, and whether it is the value itself. A value that nothing short can exceed is
/// its own bound, however long.
pub(crate) fn upper(value: &[u8], limit: Option<usize>, text: bool) -> (Vec<u8>, bool) {
    let raised = match limit {
        Some(limit) if value.len() > limit => {
            let short = &value[..cut(value, limit, text)];
            if text { raised_text(short) } else { raised_bytes(short) }
        }
        _ => None,
    };
    raised.map_or_else(|| (value.to_vec(), true), |raised| (raised, false))
}

fn cut(value: &[u8], limit: usize, text: bool) -> usize {
    match std::str::from_utf8(value) {
        Ok(value) if text => value.floor_char_boundary(limit),
        _ => limit,
    }
}

fn raised_text(short: &[u8]) -> Option<Vec<u8>> {
    let mut text = std::str::from_utf8(short).ok()?.to_owned();
    while let Some(last) = text.pop() {
        // Past the surrogates, which are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text.into_bytes());
        }
    }
    None
}

fn raised_bytes(short: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = short.to_vec();
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_short_and_true() {
        for (value, text) in [
            ("short".to_owned(), true),
            ("x".repeat(100), true),
            ("é".repeat(50), true),
            (format!("{}\u{10ffff}tail", "a".repeat(7)), true),
            ("\u{d7ff}".repeat(9), true),
            ("\u{10ffff}".repeat(9), true),
        ] {
            for limit in [8, 9, 10, 11] {
                let bytes = value.as_bytes();
                let ((low, _), (high, exact)) =
                    (lower(bytes, Some(limit), text), upper(bytes, Some(limit), text));
                assert!(low.as_slice() <= bytes && high.as_slice() >= bytes, "{value} {limit}");
                assert!(low.len() <= limit);
                assert!(exact || high.len() <= limit + 1);
                assert!(std::str::from_utf8(&low).is_ok() && std::str::from_utf8(&high).is_ok());
            }
        }
        assert_eq!(upper(&[7, 0xff, 0xff], Some(2), false), (vec![8], false));
        assert_eq!(upper(&[0xff; 9], Some(2), false), (vec![0xff; 9], true));
        assert_eq!(lower(b"abc", None, false), (b"abc".to_vec(), true));
    }
}
