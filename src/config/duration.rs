//! Durations as people write them: a whole number and a unit, `250ms`, `30s`, `10m`, `1h`.

use std::time::Duration;

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Reads a duration.
///
/// # Errors
/// A sentence that says what is wrong; zero is refused.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is not a duration; write a whole number and ms, s, m or h, for example \"10m\"");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let &(_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    match number.checked_mul(millis) {
        Some(0) => Err(format!("{text:?} is no time at all")),
        Some(total) => Ok(Duration::from_millis(total)),
        None => Err(format!("{text:?} is too long")),
    }
}

/// Writes a duration in the largest unit that divides it.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let unit = UNITS.iter().find(|(_, unit)| millis != 0 && millis.is_multiple_of(u128::from(*unit)));
    let (name, size) = unit.copied().unwrap_or(("ms", 1));
    format!("{}{name}", millis / u128::from(size))
}

/// Reads an age: as a duration, and also in whole days, `7d`.
///
/// # Errors
/// A sentence that says what is wrong; zero is refused.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is not an age; write a whole number and d, h, m or s, at least 1, for example \"7d\""
        )
    };
    let Some(days) = text.strip_suffix('d') else { return parse_duration(text).map_err(|_| wrong()) };
    let plain = days.bytes().all(|byte| byte.is_ascii_digit());
    let days: u64 = days.parse().ok().filter(|days| plain && *days > 0).ok_or_else(wrong)?;
    days.checked_mul(DAY).map(Duration::from_secs).ok_or_else(wrong)
}

/// Writes an age in days where it is a whole number of them, else as a duration.
#[must_use]
pub fn format_age(age: Duration) -> String {
    let whole = age.as_secs() > 0 && age.subsec_nanos() == 0 && age.as_secs().is_multiple_of(DAY);
    if whole { format!("{}d", age.as_secs() / DAY) } else { format_duration(age) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_and_a_unit_make_a_duration() {
        for (text, millis) in [("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "10",
            "m",
            "10 m",
            "-1s",
            "1.5h",
            "1h30m",
            "10d",
            "0s",
            "99999999999999999999s",
            "9999999999999999999h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_may_be_told_in_days() {
        for (text, seconds) in [("7d", 604_800), ("1d", 86_400), ("36h", 129_600), ("90m", 5_400)] {
            assert_eq!(parse_age(text), Ok(Duration::from_secs(seconds)));
            assert_eq!(format_age(Duration::from_secs(seconds)), text);
        }
        for text in ["", "d", "0d", "7", "+7d", "-1d", "1.5d", "7 d", "0s", "1w", "99999999999999999999d"] {
            let message = parse_age(text).unwrap_err();
            assert!(message.contains("for example \"7d\""), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 1_u64..u64::MAX / 4) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }
}
