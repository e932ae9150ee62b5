//! Type classes: what counts as the same type when values are compared.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};

use crate::output::stored::{NOT_UTF8, is_int96};

/// What counts as the same type. Widths and encodings are a matter of the SCHEMA check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeClass {
    /// A column that can hold nothing but nulls.
    Null,
    /// Truth values.
    Boolean,
    /// Signed integers of any width.
    Int,
    /// Unsigned integers of any width.
    Uint,
    /// 16-bit floating point.
    Float16,
    /// 32-bit floating point.
    Float32,
    /// 64-bit floating point.
    Float64,
    /// Text: plain, large, view and dictionary encoded alike, and text that is not UTF-8 by its bytes.
    String,
    /// Bytes: plain, view, dictionary encoded and of fixed length alike. The length is a property of each value.
    Binary,
    /// A point in time, by unit and zone. Parquet only knows "UTC" and "no zone".
    Timestamp {
        /// `s`, `ms`, `us` or `ns`.
        unit: &'static str,
        /// Zone, where there is one.
        zone: Option<Arc<str>>,
    },
    /// A day.
    Date,
    /// A time of day, whatever its unit.
    Time,
    /// A length of time, whatever its unit.
    Duration,
    /// A calendar interval.
    Interval,
    /// A decimal number with this many digits after the point, whatever its precision.
    Decimal(i8),
    /// A sequence of values.
    List,
    /// Named values.
    Struct,
    /// Keys with values.
    Map,
    /// A type that the Parquet reader does not produce.
    Unsupported,
}

impl TypeClass {
    /// Class of an Arrow type. The classes of what a nested type holds are the classes of its children.
    #[must_use]
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            it if is_int96(it) => Self::Timestamp { unit: "ns", zone: None },
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Int,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Self::Uint,
            DataType::Float16 => Self::Float16,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            it if *it == NOT_UTF8 => Self::String,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Timestamp(unit, zone) => Self::Timestamp {
                unit: match unit {
                    TimeUnit::Second => "s",
                    TimeUnit::Millisecond => "ms",
                    TimeUnit::Microsecond => "us",
                    TimeUnit::Nanosecond => "ns",
                },
                zone: zone.clone(),
            },
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Duration(_) => Self::Duration,
            DataType::Interval(_) => Self::Interval,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => Self::Decimal(*scale),
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Self::List,
            DataType::Struct(_) => Self::Struct,
            DataType::Map(..) => Self::Map,
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::ListView(_)
            | DataType::LargeListView(_)
            | DataType::Union(..)
            | DataType::RunEndEncoded(..) => Self::Unsupported,
        }
    }

    /// Whether values of the class are numbers, to which a tolerance applies.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Int | Self::Uint | Self::Float16 | Self::Float32 | Self::Float64 | Self::Decimal(_)
        )
    }
}

impl fmt::Display for TypeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("boolean"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Float16 => f.write_str("float16"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::String => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
            Self::Timestamp { unit, zone: Some(zone) } => write!(f, "timestamp[{unit}, {zone}]"),
            Self::Timestamp { unit, zone: None } => write!(f, "timestamp[{unit}]"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Duration => f.write_str("duration"),
            Self::Interval => f.write_str("interval"),
            Self::Decimal(scale) => write!(f, "decimal[{scale}]"),
            Self::List => f.write_str("list"),
            Self::Struct => f.write_str("struct"),
            Self::Map => f.write_str("map"),
            Self::Unsupported => f.write_str("unsupported"),
        }
    }
}
