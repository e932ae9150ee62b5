//! UTC dates and hours of millisecond timestamps, over the whole range of int64.

const MILLIS_PER_HOUR: i64 = 3_600_000;

/// Hours since the epoch, rounded down, so that -1 ms lies in the hour before it.
pub(crate) fn hour_of(millis: i64) -> i64 {
    millis.div_euclid(MILLIS_PER_HOUR)
}

/// Hour of the UTC day, 0 to 23, of an hour since the epoch.
pub(crate) fn hour_of_day(hour: i64) -> i64 {
    hour.rem_euclid(24)
}

/// UTC date of an hour since the epoch as yyyymmdd, in the proleptic Gregorian calendar.
///
/// The number is a 32-bit integer in the interface that the fingerprint adapter stands in for, so years beyond 214748
/// wrap there, and here too: the lowest timestamp yields 2122179092.
pub(crate) fn dateint(hour: i64) -> i64 {
    let (year, month, day) = civil_from_days(hour.div_euclid(24));
    let wide = if year < 0 { year * 10_000 + month * 100 + day } else { (year * 100 + month) * 100 + day };
    i64::from(wide as i32)
}

/// Year, month and day of a day since the epoch. Algorithm: Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_fall_on_their_dates() {
        let at = |millis| (dateint(hour_of(millis)), hour_of_day(hour_of(millis)));
        assert_eq!(at(0), (19_700_101, 0));
        assert_eq!(at(-1), (19_691_231, 23));
        assert_eq!(at(1_754_006_400_000), (20_250_801, 0));
        assert_eq!(at(1_709_251_199_999), (20_240_229, 23));
        assert_eq!(at(1_709_251_200_000), (20_240_301, 0));
    }

    #[test]
    fn the_lowest_timestamp_wraps_as_the_interface_does() {
        let hour = hour_of(i64::MIN);
        assert_eq!((dateint(hour), hour_of_day(hour)), (2_122_179_092, 16));
    }
}
