use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Int64Array, StringArray, UInt16Array};

use super::*;

fn trigrams(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for_each_trigram(value, |token| all.push(token.to_string()));
    all
}

fn collect(column: &str, values: Vec<Option<&str>>) -> BTreeSet<i64> {
    let mut collector = ColumnFingerprints::new(&FingerprintRules::new(&Columns::default()), column);
    collector.add(&(Arc::new(StringArray::from(values)) as ArrayRef));
    let mut all = Vec::new();
    collector.finish(&mut all);
    all.into_iter().collect()
}

fn hash(text: &str) -> i64 {
    extend(0, text.as_bytes())
}

#[test]
fn the_hash_agrees_with_known_vectors() {
    assert_eq!(hash("a"), 97);
    assert_eq!(hash("ab"), 3105);
    assert_eq!(hash("abcd"), 2_987_074);
    assert_eq!(hash("aaaaaa"), 2_869_595_232);
    assert_eq!(hash("resource.file:a"), -6_684_852_889_660_726_333);
    assert_eq!(hash("resource.file:abcde"), 6_707_124_159_417_669_317);
}

#[test]
fn windows_are_three_characters_wide_not_three_bytes() {
    assert_eq!(trigrams("ab"), Vec::<String>::new());
    assert_eq!(trigrams("abc"), ["abc"]);
    assert_eq!(trigrams("abcd"), ["abc", "bcd"]);
    assert_eq!(trigrams("éß€𝄞"), ["éß€", "ß€𝄞"]);
    assert_eq!(trigrams("éß"), Vec::<String>::new());
}

#[test]
fn an_ordinary_column_yields_exists_once_and_only_for_a_non_empty_string() {
    assert_eq!(collect("x", vec![None, Some("")]), BTreeSet::new());
    assert_eq!(collect("x", vec![Some(""), Some("v"), Some("w")]), BTreeSet::from([hash("x:.*")]));
}

#[test]
fn full_value_and_trigram_columns_yield_their_tokens() {
    assert_eq!(
        collect("resource.file", vec![Some("a"), None, Some("b"), Some("a")]),
        BTreeSet::from([hash("resource.file:.*"), hash("resource.file:a"), hash("resource.file:b")])
    );
    assert_eq!(
        collect("_cardinalhq.level", vec![Some("warn"), Some("ok")]),
        BTreeSet::from([
            hash("_cardinalhq.level:.*"),
            hash("_cardinalhq.level:war"),
            hash("_cardinalhq.level:arn")
        ])
    );
}

#[test]
fn numbers_yield_no_fingerprint() {
    let mut collector = ColumnFingerprints::new(&FingerprintRules::default(), "n");
    collector.add(&(Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef));
    let mut all = Vec::new();
    collector.finish(&mut all);
    assert_eq!(all, Vec::<i64>::new());
}

#[test]
fn coded_values_yield_what_plain_ones_do() {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["", "héllo", "warning", "warn"]));
    let codes: ArrayRef =
        Arc::new(UInt16Array::from(vec![Some(2), None, Some(1), Some(0), Some(3), Some(2)]));
    let words = vec![Some("warning"), None, Some("héllo"), Some(""), Some("warn"), Some("warning")];
    for column in ["_cardinalhq.level", "resource.file", "x"] {
        let mut collector = ColumnFingerprints::new(&FingerprintRules::new(&Columns::default()), column);
        collector.add_coded(&codes, &values);
        let mut all = Vec::new();
        collector.finish(&mut all);
        let all: BTreeSet<i64> = all.into_iter().collect();
        assert_eq!(all, collect(column, words.clone()), "{column}");
    }
}

#[test]
fn many_windows_lose_nothing() {
    let column = "_cardinalhq.name";
    let values: Vec<String> = (0..40_000).map(|n| format!("{n:05}")).collect();
    let got = collect(column, values.iter().map(|v| Some(v.as_str())).collect());
    let mut expected = BTreeSet::from([hash("_cardinalhq.name:.*")]);
    for value in &values {
        for start in 0..3 {
            expected.insert(hash(&format!("{column}:{}", &value[start..start + 3])));
        }
    }
    assert_eq!(got, expected);
}
