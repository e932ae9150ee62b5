//! A policy as it is typed, and the step from there to a [`Layer`].
//!
//! The same tables stand in `parallax.toml` and in a file of their own (`--policy`). Older spellings of `parallax.toml`
//! (`[compare]`, `[sizes]`, `[[waiver]]`) are read here as well; what `[policy]` says comes after them and so holds.

use std::collections::BTreeMap;

use reports::document::{Action, Role, SideKind};
use serde::Deserialize;
use toml::Spanned;

use super::layer::{Layer, Number, Set, Setting, crossed, set_size};
use super::typed_scope::TypedFor;
use super::waiver::Waiver;
use super::{known_checks, phase};
use crate::check::{SizeBounds, Tolerance};
use crate::config::parse_age;
use crate::config::value::{Fault, at_least_zero, day, written};
use crate::digest::Family;
use crate::output::Partitions;
use crate::suggest;

/// From a byte of the text to the origin that a setting found there is told with.
pub(crate) type Origin<'a> = &'a dyn Fn(usize) -> String;

/// The table `[policy]`, or `[policy.phase.NAME]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypedPolicy {
    pub(super) gates: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    pub(super) requires: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) requires_every_job: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) evidence: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) ignore: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub(super) tolerance: BTreeMap<Spanned<String>, TypedTolerance>,
    #[serde(default)]
    pub(super) same_type: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) negative_zero_equal: Option<Spanned<bool>>,
    pub(super) partitions: Option<Spanned<Partitions>>,
    #[serde(default)]
    pub(super) sizes: Sizes,
    #[serde(default)]
    pub(super) performance: Performance,
    #[serde(default)]
    pub(super) memory: Memory,
    pub(super) max_age: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) actions: BTreeMap<Spanned<String>, Spanned<Action>>,
    #[serde(default)]
    pub(super) waiver: Vec<TypedWaiver>,
    #[serde(default, rename = "for")]
    pub(super) scoped: Vec<Spanned<TypedFor>>,
    #[serde(default)]
    pub(super) phase: BTreeMap<Spanned<String>, TypedPolicy>,
}

/// The older table `[compare]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compare {
    #[serde(default)]
    ignore: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    tolerance: BTreeMap<Spanned<String>, TypedTolerance>,
    negative_zero_equal: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedTolerance {
    absolute: Option<Spanned<f64>>,
    relative: Option<Spanned<f64>>,
}

/// The table `[sizes]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sizes {
    tiny_share: Option<Spanned<f64>>,
    large_share: Option<Spanned<f64>>,
    file_factor: Option<Spanned<f64>>,
    bytes_warn: Option<Spanned<f64>>,
    bytes_fail: Option<Spanned<f64>>,
    bytes_floor: Option<Spanned<u64>>,
    explosion_factor: Option<Spanned<f64>>,
    explosion_files: Option<Spanned<u64>>,
    explosion_median: Option<Spanned<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Performance {
    slower: Option<Spanned<f64>>,
    max_pairs: Option<Spanned<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    more: Option<Spanned<f64>>,
    limit: Option<Spanned<u64>>,
}

/// A table `[[waiver]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypedWaiver {
    pub(super) code: Spanned<String>,
    signal: Option<String>,
    job: Option<Spanned<String>>,
    column: Option<String>,
    side: Option<Role>,
    side_kind: Option<SideKind>,
    reason: Spanned<String>,
    owner: Spanned<String>,
    expires: Option<Spanned<String>>,
}

/// Collects settings with their origins.
struct Collector<'a> {
    layer: Layer,
    origin: Origin<'a>,
    /// What a key is called in messages before its own name: `policy.`, `policy.phase.logs.`, or nothing.
    prefix: String,
}

impl Collector<'_> {
    fn push(&mut self, at: usize, set: Set) {
        let origin = (self.origin)(at);
        self.layer.settings.push(Setting { set, origin });
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl TypedPolicy {
    /// Checks the values and makes the layer for every phase and the layers by phase.
    pub(crate) fn resolve(
        mut self,
        prefix: &str,
        origin: Origin<'_>,
    ) -> Result<(Layer, BTreeMap<String, Layer>), Fault> {
        let mut phases = BTreeMap::new();
        for (name, typed) in std::mem::take(&mut self.phase) {
            if !phase::NAMES.contains(&name.get_ref().as_str()) {
                return Err(Fault::new(&name, unknown_phase(prefix, name.get_ref())));
            }
            if let Some((inner, _)) = typed.phase.iter().next() {
                let message = format!("`{prefix}phase.{}.phase`: a phase has no phases", name.get_ref());
                return Err(Fault::new(inner, message));
            }
            let inner = format!("{prefix}phase.{}.", name.get_ref());
            let (layer, _) = typed.resolve(&inner, origin)?;
            phases.insert(name.into_inner(), layer);
        }
        let mut into = Collector { layer: Layer::default(), origin, prefix: prefix.to_owned() };
        if let Some(gates) = self.gates {
            let at = gates.span().start;
            let key = into.key("gates");
            let codes = gates.get_ref().iter().map(|code| check_code(code, &key));
            let set = Set::Gates(codes.collect::<Result<_, _>>()?);
            into.push(at, set);
        }
        type Make = fn(String) -> Set;
        for (name, codes, make) in [
            ("requires", &self.requires, Set::Requires as Make),
            ("requires_every_job", &self.requires_every_job, Set::RequiresEveryJob as Make),
            ("evidence", &self.evidence, Set::Evidence as Make),
        ] {
            for code in codes {
                let set = make(check_code(code, &into.key(name))?);
                into.push(code.span().start, set);
            }
        }
        same_types(&mut into, self.same_type, &self.tolerance)?;
        columns(&mut into, self.ignore, self.tolerance)?;
        if let Some(typed) = self.negative_zero_equal {
            into.push(typed.span().start, Set::NegativeZeroEqual(*typed.get_ref()));
        }
        if let Some(typed) = self.partitions {
            into.push(typed.span().start, Set::Partitions(*typed.get_ref()));
        }
        self.sizes.resolve(&mut into)?;
        self.performance.resolve(&mut into)?;
        if let Some(typed) = &self.memory.more {
            let share = share(typed, &into.key("memory.more"), 10.0)?;
            into.push(typed.span().start, Set::More(share));
        }
        if let Some(typed) = &self.memory.limit {
            if *typed.get_ref() == 0 {
                return Err(Fault::new(
                    typed,
                    format!("`{}` must be a positive number of bytes", into.key("memory.limit")),
                ));
            }
            into.push(typed.span().start, Set::MemoryLimit(*typed.get_ref()));
        }
        if let Some(typed) = &self.max_age {
            let key = into.key("max_age");
            let age = parse_age(typed.get_ref())
                .map_err(|message| Fault::new(typed, format!("`{key}`: {message}")))?;
            into.push(typed.span().start, Set::MaxAge(age));
        }
        for (pattern, action) in self.actions {
            let key = into.key("actions");
            known_code(&pattern, &key)?;
            glob(&pattern, &key)?;
            into.push(pattern.span().start, Set::Action(pattern.get_ref().clone(), *action.get_ref()));
        }
        let key = into.key("waiver");
        for waiver in self.waiver {
            waiver.resolve(&mut into.layer, origin, &key)?;
        }
        for scoped in self.scoped {
            let at = scoped.span().start;
            into.layer.settings.extend(scoped.into_inner().resolve(at, prefix, origin)?);
        }
        Ok((into.layer, phases))
    }
}

/// The older tables of `parallax.toml` as a layer.
pub(crate) fn older(
    compare: Compare,
    sizes: Sizes,
    waivers: Vec<TypedWaiver>,
    origin: Origin<'_>,
) -> Result<Layer, Fault> {
    let mut into = Collector { layer: Layer::default(), origin, prefix: "compare.".to_owned() };
    columns(&mut into, compare.ignore, compare.tolerance)?;
    if let Some(typed) = compare.negative_zero_equal {
        into.push(typed.span().start, Set::NegativeZeroEqual(*typed.get_ref()));
    }
    into.prefix = String::new();
    sizes.resolve(&mut into)?;
    for waiver in waivers {
        waiver.resolve(&mut into.layer, origin, "waiver")?;
    }
    Ok(into.layer)
}

/// Ignored columns and tolerances; one column cannot have both in one table.
fn columns(
    into: &mut Collector<'_>,
    ignore: BTreeMap<Spanned<String>, Spanned<String>>,
    tolerance: BTreeMap<Spanned<String>, TypedTolerance>,
) -> Result<(), Fault> {
    for column in tolerance.keys() {
        if ignore.keys().any(|ignored| ignored.get_ref() == column.get_ref()) {
            let key = into.key(&format!("tolerance.{}", column.get_ref()));
            return Err(Fault::new(column, format!("`{key}`: the column is ignored as well; choose one")));
        }
    }
    for (column, reason) in ignore {
        let at = column.span().start;
        let reason = written(reason, &into.key(&format!("ignore.{}", column.get_ref())))?;
        into.push(at, Set::Ignore(column.into_inner(), reason));
    }
    for (column, typed) in tolerance {
        let key = into.key(&format!("tolerance.{}", column.get_ref()));
        if typed.absolute.is_none() && typed.relative.is_none() {
            return Err(Fault::new(&column, format!("`{key}` needs `absolute` or `relative`")));
        }
        let mut tolerance = Tolerance::default();
        if let Some(absolute) = &typed.absolute {
            tolerance.absolute = at_least_zero(absolute, &format!("{key}.absolute"))?;
        }
        if let Some(relative) = &typed.relative {
            tolerance.relative = at_least_zero(relative, &format!("{key}.relative"))?;
            if tolerance.relative >= 1.0 {
                let message = format!(
                    "`{key}.relative` is a share of the larger value: {} would let any two numbers of one sign pass; write \
                     1 % as 0.01, or name the column in `ignore` with the reason",
                    tolerance.relative
                );
                return Err(Fault::new(relative, message));
            }
        }
        let at = column.span().start;
        into.push(at, Set::Tolerance(column.into_inner(), tolerance));
    }
    Ok(())
}

/// Declared changes of type; a column cannot have a tolerance as well, which holds for numbers of one type.
fn same_types(
    into: &mut Collector<'_>,
    same_type: BTreeMap<Spanned<String>, Spanned<String>>,
    tolerance: &BTreeMap<Spanned<String>, TypedTolerance>,
) -> Result<(), Fault> {
    for (column, name) in same_type {
        let key = into.key(&format!("same_type.{}", column.get_ref()));
        if tolerance.keys().any(|it| it.get_ref() == column.get_ref()) {
            return Err(Fault::new(
                &column,
                format!("`{key}`: the column has a tolerance as well; choose one"),
            ));
        }
        let Some(family) = Family::named(name.get_ref()) else {
            let names = Family::ALL.map(Family::name);
            let hint = suggest::hint(name.get_ref(), names);
            let message = format!(
                "`{key}`: there is no kind of type {:?}; the kinds are {}{hint}",
                name.get_ref(),
                names.join(", ")
            );
            return Err(Fault::new(&name, message));
        };
        let at = column.span().start;
        into.push(at, Set::SameType(column.into_inner(), family));
    }
    Ok(())
}

impl Sizes {
    fn resolve(self, into: &mut Collector<'_>) -> Result<(), Fault> {
        let mut bounds = SizeBounds::default();
        let mut last = 0;
        for (key, typed) in [
            ("tiny_share", self.tiny_share),
            ("large_share", self.large_share),
            ("file_factor", self.file_factor),
            ("bytes_warn", self.bytes_warn),
            ("bytes_fail", self.bytes_fail),
            ("explosion_factor", self.explosion_factor),
        ] {
            let Some(typed) = typed else { continue };
            let number = Number::Share(at_least_zero(&typed, &into.key(&format!("sizes.{key}")))?);
            last = last.max(typed.span().start);
            set_size(&mut bounds, key, number);
            into.push(typed.span().start, Set::Size(key, number));
        }
        for (key, typed) in [
            ("bytes_floor", self.bytes_floor),
            ("explosion_files", self.explosion_files),
            ("explosion_median", self.explosion_median),
        ] {
            let Some(typed) = typed else { continue };
            into.push(typed.span().start, Set::Size(key, Number::Count(*typed.get_ref())));
        }
        match crossed(&bounds) {
            Some((low, high)) => {
                let (of, set) = (super::layer::size(&bounds, low), super::layer::size(&bounds, high));
                let (low, high) = (into.key(&format!("sizes.{low}")), into.key(&format!("sizes.{high}")));
                Err(Fault { at: last, message: format!("`{low}` ({of}) must not exceed `{high}` ({set})") })
            }
            None => Ok(()),
        }
    }
}

impl Performance {
    fn resolve(&self, into: &mut Collector<'_>) -> Result<(), Fault> {
        if let Some(typed) = &self.slower {
            let share = share(typed, &into.key("performance.slower"), 1.0)?;
            into.push(typed.span().start, Set::Slower(share));
        }
        if let Some(typed) = &self.max_pairs {
            let pairs = *typed.get_ref();
            if pairs == 0 {
                let key = into.key("performance.max_pairs");
                return Err(Fault::new(typed, format!("`{key}` must be at least 1")));
            }
            into.push(typed.span().start, Set::MaxPairs(pairs));
        }
        Ok(())
    }
}

impl TypedWaiver {
    fn resolve(self, layer: &mut Layer, origin: Origin<'_>, key: &str) -> Result<(), Fault> {
        known_code(&self.code, &format!("{key}.code"))?;
        if let Some(job) = &self.job {
            glob(job, &format!("{key}.job"))?;
        }
        let expires = self.expires.as_ref().map(|text| day(text, &format!("{key}.expires"))).transpose()?;
        let origin = origin(self.code.span().start);
        let waiver = Waiver {
            code: written(self.code, &format!("{key}.code"))?,
            signal: self.signal,
            side: self.side,
            side_kind: self.side_kind,
            job: self.job.map(Spanned::into_inner),
            column: self.column,
            within: None,
            reason: written(self.reason, &format!("{key}.reason"))?,
            owner: written(self.owner, &format!("{key}.owner"))?,
            expires,
            origin: origin.clone(),
        };
        layer.settings.push(Setting { set: Set::Waiver(waiver), origin });
        Ok(())
    }
}

/// A share that lies between nothing and `most`.
fn share(typed: &Spanned<f64>, key: &str, most: f64) -> Result<f64, Fault> {
    let share = at_least_zero(typed, key)?;
    if share > most {
        let message = format!("`{key}` is a share and at most {most}, not {share}; write 10 % as 0.10");
        return Err(Fault::new(typed, message));
    }
    Ok(share)
}

/// The code of a check that there is or that a phase may name.
fn check_code(code: &Spanned<String>, key: &str) -> Result<String, Fault> {
    let typed = code.get_ref();
    let upper = typed.to_uppercase();
    if known_checks().any(|known| known == upper) {
        return Ok(upper);
    }
    let known: Vec<_> = known_checks().collect();
    let mut hint = suggest::hint(typed, known.iter().copied());
    if hint.is_empty() {
        hint = format!("; the checks are {}", known.join(", "));
    }
    let message = format!("`{key}`: there is no check {typed:?}{hint}");
    Err(Fault::new(code, message))
}

/// Refuses a finding code whose check there is not: `row.missing` covers nothing, ever.
fn known_code(code: &Spanned<String>, key: &str) -> Result<(), Fault> {
    let Some((check, rest)) = code.get_ref().split_once('.') else { return Ok(()) };
    let known: Vec<String> = known_checks().map(str::to_lowercase).collect();
    if check.contains(['*', '?', '[']) || known.iter().any(|known| known == check) {
        return Ok(());
    }
    let hint = suggest::nearest(check, known.iter().map(String::as_str))
        .map(|near| format!("; did you mean `{near}.{rest}`?"))
        .unwrap_or_default();
    let message = format!("`{key}`: no check has findings of code {:?}{hint}", code.get_ref());
    Err(Fault::new(code, message))
}

/// Refuses a pattern that cannot be read.
pub(super) fn glob(pattern: &Spanned<String>, key: &str) -> Result<(), Fault> {
    match glob::Pattern::new(pattern.get_ref()) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Fault::new(pattern, format!("`{key}`: {:?} is no pattern: {error}", pattern.get_ref())))
        }
    }
}

fn unknown_phase(prefix: &str, typed: &str) -> String {
    format!(
        "`{prefix}phase`: there is no phase {typed:?}; the phases are {}{}",
        phase::NAMES.join(", "),
        suggest::hint(typed, phase::NAMES)
    )
}
