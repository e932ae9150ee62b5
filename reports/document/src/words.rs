//! Numbers, durations, places and outcomes in words, alike in every format.

use crate::finding::{Place, Severity};
use crate::report::{CheckStatus, Coverage, Mode, Verdict};

/// `1234567` as `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2,000 rows`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Bytes in the largest binary unit that keeps at least one digit before the point.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return counted(number, "byte", "bytes");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let places = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.places$} {}", UNITS[unit])
}

/// Milliseconds as `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
#[must_use]
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", count(seconds / 3600), seconds % 3600 / 60),
    }
}

/// A share as per cent with one decimal.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `a.parquet, row group 0, row 12, column body`, or nothing for an empty place.
#[must_use]
pub fn place(place: &Place) -> Option<String> {
    let mut parts = Vec::new();
    parts.extend(place.file.clone());
    parts.extend(place.row_group.map(|group| format!("row group {}", count(group))));
    parts.extend(place.row.map(|row| format!("row {}", count(row))));
    parts.extend(place.column.as_ref().map(|column| format!("column {column}")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What was examined, without the kinds that were not.
#[must_use]
pub fn coverage(coverage: &Coverage) -> String {
    let mut parts = Vec::new();
    for (number, one, many) in [
        (coverage.files, "file", "files"),
        (coverage.rows, "row", "rows"),
        (coverage.columns, "column", "columns"),
    ] {
        if number > 0 {
            parts.push(counted(number, one, many));
        }
    }
    if coverage.bytes > 0 {
        parts.push(bytes(coverage.bytes));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// `run`, `compare`, `verify`, `bench`.
#[must_use]
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Run => "run",
        Mode::Compare => "compare",
        Mode::Verify => "verify",
        Mode::Bench => "bench",
    }
}

/// `pass`, `fail`, `inconclusive`.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// `pass`, `fail`, `inconclusive`, `not applicable`.
#[must_use]
pub fn status(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Fail => "fail",
        CheckStatus::Inconclusive => "inconclusive",
        CheckStatus::NotApplicable => "not applicable",
    }
}

/// `blocker`, `warning`, `info`.
#[must_use]
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker => "blocker",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// A command line that a POSIX shell splits into exactly these arguments.
#[must_use]
pub fn shell(arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|argument| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,+@%".contains(&byte);
        if !argument.is_empty() && argument.bytes().all(plain) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!([0, 999, 1000, 12345, 1_234_567].map(count), ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(counted(0, "row", "rows"), "0 rows");
    }

    #[test]
    fn bytes_take_the_unit_that_fits() {
        assert_eq!(
            [1, 1023, 1024, 10 << 10, 150 << 20, u64::MAX].map(bytes),
            ["1 byte", "1,023 bytes", "1.00 KiB", "10.0 KiB", "150 MiB", "16.0 EiB"]
        );
    }

    #[test]
    fn durations_take_the_unit_that_fits() {
        assert_eq!(
            [0, 999, 1000, 59_999, 245_000, 7_380_000].map(duration),
            ["0 ms", "999 ms", "1.0 s", "59.9 s", "4 min 05 s", "2 h 03 min"]
        );
    }

    #[test]
    fn a_place_names_what_is_known_from_the_outside_in() {
        let full = Place {
            file: Some("a.parquet".into()),
            row_group: Some(0),
            column: Some("body".into()),
            row: Some(1200),
        };
        assert_eq!(place(&full).unwrap(), "a.parquet, row group 0, row 1,200, column body");
        assert_eq!(place(&Place::default()), None);
    }

    #[test]
    fn nothing_examined_is_said_as_nothing() {
        assert_eq!(coverage(&Coverage::default()), "nothing");
        assert_eq!(
            coverage(&Coverage { files: 1, rows: 2000, columns: 0, bytes: 5 }),
            "1 file, 2,000 rows, 5 bytes"
        );
    }

    #[test]
    fn arguments_survive_a_shell() {
        let arguments = ["parallax", "--param", "a=b c", "it's", "", "$HOME"].map(str::to_owned);
        assert_eq!(shell(&arguments), r"parallax --param 'a=b c' 'it'\''s' '' '$HOME'");
    }
}
