//! `parallax corpus`: the built-in corpora.

use std::path::PathBuf;

use clap::Subcommand;
use corpora::Catalog;
use corpora::Generate;
use corpora::spec::CorpusSpec;
use serde::Serialize;

use super::options::of_corpora;
use super::{Common, Format, terminal};
use crate::error::{Result, display};
use crate::exit::Exit;

/// What to do with the built-in corpora.
#[derive(Debug, Subcommand)]
pub enum CorpusCommand {
    /// Names and what each provokes.
    List,
    /// One specification.
    Show {
        /// Name of a built-in corpus, or path of a specification.
        name: String,
    },
    /// Write the input segments of one corpus.
    Generate {
        /// Name of a built-in corpus, or path of a specification.
        name: String,
        /// Directory to write to.
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
        /// Rows instead of the specification's.
        #[arg(long, value_name = "N")]
        rows: Option<u64>,
        /// Seed instead of the specification's.
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    signal: &'a str,
    kind: String,
    provokes: &'a [String],
}

#[derive(Serialize)]
struct Written {
    name: String,
    inputs: Vec<String>,
    rows: u64,
    seed: Option<u64>,
    digest: String,
}

impl CorpusCommand {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        let catalog = Catalog::builtin().map_err(|error| of_corpora(&error))?;
        match self {
            Self::List => list(&catalog, common.format)?,
            Self::Show { name } => {
                let spec = find(&catalog, name)?;
                match common.format {
                    Format::Text => terminal::text(spec.source_text())?,
                    Format::Json => terminal::json(&listed(&spec))?,
                }
            }
            Self::Generate { name, output, rows, seed } => {
                let spec = find(&catalog, name)?;
                let generated = spec
                    .generate(output, Generate { rows: *rows, seed: *seed })
                    .map_err(|error| of_corpora(&error))?;
                let lines: Vec<String> = generated.inputs.iter().map(|path| terminal::path(path)).collect();
                let written = Written {
                    name: spec.name.clone(),
                    inputs: generated.inputs.iter().map(|path| display(path)).collect(),
                    rows: generated.rows,
                    seed: generated.seed,
                    digest: generated.digest,
                };
                match common.format {
                    Format::Text => terminal::text(&format!(
                        "{}\n{} rows in {} segments{}, digest {}\n",
                        lines.join("\n"),
                        written.rows,
                        written.inputs.len(),
                        written.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default(),
                        written.digest
                    ))?,
                    Format::Json => terminal::json(&written)?,
                }
            }
        }
        Ok(Exit::Pass)
    }
}

fn find(catalog: &Catalog, name: &str) -> Result<CorpusSpec> {
    if std::path::Path::new(name).is_file() {
        return CorpusSpec::from_file(name.as_ref()).map_err(|error| of_corpora(&error));
    }
    catalog.get(name).cloned().map_err(|error| of_corpora(&error))
}

fn listed(spec: &CorpusSpec) -> Listed<'_> {
    Listed {
        name: &spec.name,
        title: &spec.title,
        signal: &spec.signal,
        kind: spec.kind.to_string(),
        provokes: &spec.provokes,
    }
}

fn list(catalog: &Catalog, format: Format) -> Result<()> {
    let entries: Vec<Listed<'_>> = catalog.iter().map(listed).collect();
    if format == Format::Json {
        return terminal::json(&entries);
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for entry in &entries {
        text.push_str(&format!(
            "{:width$}  {:8}{:8}  {}\n",
            entry.name, entry.signal, entry.kind, entry.title
        ));
    }
    terminal::text(&text)
}
