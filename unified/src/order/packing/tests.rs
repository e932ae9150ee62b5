//! Rows come back as they were, in as few bytes as they need.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, ListArray,
    StringArray, UInt16Array, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit};
use proptest::prelude::*;

use super::{Packed, Packer, Unpacker};
use crate::rows::batch::null_array;

/// Packs the columns as one block and yields them unpacked, a column without values as nothing, and the parts' sizes.
fn through(
    arrays: Vec<Option<ArrayRef>>,
    types: &[DataType],
    rows: usize,
) -> (Vec<Option<ArrayRef>>, [usize; 2]) {
    let fields: Vec<Field> = types.iter().map(|data_type| Field::new("c", data_type.clone(), true)).collect();
    let packer = Packer::new(Arc::new(Schema::new(fields)));
    let mut packed = Packed::default();
    packer.pack(&arrays, rows, &mut packed).unwrap();
    let mut unpacker = Unpacker::new(&packer.columns().unwrap()).unwrap();
    let found = unpacker.unpack(&packed.plain, &packed.compressible).unwrap();
    assert_eq!(found.rows, rows);
    let mut columns = vec![None; types.len()];
    found.columns.into_iter().for_each(|(place, array)| columns[place] = Some(array));
    (columns, [packed.plain.len(), packed.compressible.len()])
}

fn types() -> Vec<DataType> {
    use DataType::*;
    let zoned = Timestamp(TimeUnit::Nanosecond, Some("+01:00".into()));
    vec![
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float32,
        Float64,
        Boolean,
        Utf8,
        Binary,
        zoned,
        Decimal128(20, 2),
        LargeUtf8,
        Date32,
    ]
}

/// Values of any type out of numbers.
fn values(numbers: &[Option<i64>], data_type: &DataType) -> ArrayRef {
    let numbers = Int64Array::from(numbers.to_vec());
    match data_type {
        DataType::Binary => cast(&cast(&numbers, &DataType::Utf8).unwrap(), data_type).unwrap(),
        DataType::Boolean => {
            Arc::new(numbers.iter().map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>())
        }
        DataType::Date32 => cast(&cast(&numbers, &DataType::Int32).unwrap(), data_type).unwrap(),
        // What does not fit becomes null.
        other => cast(&numbers, other).unwrap(),
    }
}

proptest! {
    #[test]
    fn rows_come_back_as_they_were(
        numbers in prop::collection::vec(prop::option::weighted(0.9, any::<i64>()), 1..300),
        shift in 0_u32..64,
        skip in 0_usize..5,
        absent in prop::collection::vec(prop::bool::weighted(0.2), 17),
    ) {
        let numbers: Vec<Option<i64>> = numbers.into_iter().map(|n| n.map(|n| n >> shift)).collect();
        let skip = skip.min(numbers.len() - 1);
        let rows = numbers.len() - skip;
        let arrays: Vec<Option<ArrayRef>> = types()
            .iter()
            .zip(&absent)
            .map(|(data_type, absent)| (!absent).then(|| values(&numbers, data_type).slice(skip, rows)))
            .collect();
        let (found, _) = through(arrays.clone(), &types(), rows);
        for ((found, expected), data_type) in found.iter().zip(&arrays).zip(types()) {
            let nulls = null_array(&data_type, rows);
            prop_assert_eq!(found.as_ref().unwrap_or(&nulls), expected.as_ref().unwrap_or(&nulls));
        }
    }
}

#[test]
fn the_ends_of_the_ranges_come_back() {
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, 0, -1]));
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1 << 63, 7]));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -0.0, f64::NEG_INFINITY, 5e-324]));
    let decimals: ArrayRef = Arc::new(Decimal128Array::from(vec![i128::MAX, i128::MIN, 0, 1]));
    let arrays = vec![ints, unsigned, floats, decimals];
    let types: Vec<DataType> = arrays.iter().map(|array| array.data_type().clone()).collect();
    let (found, _) = through(arrays.iter().cloned().map(Some).collect(), &types, 4);
    for (found, expected) in found.iter().zip(&arrays) {
        // By their bits: a NaN is not equal to itself.
        assert_eq!(found.as_ref().unwrap().to_data().buffers()[0], expected.to_data().buffers()[0]);
    }
}

#[test]
fn numbers_take_as_few_bytes_as_they_need() {
    let size = |array: ArrayRef| {
        let rows = array.len();
        through(vec![Some(array.clone())], &[array.data_type().clone()], rows).1
    };
    // The counts, what the column has, the width and the lowest.
    let head = 16 + 1 + 9;
    let ints = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let far = 1_754_006_400_000;
    assert_eq!(size(ints(vec![far; 100])), [head, 0]);
    assert_eq!(size(ints((far..far + 100).collect())), [head + 100, 0]);
    assert_eq!(size(ints((0..100).map(|n| far + 600 * n).collect())), [head + 200, 0]);
    assert_eq!(size(Arc::new(UInt16Array::from(vec![60_000, 60_001]))), [head + 2, 0]);
}

#[test]
fn only_columns_that_shrink_are_to_be_compressed() {
    let same: ArrayRef = Arc::new(StringArray::from(vec!["the same as ever, and some more of it"; 50]));
    let noise = (0..50_u64).map(|n| {
        let words =
            [1, 2, 3, 4].map(|word| (4 * n + word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
        words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
    });
    let noise: ArrayRef = Arc::new(BinaryArray::from_iter_values(noise));
    let types = [DataType::Utf8, DataType::Binary];
    let (found, [plain, compressible]) = through(vec![Some(same.clone()), Some(noise.clone())], &types, 50);
    assert_eq!(found, [Some(same), Some(noise)]);
    assert_eq!((plain, compressible), (16 + 2 * (1 + 9) + 32 * 50, 37 * 50));
}

#[test]
fn nested_columns_and_rows_without_columns_come_back() {
    let lists =
        ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    let types = [lists.data_type().clone(), DataType::Int64];
    let lists: ArrayRef = Arc::new(lists);
    let (found, _) = through(vec![Some(lists.clone()), None], &types, 3);
    assert_eq!(found, [Some(lists), None]);
    assert_eq!(through(vec![], &[], 7).0, []);
}

#[test]
fn values_of_another_type_than_the_column_are_an_error() {
    let packer = Packer::new(Arc::new(Schema::new(vec![Field::new("c", DataType::Utf8, true)])));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let error = packer.pack(&[Some(numbers)], 1, &mut Packed::default()).unwrap_err().to_string();
    assert!(error.contains("Int64") && error.contains("Utf8"), "{error}");
}

#[test]
fn a_block_that_ends_too_early_is_an_error() {
    let array: ArrayRef = Arc::new(StringArray::from(vec![Some("one"), None, Some("three")]));
    let schema = Schema::new(vec![Field::new("c", DataType::Utf8, true)]);
    let packer = Packer::new(Arc::new(schema));
    let mut packed = Packed::default();
    packer.pack(&[Some(array)], 3, &mut packed).unwrap();
    let mut unpacker = Unpacker::new(&packer.columns().unwrap()).unwrap();
    for end in 0..packed.plain.len() {
        assert!(unpacker.unpack(&packed.plain[..end], &packed.compressible).is_err(), "{end}");
    }
    let longer = [&packed.plain[..], &[0]].concat();
    assert!(unpacker.unpack(&longer, &packed.compressible).is_err());
    assert!(unpacker.unpack(&packed.plain, &[0]).is_err());
    assert!(Unpacker::new(&[]).is_err());
}
