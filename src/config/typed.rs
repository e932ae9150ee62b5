//! The configuration file as it is typed, and the step from there to what is resolved.
//!
//! Each value that is checked beyond its type keeps its place in the file (`Spanned`), so that the message can name the
//! line.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use reports::document::Role;
use serde::Deserialize;
use toml::Spanned;

use super::{Config, DEFAULT_TIMEOUT, SideConfig, parse_duration};
use crate::check::{Comparison, SizeBounds, Tolerance};
use crate::policy::waiver::Waiver;
use crate::side::command::parse_command;

/// A value that makes no sense, with its place in the text.
pub(super) struct Fault {
    /// Byte of the text.
    pub at: usize,
    /// What is wrong, naming the key.
    pub message: String,
}

impl Fault {
    fn new<T>(value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self { at: value.span().start, message: message.into() }
    }
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    side: BTreeMap<Spanned<String>, Side>,
    #[serde(default)]
    signal: BTreeMap<String, toml::Table>,
    #[serde(default)]
    compare: Compare,
    #[serde(default)]
    sizes: Sizes,
    #[serde(default)]
    waiver: Vec<TypedWaiver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    command: Spanned<Vec<String>>,
    #[serde(default)]
    env: BTreeMap<Spanned<String>, Spanned<String>>,
    timeout: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compare {
    #[serde(default)]
    ignore: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    tolerance: BTreeMap<Spanned<String>, TypedTolerance>,
    #[serde(default)]
    negative_zero_equal: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedTolerance {
    absolute: Option<Spanned<f64>>,
    relative: Option<Spanned<f64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    tiny_share: Option<Spanned<f64>>,
    large_share: Option<Spanned<f64>>,
    file_factor: Option<Spanned<f64>>,
    bytes_warn: Option<Spanned<f64>>,
    bytes_fail: Option<Spanned<f64>>,
    bytes_floor: Option<u64>,
    explosion_factor: Option<Spanned<f64>>,
    explosion_files: Option<u64>,
    explosion_median: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedWaiver {
    code: Spanned<String>,
    side: Option<Role>,
    job: Option<String>,
    column: Option<String>,
    reason: Spanned<String>,
    owner: Spanned<String>,
    expires: Option<Spanned<String>>,
}

impl File {
    /// Checks the values and makes the configuration.
    pub(super) fn resolve(self) -> Result<Config, Fault> {
        let mut sides = BTreeMap::new();
        for (name, side) in self.side {
            let resolved = side.resolve(&name)?;
            sides.insert(name.into_inner(), resolved);
        }
        Ok(Config {
            sides,
            signals: self.signal,
            comparison: self.compare.resolve()?,
            size_bounds: self.sizes.resolve()?,
            waivers: self.waiver.into_iter().map(TypedWaiver::resolve).collect::<Result<_, _>>()?,
            ..Config::default()
        })
    }
}

impl Side {
    fn resolve(self, name: &Spanned<String>) -> Result<SideConfig, Fault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
            let message =
                format!("side name {:?} must be made of letters, digits, `-`, `_` and `.`", name.get_ref());
            return Err(Fault::new(name, message));
        }
        let key = format!("side.{}", name.get_ref());
        parse_command(self.command.get_ref())
            .map_err(|message| Fault::new(&self.command, format!("`{key}.command`: {message}")))?;
        let mut env = BTreeMap::new();
        for (variable, value) in self.env {
            let named = variable.get_ref();
            if named.is_empty() || named.contains(['=', '\0']) || value.get_ref().contains('\0') {
                return Err(Fault::new(
                    &variable,
                    format!("`{key}.env`: {named:?} cannot be an environment variable"),
                ));
            }
            if named == "TMPDIR" {
                let message =
                    format!("`{key}.env`: TMPDIR is set by Parallax, so that files left there are seen");
                return Err(Fault::new(&variable, message));
            }
            env.insert(variable.into_inner(), value.into_inner());
        }
        let timeout = match &self.timeout {
            Some(text) => parse_duration(text.get_ref())
                .map_err(|message| Fault::new(text, format!("`{key}.timeout`: {message}")))?,
            None => DEFAULT_TIMEOUT,
        };
        Ok(SideConfig { command: self.command.into_inner(), env, timeout })
    }
}

impl Compare {
    fn resolve(self) -> Result<Comparison, Fault> {
        let mut ignored = BTreeMap::new();
        for (column, reason) in self.ignore {
            let reason = written(reason, &format!("compare.ignore.{column}"))?;
            ignored.insert(column, reason);
        }
        let mut tolerances = BTreeMap::new();
        for (column, typed) in self.tolerance {
            let key = format!("compare.tolerance.{}", column.get_ref());
            if ignored.contains_key(column.get_ref()) {
                return Err(Fault::new(
                    &column,
                    format!("`{key}`: the column is ignored as well; choose one"),
                ));
            }
            if typed.absolute.is_none() && typed.relative.is_none() {
                return Err(Fault::new(&column, format!("`{key}` needs `absolute` or `relative`")));
            }
            let mut tolerance = Tolerance::default();
            at_least_zero(typed.absolute, &mut tolerance.absolute, &format!("{key}.absolute"))?;
            at_least_zero(typed.relative, &mut tolerance.relative, &format!("{key}.relative"))?;
            tolerances.insert(column.into_inner(), tolerance);
        }
        Ok(Comparison { ignored, tolerances, negative_zero_equal: self.negative_zero_equal })
    }
}

impl Sizes {
    fn resolve(self) -> Result<SizeBounds, Fault> {
        let mut bounds = SizeBounds::default();
        let last = [&self.tiny_share, &self.large_share, &self.bytes_warn, &self.bytes_fail]
            .into_iter()
            .flatten()
            .map(|value| value.span().start)
            .max()
            .unwrap_or_default();
        at_least_zero(self.tiny_share, &mut bounds.tiny_share, "sizes.tiny_share")?;
        at_least_zero(self.large_share, &mut bounds.large_share, "sizes.large_share")?;
        at_least_zero(self.file_factor, &mut bounds.file_factor, "sizes.file_factor")?;
        at_least_zero(self.bytes_warn, &mut bounds.bytes_warn, "sizes.bytes_warn")?;
        at_least_zero(self.bytes_fail, &mut bounds.bytes_fail, "sizes.bytes_fail")?;
        at_least_zero(self.explosion_factor, &mut bounds.explosion_factor, "sizes.explosion_factor")?;
        bounds.bytes_floor = self.bytes_floor.unwrap_or(bounds.bytes_floor);
        bounds.explosion_files = self.explosion_files.unwrap_or(bounds.explosion_files);
        bounds.explosion_median = self.explosion_median.unwrap_or(bounds.explosion_median);
        for (low, low_key, high, high_key) in [
            (bounds.tiny_share, "tiny_share", bounds.large_share, "large_share"),
            (bounds.bytes_warn, "bytes_warn", bounds.bytes_fail, "bytes_fail"),
        ] {
            if low > high {
                let message =
                    format!("`sizes.{low_key}` ({low}) must not exceed `sizes.{high_key}` ({high})");
                return Err(Fault { at: last, message });
            }
        }
        Ok(bounds)
    }
}

impl TypedWaiver {
    fn resolve(self) -> Result<Waiver, Fault> {
        let expires = match &self.expires {
            None => None,
            Some(text) => Some(day(text.get_ref()).ok_or_else(|| {
                let message =
                    format!("`waiver.expires`: {:?} is not a day; write \"yyyy-mm-dd\"", text.get_ref());
                Fault::new(text, message)
            })?),
        };
        Ok(Waiver {
            code: written(self.code, "waiver.code")?,
            side: self.side,
            job: self.job,
            column: self.column,
            reason: written(self.reason, "waiver.reason")?,
            owner: written(self.owner, "waiver.owner")?,
            expires,
        })
    }
}

/// A day in the one spelling `yyyy-mm-dd`.
fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (day.format("%Y-%m-%d").to_string() == text).then_some(day)
}

/// A text that must say something.
fn written(text: Spanned<String>, key: &str) -> Result<String, Fault> {
    if text.get_ref().trim().is_empty() {
        return Err(Fault::new(&text, format!("`{key}` must not be empty")));
    }
    Ok(text.into_inner())
}

/// Overrides `value` with a finite number that is not negative.
fn at_least_zero(typed: Option<Spanned<f64>>, value: &mut f64, key: &str) -> Result<(), Fault> {
    if let Some(typed) = typed {
        let number = *typed.get_ref();
        if !number.is_finite() || number < 0.0 {
            return Err(Fault::new(
                &typed,
                format!("`{key}` must be a finite number that is not negative, not {number}"),
            ));
        }
        *value = number;
    }
    Ok(())
}
