//! Sort keys: one int64 a row, or none.
//!
//! A strict key is an int64 column. The drop-in adapters stand in for writers that took what came, so their lenient
//! key also reads float64 (truncated toward zero; NaN, infinities and values outside int64 become the lowest int64)
//! and counts a value of any other type as 0. Whatever the key, the stored value is left as it is.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::error::{Error, Result};

/// Sort key of a row; a missing key comes before every other.
pub(crate) type Key = Option<i64>;

/// Which values of the sort column are keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// Int64 only; any other type is an error. The column must be there in every non-empty batch.
    #[default]
    Int64,
    /// Int64 as it is, float64 truncated toward zero, any other type 0; an absent column is a missing key.
    Lenient,
    /// As [`KeyType::Lenient`], but a column of another type is an error: rows cannot be sorted by it.
    Sortable,
}

/// The sort column and what it may hold.
#[derive(Debug, Clone)]
pub(crate) struct KeyRule {
    pub(crate) column: String,
    pub(crate) key_type: KeyType,
}

impl KeyRule {
    /// Whether a column of this type holds real points in time, rather than values that merely count as 0.
    pub(crate) fn is_exact(data_type: &DataType) -> bool {
        matches!(data_type, DataType::Int64 | DataType::Float64)
    }

    /// # Errors
    /// Where the rule is strict and the declared type is not int64.
    pub(crate) fn check_type(&self, declared: Option<&DataType>, place: &str) -> Result<()> {
        match (self.key_type, declared) {
            (KeyType::Lenient, _)
            | (KeyType::Int64, Some(DataType::Int64 | DataType::Null))
            | (KeyType::Sortable, None | Some(DataType::Int64 | DataType::Float64 | DataType::Null)) => {
                Ok(())
            }
            (KeyType::Sortable, Some(other)) => Err(Error::UnsupportedType {
                column: self.column.clone(),
                data_type: other.to_string(),
                place: place.to_string(),
                reason: "rows are sorted by int64 or float64 only".to_string(),
            }),
            (KeyType::Int64, None) => {
                Err(Error::input(place, format!("required column `{}` (int64) is missing", self.column)))
            }
            (KeyType::Int64, Some(other)) => Err(Error::UnsupportedType {
                column: self.column.clone(),
                data_type: other.to_string(),
                place: place.to_string(),
                reason: "the sort key must be int64".to_string(),
            }),
        }
    }

    /// The keys of a batch. `column` is absent where every value is null.
    pub(crate) fn keys(column: Option<&ArrayRef>, rows: usize) -> Vec<Key> {
        let Some(column) = column else { return vec![None; rows] };
        match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().iter().collect(),
            DataType::Float64 => {
                column.as_primitive::<Float64Type>().iter().map(|value| value.map(truncate)).collect()
            }
            _ => (0..rows).map(|row| column.is_valid(row).then_some(0)).collect(),
        }
    }
}

/// Truncates toward zero; what int64 cannot hold becomes the lowest int64.
fn truncate(value: f64) -> i64 {
    // 2^63 is exact in float64; -2^63 itself is in range.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    let whole = value.trunc();
    if (-BOUND..BOUND).contains(&whole) { whole as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray};

    use super::*;

    #[test]
    fn floats_truncate_toward_zero_and_the_unrepresentable_comes_lowest() {
        let cases = [
            (1.9, 1),
            (-1.9, -1),
            (-0.0, 0),
            (f64::NAN, i64::MIN),
            (f64::INFINITY, i64::MIN),
            (1e300, i64::MIN),
            (9_223_372_036_854_775_808.0, i64::MIN),
            (-9_223_372_036_854_775_808.0, i64::MIN),
            (9_223_372_036_854_774_784.0, 9_223_372_036_854_774_784),
        ];
        for (value, expected) in cases {
            let column: ArrayRef = Arc::new(Float64Array::from(vec![value]));
            assert_eq!(KeyRule::keys(Some(&column), 1), [Some(expected)], "{value}");
        }
    }

    #[test]
    fn text_is_never_compared_as_text() {
        let column: ArrayRef = Arc::new(StringArray::from(vec![Some("9"), None, Some("10")]));
        assert_eq!(KeyRule::keys(Some(&column), 3), [Some(0), None, Some(0)]);
        assert_eq!(KeyRule::keys(None, 2), [None, None]);
    }

    #[test]
    fn a_strict_key_names_what_it_found() {
        let rule = KeyRule { column: "ts".into(), key_type: KeyType::Int64 };
        let error = rule.check_type(Some(&DataType::Utf8), "file a.parquet").unwrap_err().to_string();
        assert!(error.contains("`ts`") && error.contains("Utf8") && error.contains("a.parquet"), "{error}");
        assert!(rule.check_type(None, "x").is_err());
        assert!(rule.check_type(Some(&DataType::Int64), "x").is_ok());
        let rule = KeyRule { key_type: KeyType::Sortable, ..rule };
        let error = rule.check_type(Some(&DataType::Int32), "file a.parquet").unwrap_err().to_string();
        assert!(error.contains("`ts`") && error.contains("Int32"), "{error}");
        assert!(rule.check_type(None, "x").is_ok() && rule.check_type(Some(&DataType::Float64), "x").is_ok());
    }
}
