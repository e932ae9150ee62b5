//! Environment variables of an external side. Their values may be secrets: nothing here shows them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use toml::Spanned;

/// Variables by name. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Adds a variable.
    pub fn insert(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }

    /// The variables, for the process that gets them and for digests.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

impl<const N: usize> From<[(String, String); N]> for Environment {
    fn from(variables: [(String, String); N]) -> Self {
        Self(variables.into())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The table as typed. Errors of its own: those of the reader quote the value.
#[derive(Default)]
pub(super) struct Typed(pub(super) Vec<(Spanned<String>, String)>);

struct Table;
struct Text;

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Table)
    }
}

/// Refuses every kind of value but the visitor's own, without quoting it.
macro_rules! refuse {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<E: Error>(self, _: $kind) -> Result<Self::Value, E> {
            Err(E::custom(SAID))
        })*
    };
}

const SAID: &str = "`env` must be a table whose values are texts";

impl<'de> Visitor<'de> for Table {
    type Value = Typed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of texts")
    }

    refuse!(visit_bool: bool, visit_i64: i64, visit_f64: f64, visit_str: &str);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Typed, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = map.next_key::<Spanned<String>>()? {
            found.push((name, map.next_value::<Value>()?.0));
        }
        Ok(Typed(found))
    }
}

struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text).map(Value)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    refuse!(visit_bool: bool, visit_i64: i64, visit_f64: f64);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::custom(SAID))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    #[test]
    fn values_are_shown_neither_by_debug_nor_by_errors() {
        let head = "[side.a]\ncommand = [\"x\"]\n";
        let parse = |env: &str| Config::parse(&format!("{head}{env}"), Path::new("own.toml"));
        let shown = format!("{:?}", parse("env = { TOKEN = \"hunter2\" }").unwrap());
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
        for wrong in [
            "env = { TOKEN = 424242 }",
            "env = { TOKEN = [\"424242\"] }",
            "env = { TOKEN = { a = \"424242\" } }",
            "env = \"424242\"",
            "env = 424242",
            "env = { \"A=B\" = \"424242\" }",
        ] {
            let error = parse(wrong).expect_err(wrong);
            let all = format!("{error:?} {}", crate::error::chain(&error));
            assert!(!all.contains("424242"), "{wrong}: {all}");
        }
    }
}
