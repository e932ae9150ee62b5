//! The corpora that ship. Each is one file in `corpora/specs/`; the list below is all there is to adding one.

use std::path::Path;

use crate::error::{Error, Result};
use crate::spec::CorpusSpec;

/// The built-in specifications, in the order in which they are listed and run.
macro_rules! specs {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../specs/", $name, ".toml")))),+] };
}

const BUILTIN: &[(&str, &str)] = &specs![
    "compact-late-early-timestamps",
    "compact-interleaved-hours",
    "compact-hour-day-boundaries",
    "compact-heavy-ties",
    "compact-odd-timestamps",
    "compact-no-timestamp-column",
    "compact-sparse-columns",
    "compact-late-column",
    "compact-null-columns",
    "compact-empty-strings",
    "compact-unicode",
    "compact-long-values",
    "compact-many-distinct",
    "compact-200-columns",
    "compact-zero-rows",
    "compact-one-row",
    "compact-one-input",
    "compact-many-inputs",
    "compact-differing-schemas",
    "compact-type-conflict",
    "compact-no-id",
    "compact-duplicate-rows",
    "compact-every-type",
    "compact-rows-per-file",
    "compact-production",
    "ingest-late-early-timestamps",
    "ingest-interleaved-hours",
    "ingest-hour-day-boundaries",
    "ingest-heavy-ties",
    "ingest-zero-negative-timestamps",
    "ingest-missing-timestamps",
    "ingest-no-timestamp-column",
    "ingest-null-timestamps",
    "ingest-float-timestamps",
    "ingest-nan-timestamps",
    "ingest-text-timestamps",
    "ingest-late-column",
    "ingest-unicode",
    "ingest-zero-rows",
    "ingest-one-row",
    "ingest-chunk-merge",
    "ingest-production",
    "metrics-overlap-2",
    "metrics-overlap-5",
    "metrics-overlap-12",
    "metrics-rollup-60s",
    "metrics-same-shape-twice",
    "metrics-large-series",
    "metrics-tiny-series",
    "metrics-skewed-sizes",
    "metrics-names-per-tid",
    "metrics-row-estimate-multiple",
    "metrics-singletons",
    "metrics-lone-rows",
    "metrics-empty-sketches",
    "metrics-garbage-sketches",
    "metrics-foreign-accuracy",
    "metrics-no-values",
    "metrics-nan-infinite-sums",
    "metrics-other-rollups",
    "metrics-zeros-negatives",
    "metrics-wide-values",
    "metrics-negative-tids",
    "metrics-extreme-tids",
    "metrics-tids-as-text",
    "metrics-highest-tid-lone",
    "metrics-highest-tid-merged",
    "metrics-out-of-range",
    "metrics-all-out-of-range",
    "metrics-unaligned",
    "metrics-negative-timestamps",
    "metrics-null-timestamps",
    "metrics-null-names",
    "metrics-null-sketches",
    "metrics-late-without-sketch",
    "metrics-differing-columns",
    "metrics-unicode",
    "metrics-zero-row-inputs",
    "metrics-only-zero-row-inputs",
    "metrics-one-row",
    "metrics-one-input",
    "metrics-unsorted",
    "metrics-unsorted-one-row",
    "metrics-unsorted-highest-tid",
    "metrics-type-conflict",
    "metrics-count-as-int64",
    "metrics-null-tid",
    "metrics-no-tid-column",
    "metrics-interval-not-dividing",
    "metrics-production",
    "traces-slot-0-of-16",
    "traces-slot-7-of-16",
    "traces-slot-15-of-16",
    "traces-many-slots",
    "traces-single-slot",
    "traces-long-traces",
    "traces-orphans",
    "traces-equal-starts",
    "traces-missing-starts",
    "traces-no-start-column",
    "traces-missing-trace-ids",
    "traces-missing-span-ids",
    "traces-zero-row-inputs",
    "traces-only-zero-row-inputs",
    "traces-one-row",
    "traces-many-inputs",
    "traces-differing-schemas",
    "traces-type-conflict",
    "traces-out-of-order",
    "traces-unicode",
    "traces-production",
];

/// Named corpora.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    specs: Vec<CorpusSpec>,
}

impl Catalog {
    /// The built-in corpora.
    ///
    /// # Errors
    /// Only if a shipped specification is broken, which a test excludes.
    pub fn builtin() -> Result<Self> {
        let parse = |(name, text): &(&str, &str)| {
            CorpusSpec::parse(text, &format!("built-in corpus {name}"), Path::new(""))
        };
        Ok(Self { specs: BUILTIN.iter().map(parse).collect::<Result<_>>()? })
    }

    /// The names, in the order in which the corpora are listed and run.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.specs.iter().map(|spec| spec.name.as_str()).collect()
    }

    /// The corpora, in the same order.
    pub fn iter(&self) -> impl Iterator<Item = &CorpusSpec> {
        self.specs.iter()
    }

    /// The corpus of that name.
    ///
    /// # Errors
    /// An unknown name; the error names the nearest ones and how to list all.
    pub fn get(&self, name: &str) -> Result<&CorpusSpec> {
        self.specs.iter().find(|spec| spec.name == name).ok_or_else(|| {
            let alike = |known: &&str| known.split('-').any(|word| name.split('-').any(|w| w == word));
            let near: Vec<&str> = self.names().into_iter().filter(alike).take(8).collect();
            let hint = match near.as_slice() {
                [] => "see `parallax corpus list`".to_owned(),
                near => format!("near are: {}; see `parallax corpus list`", near.join(", ")),
            };
            Error::config(format!("unknown corpus \"{name}\"; {hint}"))
        })
    }
}
