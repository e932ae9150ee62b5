//! Columns read as another type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, UInt32Array, UInt64Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

/// An integer column read as `target`, bit by bit: what a writer left that dropped the annotation. `None` where the
/// physical widths differ or `target` is no such type.
#[must_use]
pub fn reinterpret(array: &ArrayRef, target: &DataType) -> Option<ArrayRef> {
    if let Some(ints) = array.as_any().downcast_ref::<Int32Array>() {
        return match target {
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
                let bits = ScalarBuffer::<u32>::from(ints.values().inner().clone());
                Some(Arc::new(UInt32Array::new(bits, ints.nulls().cloned())))
            }
            DataType::Date32 => Some(Arc::new(ints.reinterpret_cast::<Date32Type>())),
            DataType::Time32(TimeUnit::Second) => Some(Arc::new(ints.reinterpret_cast::<Time32SecondType>())),
            DataType::Time32(TimeUnit::Millisecond) => {
                Some(Arc::new(ints.reinterpret_cast::<Time32MillisecondType>()))
            }
            _ => None,
        };
    }
    let longs = array.as_any().downcast_ref::<Int64Array>()?;
    match target {
        DataType::UInt64 => {
            let bits = ScalarBuffer::<u64>::from(longs.values().inner().clone());
            Some(Arc::new(UInt64Array::new(bits, longs.nulls().cloned())))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            Some(Arc::new(longs.reinterpret_cast::<Time64MicrosecondType>()))
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            Some(Arc::new(longs.reinterpret_cast::<Time64NanosecondType>()))
        }
        DataType::Timestamp(unit, zone) => Some(match unit {
            TimeUnit::Second => {
                Arc::new(longs.reinterpret_cast::<TimestampSecondType>().with_timezone_opt(zone.clone()))
            }
            TimeUnit::Millisecond => {
                Arc::new(longs.reinterpret_cast::<TimestampMillisecondType>().with_timezone_opt(zone.clone()))
            }
            TimeUnit::Microsecond => {
                Arc::new(longs.reinterpret_cast::<TimestampMicrosecondType>().with_timezone_opt(zone.clone()))
            }
            TimeUnit::Nanosecond => {
                Arc::new(longs.reinterpret_cast::<TimestampNanosecondType>().with_timezone_opt(zone.clone()))
            }
        }),
        _ => None,
    }
}
