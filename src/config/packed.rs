//! A configuration as it is given to others: without comments, and without the values of `[side.*].env`.

use std::path::Path;

use super::Config;
use crate::error::{Error, Result};

/// The text of the configuration at `path` for a bundle.
///
/// # Errors
/// As for [`Config::load`]: nothing but a configuration is packed as one.
pub fn packed(path: &Path) -> Result<String> {
    Config::load(path)?;
    let text = std::fs::read_to_string(path).map_err(|source| Error::io("cannot read", path, source))?;
    let mut table: toml::Table =
        text.parse().map_err(|_| Error::config(format!("{} is no configuration", path.display())))?;
    let sides = table.get_mut("side").and_then(toml::Value::as_table_mut);
    for (_, side) in sides.into_iter().flatten() {
        let env = side.get_mut("env").and_then(toml::Value::as_table_mut);
        for (_, value) in env.into_iter().flatten() {
            *value = toml::Value::String(String::new());
        }
    }
    toml::to_string(&table)
        .map(|text| {
            format!("# Packed by `parallax bundle`: comments and values of `env` are left out.\n{text}")
        })
        .map_err(|error| Error::internal(format!("cannot write the configuration: {error}")))
}
