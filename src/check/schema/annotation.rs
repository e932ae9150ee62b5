//! The annotation of an element of the Parquet schema as text: equal texts mean the same to readers.
//!
//! Converted types mean the same as the logical types that replaced them. What a reader assumes of an absent parameter counts as
//! stated (the CRS of a geometry, the version of a variant). Annotations that the Parquet crate does not know are named by their
//! number in the format. A long parameter is cut, with a digest of the whole.

use corpora::stated::{Element, Logical};

/// Characters of a parameter that are shown.
const SHOWN: usize = 40;
/// The CRS of a geometry that states none.
const DEFAULT_CRS: &str = "OGC:CRS84";

/// The annotation; empty where there is none, where it repeats the physical type, and for lists and maps, whose structure says it.
pub(super) fn text(element: &Element) -> String {
    match &element.logical {
        Some(logical) => of_logical(logical, element.physical),
        None => element.converted.map(|it| of_converted(it, element)).unwrap_or_default(),
    }
}

fn of_logical(logical: &Logical, physical: Option<i64>) -> String {
    let number = |field: i64| logical.numbers.get(&field).copied();
    let timed = |name: &str| {
        let unit = match number(2) {
            Some(1) => "ms",
            Some(2) => "us",
            Some(3) => "ns",
            _ => "unknown unit",
        };
        format!("{name}({unit},{})", if number(1) == Some(1) { "UTC" } else { "local" })
    };
    match logical.number {
        1 => "STRING".to_owned(),
        2 | 3 => String::new(),
        4 => "ENUM".to_owned(),
        5 => decimal(number(2), number(1)),
        6 => "DATE".to_owned(),
        7 => timed("TIME"),
        8 => timed("TIMESTAMP"),
        10 => integer(number(1).unwrap_or(0), number(2) == Some(1), physical),
        11 => "UNKNOWN".to_owned(),
        12 => "JSON".to_owned(),
        13 => "BSON".to_owned(),
        14 => "UUID".to_owned(),
        15 => "FLOAT16".to_owned(),
        16 => match number(1) {
            None | Some(1) => "VARIANT".to_owned(),
            Some(version) => format!("VARIANT({version})"),
        },
        17 => format!("GEOMETRY({})", crs(logical)),
        18 => {
            let edges = match number(2).unwrap_or(0) {
                0 => "SPHERICAL".to_owned(),
                1 => "VINCENTY".to_owned(),
                2 => "THOMAS".to_owned(),
                3 => "ANDOYER".to_owned(),
                4 => "KARNEY".to_owned(),
                other => format!("edges {other}"),
            };
            format!("GEOGRAPHY({},{edges})", crs(logical))
        }
        other if logical.bytes.len() <= 1 => format!("annotation {other}"),
        other => format!("annotation {other} ({})", digest(&logical.bytes)),
    }
}

fn of_converted(converted: i64, element: &Element) -> String {
    match converted {
        0 => "STRING".to_owned(),
        1..=3 => String::new(),
        4 => "ENUM".to_owned(),
        5 => decimal(element.precision, element.scale),
        6 => "DATE".to_owned(),
        7 => "TIME(ms,UTC)".to_owned(),
        8 => "TIME(us,UTC)".to_owned(),
        9 => "TIMESTAMP(ms,UTC)".to_owned(),
        10 => "TIMESTAMP(us,UTC)".to_owned(),
        11..=14 => integer(8 << (converted - 11), false, element.physical),
        15..=18 => integer(8 << (converted - 15), true, element.physical),
        19 => "JSON".to_owned(),
        20 => "BSON".to_owned(),
        21 => "INTERVAL".to_owned(),
        other => format!("converted type {other}"),
    }
}

fn decimal(precision: Option<i64>, scale: Option<i64>) -> String {
    format!("DECIMAL({},{})", precision.unwrap_or(0), scale.unwrap_or(0))
}

/// A signed integer of the width of its physical type says nothing more than no annotation.
fn integer(width: i64, signed: bool, physical: Option<i64>) -> String {
    match (signed, width, physical) {
        (true, 32, Some(1)) | (true, 64, Some(2)) => String::new(),
        _ => format!("INT({width},{signed})"),
    }
}

/// The coordinate system, JSON without regard to the order of its members.
fn crs(logical: &Logical) -> String {
    let stated = logical.texts.get(&1).map(|text| text.trim()).filter(|text| !text.is_empty());
    let Some(stated) = stated else { return DEFAULT_CRS.to_owned() };
    match serde_json::from_str::<serde_json::Value>(stated) {
        Ok(value @ serde_json::Value::Object(_)) => {
            let id = |member: &str| value.get("id").and_then(|id| id.get(member)).map(plain);
            let name = match (id("authority"), id("code")) {
                (Some(authority), Some(code)) => format!("{authority}:{code}"),
                _ => value.get("name").map(plain).unwrap_or_default(),
            };
            format!("{} {}", shown(&name), digest(value.to_string().as_bytes())).trim().to_owned()
        }
        _ if stated.chars().count() <= SHOWN => stated.to_owned(),
        _ => format!("{} {}", shown(stated), digest(stated.as_bytes())),
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn digest(bytes: &[u8]) -> String {
    format!("#{}", &blake3::hash(bytes).to_hex()[..8])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn logical(number: i64, numbers: &[(i64, i64)], crs: Option<&str>) -> String {
        let texts: BTreeMap<i64, String> = crs.map(|it| (1, it.to_owned())).into_iter().collect();
        let logical =
            Logical { number, numbers: numbers.iter().copied().collect(), texts, bytes: vec![0; 3] };
        text(&Element { physical: Some(1), logical: Some(logical), ..Element::default() })
    }

    fn converted(converted: i64, physical: i64) -> String {
        text(&Element {
            physical: Some(physical),
            converted: Some(converted),
            precision: Some(9),
            scale: Some(2),
            ..Element::default()
        })
    }

    #[test]
    fn a_converted_type_means_what_the_logical_type_means() {
        for (old, physical, new) in [
            (0, 6, logical(1, &[], None)),
            (5, 1, logical(5, &[(1, 2), (2, 9)], None)),
            (6, 1, logical(6, &[], None)),
            (7, 1, logical(7, &[(1, 1), (2, 1)], None)),
            (8, 2, logical(7, &[(1, 1), (2, 2)], None)),
            (9, 2, logical(8, &[(1, 1), (2, 1)], None)),
            (10, 2, logical(8, &[(1, 1), (2, 2)], None)),
            (11, 1, logical(10, &[(1, 8), (2, 0)], None)),
            (14, 2, logical(10, &[(1, 64), (2, 0)], None)),
            (16, 1, logical(10, &[(1, 16), (2, 1)], None)),
            (17, 1, logical(10, &[(1, 32), (2, 1)], None)),
            (19, 6, logical(12, &[], None)),
        ] {
            assert_eq!(converted(old, physical), new);
        }
        assert_eq!((converted(17, 1), converted(18, 2)), (String::new(), String::new()));
        assert_eq!(converted(18, 1), "INT(64,true)", "of another physical type it says something");
    }

    #[test]
    fn parameters_that_readers_act_on_make_another_text_and_defaults_do_not() {
        assert_ne!(logical(7, &[(1, 1), (2, 2)], None), logical(7, &[(1, 0), (2, 2)], None));
        assert_eq!(logical(17, &[], None), logical(17, &[], Some("OGC:CRS84")));
        assert_eq!(logical(17, &[], Some("EPSG:3857")), "GEOMETRY(EPSG:3857)");
        assert_eq!(logical(18, &[(2, 0)], None), logical(18, &[], None));
        assert_ne!(logical(18, &[(2, 1)], None), logical(18, &[], None));
        assert_eq!(logical(16, &[(1, 1)], None), logical(16, &[], None));
        assert_ne!(logical(16, &[(1, 2)], None), logical(16, &[], None));
    }

    #[test]
    fn a_coordinate_system_in_json_is_compared_by_what_it_says() {
        let crs = |text: &str| logical(17, &[], Some(text));
        let one = crs(r#"{"name":"a","id":{"authority":"EPSG","code":3857},"datum":{"x":1}}"#);
        assert!(one.starts_with("GEOMETRY(EPSG:3857 #"), "{one}");
        assert_eq!(
            one,
            crs(r#"{"datum": {"x": 1}, "id": {"code": 3857, "authority": "EPSG"}, "name": "a"}"#)
        );
        assert_ne!(one, crs(r#"{"name":"a","id":{"authority":"EPSG","code":3857},"datum":{"x":2}}"#));
        let long = "x".repeat(100);
        assert!(crs(&long).len() < 80);
        assert_ne!(crs(&long), crs(&"x".repeat(101)));
    }

    #[test]
    fn an_annotation_of_the_future_is_named_by_its_number_and_compared_with_its_parameters() {
        let other = |bytes: &[u8]| {
            let logical = Logical { number: 30, bytes: bytes.to_vec(), ..Logical::default() };
            text(&Element { logical: Some(logical), ..Element::default() })
        };
        assert_eq!(other(&[0]), "annotation 30");
        assert_ne!(other(&[0x15, 2, 0]), other(&[0x15, 4, 0]));
        assert_eq!(converted(77, 1), "converted type 77");
    }
}
