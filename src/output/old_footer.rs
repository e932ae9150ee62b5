//! Footers of old writers: what is wrong in them and read all the same, put right for the readers here.

use std::fmt;
use std::path::Path;

use corpora::repair::Defect;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData,
};

use super::two_level;
use crate::error::{Error, Result};

/// What a footer states otherwise than the format demands, where readers go on all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FooterDefect {
    /// The rows of the file are not those of its row groups. Readers of rows go by the row groups; counts by the footer are wrong.
    Rows {
        /// By the footer.
        stated: i64,
        /// Of all row groups.
        groups: i64,
    },
    /// Something that readers pass over.
    Passed(Defect),
}

impl FooterDefect {
    /// Whether engines that count rows by the footer are wrong.
    #[must_use]
    pub fn is_count(&self) -> bool {
        matches!(self, Self::Rows { .. })
    }
}

impl fmt::Display for FooterDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { stated, groups } => write!(
                f,
                "it states {stated} rows, its row groups {groups}; engines that count rows by the footer alone are wrong"
            ),
            Self::Passed(defect) => defect.fmt(f),
        }
    }
}

/// The footer as readers take it, with what was put right.
///
/// # Errors
/// Class `input` where a row group has a negative number of rows.
pub(super) fn mended(
    path: &Path,
    metadata: ParquetMetaData,
    passed: Vec<Defect>,
) -> Result<(ParquetMetaData, Vec<FooterDefect>)> {
    let mut defects: Vec<FooterDefect> = passed.into_iter().map(FooterDefect::Passed).collect();
    let mut metadata = metadata;
    if metadata.row_groups().iter().flat_map(RowGroupMetaData::columns).any(has_no_dictionary) {
        metadata = without_false_dictionaries(&metadata).map_err(|error| Error::unreadable(path, error))?;
    }
    let stated = metadata.file_metadata().num_rows();
    let counted = metadata.row_groups().iter().try_fold(0_i64, |sum, group| {
        (group.num_rows() >= 0).then(|| sum.checked_add(group.num_rows())).flatten()
    });
    let Some(groups) = counted else {
        return Err(Error::unreadable(path, "the numbers of rows of its row groups are impossible"));
    };
    if stated != groups {
        defects.push(FooterDefect::Rows { stated, groups });
        metadata = with_rows(&metadata, groups);
    }
    let metadata =
        two_level::with_groups_between(metadata).map_err(|error| Error::unreadable(path, error))?;
    Ok((metadata, defects))
}

/// True where the offset of the dictionary stands for none, as old writers have it: no page begins within the first four bytes of a
/// file, and a dictionary comes before the data.
fn has_no_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    chunk.dictionary_page_offset().is_some_and(|it| !(4..chunk.data_page_offset()).contains(&it))
}

fn without_false_dictionaries(metadata: &ParquetMetaData) -> parquet::errors::Result<ParquetMetaData> {
    let mut builder = metadata.clone().into_builder();
    let groups = builder.take_row_groups().into_iter().map(|group| {
        let chunks: parquet::errors::Result<Vec<ColumnChunkMetaData>> = group
            .columns()
            .iter()
            .map(|chunk| {
                if has_no_dictionary(chunk) {
                    chunk.clone().into_builder().set_dictionary_page_offset(None).build()
                } else {
                    Ok(chunk.clone())
                }
            })
            .collect();
        group.clone().into_builder().set_column_metadata(chunks?).build()
    });
    let groups: parquet::errors::Result<Vec<RowGroupMetaData>> = groups.collect();
    Ok(builder.set_row_groups(groups?).build())
}

fn with_rows(metadata: &ParquetMetaData, rows: i64) -> ParquetMetaData {
    let file = metadata.file_metadata();
    let file = FileMetaData::new(
        file.version(),
        rows,
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    ParquetMetaDataBuilder::new(file).set_row_groups(metadata.row_groups().to_vec()).build()
}
