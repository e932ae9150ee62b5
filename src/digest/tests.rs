use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array,
    Int32Array, Int64Array, ListArray, MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use proptest::prelude::*;

use super::*;

fn hasher() -> RowHasher {
    RowHasher::new(RunKey::fixed([7; 32]), false, Arc::new(HashMap::new()))
}

fn rows(columns: &[(&str, ArrayRef)]) -> Vec<u128> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.iter().map(|(name, array)| (*name, Arc::clone(array), true)),
    )
    .unwrap();
    hasher().rows(&batch, |_| false).unwrap()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn bytes(array: &ArrayRef, row: usize) -> Vec<u8> {
    let mut out = Vec::new();
    encode(array, row, false, &mut out).unwrap();
    out
}

#[test]
fn values_do_not_run_into_each_other() {
    let a = rows(&[("x", texts(&[Some("ab")])), ("y", texts(&[Some("c")]))]);
    let b = rows(&[("x", texts(&[Some("a")])), ("y", texts(&[Some("bc")]))]);
    assert_ne!(a, b);
    // Names and values neither.
    assert_ne!(rows(&[("xa", texts(&[Some("b")]))]), rows(&[("x", texts(&[Some("ab")]))]));
}

#[test]
fn the_order_of_columns_and_null_columns_do_not_matter() {
    let a = rows(&[("x", texts(&[Some("1"), None])), ("y", texts(&[None, Some("2")]))]);
    let b = rows(&[
        ("y", texts(&[None, Some("2")])),
        ("z", texts(&[None, None])),
        ("x", texts(&[Some("1"), None])),
    ]);
    assert_eq!(a, b);
}

#[test]
fn null_empty_and_zero_are_three_things() {
    let zero: ArrayRef = Arc::new(Int64Array::from(vec![0]));
    let all = [rows(&[("x", texts(&[None]))]), rows(&[("x", texts(&[Some("")]))]), rows(&[("x", zero)])];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
}

#[test]
fn type_classes_tell_values_apart_and_widths_do_not() {
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![5]));
    let narrow: ArrayRef = Arc::new(Int16Array::from(vec![5]));
    assert_eq!(rows(&[("x", Arc::clone(&wide))]), rows(&[("x", narrow)]));
    let double: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
    let single: ArrayRef = Arc::new(Float32Array::from(vec![1.5]));
    assert_ne!(rows(&[("x", double)]), rows(&[("x", single)]));
    let text = texts(&[Some("ab")]);
    let binary: ArrayRef = Arc::new(BinaryArray::from(vec![b"ab".as_slice()]));
    let fixed: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([b"ab"].into_iter()).unwrap());
    assert_ne!(rows(&[("x", text)]), rows(&[("x", Arc::clone(&binary))]));
    assert_eq!(rows(&[("x", binary)]), rows(&[("x", fixed)]));
}

#[test]
fn dictionaries_hash_as_their_values_do_also_where_null_slots_point_anywhere() {
    let keys = Int32Array::from(vec![Some(1), None, Some(0)]);
    let dictionary = DictionaryArray::<Int32Type>::new(keys, texts(&[Some("a"), Some("b")]));
    assert_eq!(rows(&[("x", Arc::new(dictionary))]), rows(&[("x", texts(&[Some("b"), None, Some("a")]))]));
}

#[test]
fn a_dictionary_without_values_is_a_column_of_nulls() {
    let keys = Int32Array::from(vec![None, None]);
    let none = DictionaryArray::<Int32Type>::new(keys, texts(&[]));
    assert_eq!(rows(&[("x", Arc::new(none))]), rows(&[("x", texts(&[None, None]))]));
}

#[test]
fn nested_values_are_unambiguous() {
    let list = |values: Vec<Option<i32>>| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(values)]))
    };
    assert_ne!(bytes(&list(vec![Some(0)]), 0), bytes(&list(vec![None]), 0));
    assert_ne!(bytes(&list(vec![]), 0), bytes(&list(vec![None]), 0));
    let group = |fields: &[(&str, ArrayRef)]| -> ArrayRef {
        let fields: Vec<(Arc<Field>, ArrayRef)> = fields
            .iter()
            .map(|(name, array)| {
                (Arc::new(Field::new(*name, array.data_type().clone(), true)), Arc::clone(array))
            })
            .collect();
        Arc::new(StructArray::from(fields))
    };
    let (one, two, none) = (texts(&[Some("1")]), texts(&[Some("2")]), texts(&[None]));
    let a = group(&[("a", Arc::clone(&one)), ("b", Arc::clone(&two))]);
    let swapped = group(&[("b", Arc::clone(&two)), ("a", Arc::clone(&one)), ("c", none)]);
    let crossed = group(&[("a", two), ("b", one)]);
    assert_eq!(bytes(&a, 0), bytes(&swapped, 0));
    assert_ne!(bytes(&a, 0), bytes(&crossed, 0));
}

#[test]
fn entries_of_a_map_have_no_order() {
    let map = |entries: &[(&str, &str)]| -> ArrayRef {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for (key, value) in entries {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).unwrap();
        Arc::new(builder.finish())
    };
    assert_eq!(bytes(&map(&[("a", "1"), ("b", "2")]), 0), bytes(&map(&[("b", "2"), ("a", "1")]), 0));
    assert_ne!(bytes(&map(&[("a", "1"), ("b", "2")]), 0), bytes(&map(&[("a", "2"), ("b", "1")]), 0));
}

#[test]
fn a_type_without_canonical_form_is_refused() {
    let array = arrow::array::new_null_array(
        &DataType::ListView(Arc::new(Field::new("item", DataType::Int32, true))),
        1,
    );
    assert!(encode(&array, 0, false, &mut Vec::new()).is_err());
}

#[test]
fn reinterpretation_keeps_the_bits() {
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(-1), None]));
    let unsigned = reinterpret(&ints, &DataType::UInt32).unwrap();
    assert_eq!(bytes(&unsigned, 0), u64::from(u32::MAX).to_le_bytes());
    assert!(unsigned.is_null(1));
    assert!(reinterpret(&ints, &DataType::UInt64).is_none());
}

#[test]
fn two_runs_have_different_keys() {
    assert_ne!(RunKey::random(), RunKey::random());
}

fn multiset(hashes: impl IntoIterator<Item = u128>) -> Multiset {
    let mut set = Multiset::new(RunKey::fixed([9; 32]).point());
    hashes.into_iter().for_each(|hash| set.add(hash, hash));
    set
}

#[test]
fn pairs_of_duplicates_do_not_cancel() {
    let row = rows(&[("x", texts(&[Some("a")]))])[0];
    assert!(multiset([row, row]).differing(&multiset([])).is_some());
    assert!(multiset([row, row]).differing(&multiset([row])).is_some());
}

/// Every cell through its canonical bytes, one by one.
fn slowly(array: &ArrayRef) -> Vec<column::Lanes> {
    let key = RunKey::fixed([7; 32]).column("x", &TypeClass::of(array.data_type()));
    let lanes = |row: usize| {
        let mut buffer = Vec::new();
        let plain = crate::output::key::plain(array);
        if encode::is_null(&plain, row) {
            return column::Lanes::default();
        }
        encode(&plain, row, false, &mut buffer).unwrap();
        key.value(&buffer)
    };
    (0..array.len()).map(lanes).collect()
}

#[test]
fn quick_ways_add_what_the_canonical_bytes_add() {
    let words: Vec<Option<i64>> = (0..700)
        .map(|it: i64| (it % 7 != 3).then_some(it.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed())))
        .collect();
    let base: ArrayRef = Arc::new(Int64Array::from(words.clone()));
    let text = |it: &Option<i64>| it.map(|it| "äx".repeat(usize::try_from(it.rem_euclid(60)).unwrap()));
    let strings: ArrayRef = Arc::new(words.iter().map(text).collect::<StringArray>());
    let long = |it: usize| Some("y".repeat(1_020 + it));
    let mut arrays: Vec<ArrayRef> =
        vec![
            Arc::clone(&base),
            Arc::new(Float64Array::from_iter(words.iter().map(|it| {
                it.map(|it| if it % 5 == 0 { f64::NAN } else { f64::from_bits(it.cast_unsigned()) })
            }))),
            Arc::new((0..9).map(long).collect::<StringArray>()),
            Arc::new((0..40).map(|it| Some("z".repeat(it))).collect::<StringArray>()),
            Arc::new(arrow::array::BooleanArray::from_iter(words.iter().map(|it| it.map(|it| it > 0)))),
            Arc::new(Float32Array::from(vec![Some(1.5), None, Some(f32::NAN)])),
            Arc::clone(&strings),
        ];
    let wrapping = arrow::compute::CastOptions { safe: true, ..Default::default() };
    for target in [
        DataType::Int32,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Date32,
        DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, Some("UTC".into())),
        DataType::Timestamp(arrow::datatypes::TimeUnit::Second, None),
    ] {
        arrays.push(arrow::compute::cast_with_options(&base, &target, &wrapping).unwrap());
    }
    for target in [
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)),
    ] {
        arrays.push(arrow::compute::cast(&strings, &target).unwrap());
    }
    for array in arrays {
        for array in [array.slice(0, array.len()), array.slice(2, array.len() - 3)] {
            let mut cells = Vec::new();
            hasher().column("x", &array, &mut cells).unwrap();
            let fold = RunKey::fixed([7; 32]).fold(1);
            let wanted: Vec<u128> = slowly(&array)
                .into_iter()
                .map(|lanes| if lanes == column::Lanes::default() { 0 } else { fold.hash(lanes) })
                .collect();
            assert_eq!(cells, wanted, "{}", array.data_type());
        }
    }
}

#[test]
fn values_around_the_length_at_which_they_are_hashed_first_are_told_apart() {
    let values: Vec<Vec<u8>> = (1_015..1_035)
        .flat_map(|length| [vec![0; length], [vec![0; length - 1], vec![1]].concat()])
        .collect();
    let array: ArrayRef = Arc::new(BinaryArray::from_iter_values(&values));
    let mut hashes = rows(&[("x", array)]);
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), values.len());
}

#[test]
fn finer_buckets_find_the_same_difference_among_fewer_rows() {
    let point = RunKey::fixed([9; 32]).point();
    let row = |number: u128| number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).rotate_left(64);
    let fill = |mut set: Multiset, extra: u128| {
        (0..20_000).chain([extra]).map(row).for_each(|hash| set.add(hash, hash));
        set
    };
    let (one, other) = (1 << 40, 1 << 41);
    for make in [Multiset::new, Multiset::finer] {
        let differing = fill(make(point), one).differing(&fill(make(point), other)).unwrap();
        assert!(differing.holds(row(one)) && differing.holds(row(other)));
        let held = (0..20_000).filter(|number| differing.holds(row(*number))).count() as u64;
        assert_eq!(differing.rows(), 2 * held + 2);
        assert!(held < 100, "{held}");
        assert_eq!(fill(make(point), one).differing(&fill(make(point), one)), None);
    }
}

proptest! {
    #[test]
    fn the_digest_is_independent_of_order_and_split(
        hashes in prop::collection::vec(any::<u128>(), 0..200),
        seed in any::<u64>(),
        at in any::<prop::sample::Index>(),
    ) {
        let whole = multiset(hashes.iter().copied());
        let mut shuffled = hashes.clone();
        shuffled.sort_by_key(|hash| hash.wrapping_mul(u128::from(seed) | 1));
        let at = at.index(shuffled.len() + 1);
        let mut parts = multiset(shuffled[..at].iter().copied());
        parts.merge(&multiset(shuffled[at..].iter().copied()));
        prop_assert_eq!(whole.differing(&parts), None);
        prop_assert_eq!(whole.rows(), hashes.len() as u64);
    }

    #[test]
    fn different_pairs_of_strings_never_meet(a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}") {
        let one = rows(&[("x", texts(&[Some(&a)])), ("y", texts(&[Some(&b)]))]);
        let two = rows(&[("x", texts(&[Some(&c)])), ("y", texts(&[Some(&d)]))]);
        prop_assert_eq!(one == two, (a, b) == (c, d));
    }

    #[test]
    fn values_swapped_between_rows_never_cancel(
        x in prop::collection::vec(0_i64..4, 2..8),
        y in prop::collection::vec(0_i64..4, 8),
        i in any::<prop::sample::Index>(),
        j in any::<prop::sample::Index>(),
    ) {
        let y = &y[..x.len()];
        let ints = |values: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
        let mut swapped = x.clone();
        swapped.swap(i.index(x.len()), j.index(x.len()));
        let before = rows(&[("x", ints(&x)), ("y", ints(y))]);
        let after = rows(&[("x", ints(&swapped)), ("y", ints(y))]);
        let sorted = |x: &[i64]| {
            let mut pairs: Vec<(i64, i64)> = x.iter().copied().zip(y.iter().copied()).collect();
            pairs.sort_unstable();
            pairs
        };
        let same = sorted(&x) == sorted(&swapped);
        prop_assert_eq!(multiset(before).differing(&multiset(after)).is_none(), same);
        // Nor between columns.
        let crossed = multiset(rows(&[("x", ints(y)), ("y", ints(&x))]));
        let straight = multiset(rows(&[("x", ints(&x)), ("y", ints(y))]));
        let mut mirrored: Vec<(i64, i64)> = y.iter().copied().zip(x.iter().copied()).collect();
        mirrored.sort_unstable();
        prop_assert_eq!(crossed.differing(&straight).is_none(), mirrored == sorted(&x));
    }
}
