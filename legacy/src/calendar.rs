//! Timestamps to UTC date and hour, as the original computes them, overflow included.

use crate::value::Value;

const MILLIS_PER_HOUR: i64 = 3_600_000;
const HOURS_PER_DAY: i64 = 24;

/// Timestamp of a row in milliseconds: an int64 as it is, a float64 truncated toward zero, anything else 0.
///
/// NaN, infinities and what does not fit in an int64 become the lowest int64: the original leaves the conversion to the
/// processor, whose "indefinite" value that is.
pub(crate) fn millis(value: &Value) -> i64 {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int64(millis) => *millis,
        Value::Float64(millis) if (-BOUND..BOUND).contains(millis) => *millis as i64,
        Value::Float64(_) => i64::MIN,
        _ => 0,
    }
}

/// Date as yyyymmdd in 32 bits, wrapping for years that do not fit, and hour 0 to 23, both in UTC.
pub(crate) fn date_and_hour(millis: i64) -> (i32, i64) {
    let hours = millis.div_euclid(MILLIS_PER_HOUR);
    let (year, month, day) = civil(hours.div_euclid(HOURS_PER_DAY));
    let date = year * 10_000 + month * 100 + day;
    (date as i32, hours.rem_euclid(HOURS_PER_DAY))
}

/// Proleptic Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that the leap day comes last;
/// an era is 400 years of 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_gregorian_calendar_before_and_after_1970() {
        assert_eq!(date_and_hour(0), (19_700_101, 0));
        assert_eq!(date_and_hour(-1), (19_691_231, 23));
        assert_eq!(date_and_hour(1_709_168_399_999), (20_240_229, 0));
        assert_eq!(date_and_hour(1_754_092_799_999), (20_250_801, 23));
        assert_eq!(date_and_hour(951_782_400_000), (20_000_229, 0));
    }

    #[test]
    fn the_lowest_timestamp_wraps_to_a_nonsense_date_as_in_the_original() {
        assert_eq!(date_and_hour(i64::MIN), (2_122_179_092, 16));
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9_223_372_036_854_775_808.0] {
            assert_eq!(millis(&Value::Float64(odd)), i64::MIN);
        }
    }

    #[test]
    fn floats_truncate_toward_zero_and_other_types_count_as_zero() {
        assert_eq!(millis(&Value::Float64(-1.9)), -1);
        assert_eq!(millis(&Value::Float64(1.9)), 1);
        assert_eq!(millis(&Value::Int32(7)), 0);
        assert_eq!(millis(&Value::from("1754006400000")), 0);
    }
}
