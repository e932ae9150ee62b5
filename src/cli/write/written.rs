//! What a writer did, shown file by file: a manifest that is never whole in memory, since its files may be many.

use std::cell::RefCell;
use std::path::Path;

use reports::manifest::{Manifest, ManifestFile};
use reports::visible::plain;
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::unified::of_unified;
use crate::cli::{Format, terminal};
use crate::error::{Error, Result};
use crate::side::unified as unified_side;

/// The files of a manifest, in order.
type Files = Box<dyn Iterator<Item = Result<ManifestFile>>>;

/// A manifest whose files come one at a time.
pub(super) struct Written {
    /// All but the files.
    totals: Manifest,
    files: Files,
}

impl From<Manifest> for Written {
    fn from(mut whole: Manifest) -> Self {
        let files = std::mem::take(&mut whole.files);
        Self { totals: whole, files: Box::new(files.into_iter().map(Ok)) }
    }
}

impl Written {
    pub(super) fn unified(writer: &str, outcome: &unified::Outcome, output: &Path) -> Self {
        let output = output.to_path_buf();
        let files = outcome.files.clone().map(move |file| match file {
            Ok(file) => Ok(unified_side::manifest_file(&file, &output)),
            Err(error) => Err(of_unified(&error)),
        });
        Self { totals: unified_side::totals(writer, outcome), files: Box::new(files) }
    }

    /// Writes everything to stdout.
    pub(super) fn show(self, format: Format) -> Result<()> {
        if format == Format::Json {
            let document = Document {
                totals: self.totals,
                files: RefCell::new(self.files),
                failure: RefCell::default(),
            };
            let shown = terminal::json_as_it_comes(&document);
            return document.failure.into_inner().map_or(shown, Err);
        }
        let mut count = 0_u64;
        for file in self.files {
            let file = file?;
            count += 1;
            terminal::text(&format!(
                "{}  {} rows  {} bytes\n",
                plain(&file.path),
                file.record_count.unwrap_or_default(),
                file.file_size.unwrap_or_default()
            ))?;
        }
        let mut text = String::new();
        for (reason, rows) in self.totals.rows_dropped.iter().filter(|(_, rows)| **rows > 0) {
            text.push_str(&format!("dropped: {rows} rows ({})\n", plain(reason)));
        }
        if let Some(merged) = self.totals.rows_merged {
            text.push_str(&format!("merged: {merged} rows became part of another\n"));
        }
        let rows_read = self.totals.rows_read.unwrap_or_default();
        text.push_str(&format!("{rows_read} rows read, {count} files written\n"));
        terminal::text(&text)
    }
}

/// The manifest as JSON, its files taken as they are written.
struct Document {
    totals: Manifest,
    files: RefCell<Files>,
    /// What ended the files early.
    failure: RefCell<Option<Error>>,
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Manifest { writer, rows_read, rows_dropped, rows_merged, merge_stats, files: _ } = &self.totals;
        let mut map = serializer.serialize_map(None)?;
        if let Some(writer) = writer {
            map.serialize_entry("writer", writer)?;
        }
        if let Some(rows) = rows_read {
            map.serialize_entry("rows_read", rows)?;
        }
        map.serialize_entry("rows_dropped", rows_dropped)?;
        if let Some(rows) = rows_merged {
            map.serialize_entry("rows_merged", rows)?;
        }
        if let Some(stats) = merge_stats {
            map.serialize_entry("merge_stats", stats)?;
        }
        map.serialize_entry("files", &FileList(self))?;
        map.end()
    }
}

struct FileList<'a>(&'a Document);

impl Serialize for FileList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for file in self.0.files.borrow_mut().by_ref() {
            match file {
                Ok(file) => list.serialize_element(&file)?,
                Err(error) => {
                    let told = S::Error::custom(&error);
                    self.0.failure.replace(Some(error));
                    return Err(told);
                }
            }
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use reports::manifest::{ErrorClass, MergeStats};

    use super::*;

    fn whole() -> Manifest {
        Manifest {
            writer: Some("unified".to_owned()),
            rows_read: Some(12),
            rows_dropped: [("missing_timestamp".to_owned(), 2)].into(),
            rows_merged: Some(3),
            merge_stats: Some(MergeStats { datapoints_out_of_range: 4 }),
            files: ["a", "b"]
                .map(|path| ManifestFile {
                    path: path.to_owned(),
                    fingerprints: Some(vec![-1, 5]),
                    ..ManifestFile::default()
                })
                .into(),
        }
    }

    fn document(written: Written) -> Document {
        Document { totals: written.totals, files: RefCell::new(written.files), failure: RefCell::default() }
    }

    #[test]
    fn a_manifest_file_by_file_reads_as_the_whole_one_does() {
        for manifest in [whole(), Manifest::default()] {
            let streamed = serde_json::to_string_pretty(&document(manifest.clone().into())).unwrap();
            assert_eq!(streamed, serde_json::to_string_pretty(&manifest).unwrap());
        }
    }

    #[test]
    fn files_that_cannot_be_read_back_end_the_document_with_their_own_error() {
        let mut written: Written = whole().into();
        written.files = Box::new(std::iter::once(Err(Error::new(ErrorClass::Io, "no such luck"))));
        let document = document(written);
        assert!(serde_json::to_string(&document).is_err());
        assert_eq!(document.failure.into_inner().unwrap().to_string(), "no such luck");
    }
}
