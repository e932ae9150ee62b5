//! Planting one fault into a finished output. Where the output offers no place for it (no second file, no null), nothing
//! changes: a demonstration chooses a corpus that does.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Int64Type};
use reports::document::SideOutcome;
use reports::manifest::{ErrorClass, Failure, Manifest, ManifestFile};

use super::rewrite::{load, store};
use super::site::{Site, is_indexed, is_key, stacked, with_column};
use super::{
    Fault, claims, columns, extras, facts, files, layout, merge, order, partitions, rows, series, spans,
    stated, values,
};
use crate::error::{Error, Result};
use crate::job::{Job, JobKind};
use crate::side::builtin::files_below;
use crate::side::{SideRun, Workplace};

/// Rows of each file that [`Fault::TinyFiles`] makes.
const TINY_ROWS: usize = 7;

/// Files from which on tiny ones are an explosion.
pub(super) const EXPLOSION: u64 = 24;

/// Plants `fault` into what the side left.
pub fn plant(fault: Fault, job: &Job, place: &Workplace<'_>, run: &mut SideRun) -> Result<()> {
    match fault {
        Fault::LeftoverFile => {
            write_text(&place.scratch.join("run-000001.spill"))?;
            run.scratch_left = files_below(place.scratch)?;
            return Ok(());
        }
        Fault::LeakDescriptor => {
            let leaked = File::open(place.scratch)
                .map_err(|source| Error::io("cannot open", place.scratch, source))?;
            std::mem::forget(leaked);
            return Ok(());
        }
        Fault::PartialAfterFailure | Fault::WrongErrorClass | Fault::SwallowedError => {
            return failure(fault, run);
        }
        _ => {}
    }
    let root = run.output.clone();
    let Some(manifest) = run.manifest.as_mut().filter(|manifest| !manifest.files.is_empty()) else {
        return Ok(());
    };
    let mut site = Site { job, root, manifest };
    match fault {
        Fault::DropRow | Fault::CommonRowLost => site.drop_row()?,
        Fault::CommonRowUnaccounted if files::full(&site).is_none() => {}
        Fault::CommonRowUnaccounted => {
            site.drop_row()?;
            run.manifest = None;
        }
        Fault::CommonFileLost => files::lost(&mut site)?,
        Fault::DuplicateRow | Fault::CommonRowDoubled => site.rewrite_largest(|batch| {
            let last = batch.slice(batch.num_rows().checked_sub(1)?, 1);
            concat_batches(&batch.schema(), [batch, &last]).ok()
        })?,
        Fault::SwapValues => site.rewrite_first(swap_values)?,
        Fault::MovedPartition => partitions::moved(&mut site)?,
        Fault::NulledPartition => partitions::nulled(&mut site)?,
        Fault::ChangeCharacter => {
            site.rewrite_first(|job, batch| map_one_string(job, batch, changed_text))?
        }
        Fault::NullToEmpty => site.rewrite_first(|job, batch| {
            map_one_string(job, batch, |value| value.is_none().then(String::new))
        })?,
        Fault::SwapRows => order::swap_ends(&mut site)?,
        Fault::IntToFloat => site.int_to_float()?,
        Fault::LoseColumn => site.lose_column()?,
        Fault::OverlapFiles => site.overlap()?,
        Fault::WrongFirstTimestamp => {
            if let Some(first) = site.manifest.files.iter_mut().find_map(|file| file.first_ts.as_mut()) {
                *first = first.checked_add(1).unwrap_or(0);
            }
        }
        Fault::MissingFingerprint => {
            let sets = site.manifest.files.iter_mut().filter_map(|file| file.fingerprints.as_mut());
            if let Some(set) = sets.into_iter().find(|set| !set.is_empty()) {
                set.pop();
            }
        }
        Fault::FirstResultOnly => site.manifest.files.truncate(1),
        Fault::StrayFile if !site.listed_ascending()? => {}
        Fault::StrayFile => files::stray(&site, 0, "stray.parquet")?,
        Fault::StrayOtherName if !site.listed_ascending()? => {}
        Fault::StrayOtherName => files::stray(&site, 0, "000000_0")?,
        Fault::StrayInPartition => files::stray_in_partition(&site)?,
        Fault::HiddenFile => files::hidden(&mut site)?,
        Fault::StrayHidden => files::stray(&site, 0, "_stray.parquet")?,
        Fault::Int96Wrapped
        | Fault::IntervalFlattened
        | Fault::IntegerCut
        | Fault::UnitRetyped
        | Fault::RetypedAndChanged => extras::changed(fault, &mut site)?,
        Fault::ContradictedFolder => partitions::contradicted(&mut site)?,
        Fault::FieldIdsLost
        | Fault::FieldIdsSwapped
        | Fault::UuidLost
        | Fault::JsonLost
        | Fault::UtcLost
        | Fault::CrsLost
        | Fault::GeometryLost
        | Fault::KeyLost
        | Fault::KeyChanged
        | Fault::ArrowSchemaLost
        | Fault::BoundsLost
        | Fault::NullCountLost
        | Fault::StatisticsLost
        | Fault::ColumnOrdersLost
        | Fault::SortingLost => facts::lost(fault, &mut site)?,
        Fault::TinyFiles => site.tiny_files()?,
        Fault::FailLate => {
            let failure = Failure {
                class: ErrorClass::Internal,
                message: "planted: the writer failed at its end".to_owned(),
            };
            run.outcome = SideOutcome::Failed { failure, exit_status: None, signal: None, stderr: None };
            run.manifest = None;
        }
        Fault::LeftoverFile
        | Fault::LeakDescriptor
        | Fault::PartialAfterFailure
        | Fault::WrongErrorClass
        | Fault::SwallowedError => {}
        // A run by itself is without fault.
        Fault::UnsteadyValue | Fault::UnsteadyRow | Fault::UnsteadyOrder | Fault::UnsteadyEnd => {}
        // What they change is no part of the output.
        Fault::Slow15 | Fault::Slow3 | Fault::DoubleMemory => {}
        Fault::SplitTidByRows => series::split_by_rows(&mut site)?,
        Fault::SplitTidByBatch => series::split_by_batch(&mut site)?,
        Fault::TidReturns => series::tid_returns(&mut site)?,
        Fault::FilePerTid => series::file_per_tid(&mut site)?,
        Fault::TidsAsText => series::tids_as_text(&mut site)?,
        Fault::HighestTidLost => series::highest_tid_lost(&mut site)?,
        Fault::TidThroughFloat => series::tid_through_float(&mut site)?,
        Fault::TidCountOnLastFileOnly => series::tid_count_on_last_file_only(&mut site),
        Fault::SwapMinMaxTid => series::swap_min_max(&mut site),
        Fault::ExclusiveEnd => series::exclusive_end(&mut site),
        Fault::WrongAlignment => merge::wrong_alignment(&mut site)?,
        Fault::KeyNotAligned => merge::key_not_aligned(&mut site)?,
        Fault::SketchDropped => merge::sketch_dropped(&mut site)?,
        Fault::SketchMergedTwice => merge::sketch_merged_twice(&mut site)?,
        Fault::SketchOtherAccuracy => merge::sketch_other_accuracy(&mut site)?,
        Fault::RollupFromOneRow => merge::rollup_from_one_row(&mut site)?,
        Fault::ExactSum => merge::exact_sum(&mut site)?,
        Fault::SwapRollupMinMax => merge::swap_rollup_min_max(&mut site)?,
        Fault::FalseBound => layout::false_bound(&mut site)?,
        Fault::FalseNulls => layout::false_nulls(&mut site)?,
        Fault::FalseOrder => layout::false_order(&mut site)?,
        Fault::FalsePageIndex => layout::false_page_index(&mut site)?,
        Fault::FalseEncodings => claims::false_encodings(&mut site)?,
        Fault::FalsePlace => claims::false_place(&mut site)?,
        Fault::FalseSize => claims::false_size(&mut site)?,
        Fault::NegativeSize => claims::negative_size(&mut site)?,
        Fault::OtherFile => claims::other_file(&mut site)?,
        Fault::SharedFieldId => claims::shared_field_id(&mut site)?,
        Fault::ScatterTrace => spans::scatter_trace(&mut site)?,
        Fault::TwoSlots => spans::two_slots(&mut site)?,
        Fault::NarrowedFloats => columns::narrow_floats(&mut site)?,
        Fault::BatchTailLost => rows::batch_tail_lost(&mut site)?,
        Fault::ReusedBuffer => rows::reused_buffer(&mut site)?,
        Fault::ReplacedRow => rows::replaced(&mut site)?,
        Fault::InventedRow => rows::invented(&mut site)?,
        Fault::FlipBit => values::flip_bit(&mut site)?,
        Fault::ChangeCase => values::change_case(&mut site)?,
        Fault::TrailingSpace => values::trailing_space(&mut site)?,
        Fault::TruncateValue => values::truncate_value(&mut site)?,
        Fault::CutCharacter => values::cut_character(&mut site)?,
        Fault::LostEncoding => values::lost_encoding(&mut site)?,
        Fault::RoundToFloat => values::round_to_float(&mut site)?,
        Fault::SignOfZero => values::sign_of_zero(&mut site)?,
        Fault::NanToNull => values::nan_to_null(&mut site)?,
        Fault::NanToZero => values::nan_to_zero(&mut site)?,
        Fault::EmptyToNull => values::empty_to_null(&mut site)?,
        Fault::ZeroToNull => values::zero_to_null(&mut site)?,
        Fault::NullToZero => values::null_to_zero(&mut site)?,
        Fault::IntegerThroughFloat => values::integer_through_float(&mut site)?,
        Fault::TimeZone => values::time_zone(&mut site)?,
        Fault::TimeUnit => values::time_unit(&mut site)?,
        Fault::RenameColumn => columns::rename(&mut site)?,
        Fault::ExchangeColumns => columns::exchange(&mut site)?,
        Fault::NumberToText => columns::number_to_text(&mut site)?,
        Fault::TwoTypeChanges => columns::two_types(&mut site)?,
        Fault::ColumnLostInOneFile => columns::lose_in_one_file(&mut site)?,
        Fault::SchemaFrozen => columns::schema_frozen(&mut site)?,
        Fault::ReverseFile => order::reverse(&mut site)?,
        Fault::SwapRuns => order::swap_runs(&mut site)?,
        Fault::LastRowFirst => order::last_row_first(&mut site)?,
        Fault::SwapFiles => order::swap_files(&mut site)?,
        Fault::TidsUnsigned => series::tids_unsigned(&mut site)?,
        Fault::WrongLastTimestamp => stated::off_by_one(&mut site, "last_ts"),
        Fault::WrongRecordCount => stated::off_by_one(&mut site, "record_count"),
        Fault::WrongFileSize => stated::off_by_one(&mut site, "file_size"),
        Fault::WrongTidCount => stated::off_by_one(&mut site, "tid_count"),
        Fault::WrongMinTid => stated::off_by_one(&mut site, "min_tid"),
        Fault::WrongMaxTid => stated::off_by_one(&mut site, "max_tid"),
        Fault::WrongSlot => stated::off_by_one(&mut site, "slot"),
        Fault::WrongSpanCount => stated::off_by_one(&mut site, "span_count"),
        Fault::WrongTraceCount => stated::off_by_one(&mut site, "trace_count"),
        Fault::WrongHour => stated::off_by_one(&mut site, "hour"),
        Fault::WrongDate => stated::off_by_one(&mut site, "date"),
        Fault::WrongFileIndex => stated::off_by_one(&mut site, "file_index"),
        Fault::ExtraFingerprint => stated::extra_fingerprint(&mut site),
        Fault::FingerprintsOnLastFileOnly => stated::fingerprints_on_last_file_only(&mut site),
        Fault::FingerprintShift => stated::fingerprint_shift(&mut site)?,
        Fault::RangeOfTheJob => stated::range_of_the_job(&mut site),
        Fault::FirstTimestampOnLastFileOnly => stated::first_timestamp_on_last_file_only(&mut site),
        Fault::MetadataOfNextFile => stated::of_next_file(&mut site),
        Fault::MissingFile => files::missing(&site)?,
        Fault::UnreadableFile => files::unreadable(&site)?,
        Fault::TruncatedFile => files::truncated(&site)?,
        Fault::EmptyFile => files::empty(&site)?,
        Fault::DoubledFile | Fault::CommonFileDoubled => files::doubled(&mut site)?,
        Fault::LastResultLost => drop(site.manifest.files.pop()),
        Fault::RowsReadOffByOne => {
            site.manifest.rows_read = site.manifest.rows_read.map(|rows| rows + 1);
        }
        Fault::FalseDrop => {
            *site.manifest.rows_dropped.entry("missing_timestamp".to_owned()).or_default() += 1
        }
        Fault::MarkLost => files::mark_lost(&site)?,
        Fault::SetCut => {
            if files::set_cut(&mut site)? {
                run.manifest = None;
            }
        }
        Fault::OutputLost => files::output_lost(&mut site)?,
        Fault::OneFileForAll => files::one_for_all(&mut site)?,
        Fault::SketchCut => merge::sketch_cut(&mut site)?,
        Fault::SketchOfOneRow => merge::sketch_of_one_row(&mut site)?,
        Fault::SwapQuantiles => merge::swap_quantiles(&mut site)?,
        Fault::AverageOff => merge::average_off(&mut site)?,
        Fault::TemporaryOutput => write_text(&site.root.join("part-00000.tmp"))?,
        Fault::TemporaryFolder => files::stray(&site, 0, "_temporary/0/part-00000.parquet")?,
        Fault::DotFile => write_text(&site.root.join(".part-00000.parquet.swp"))?,
    }
    Ok(())
}

/// Hides, or makes worse, a failure that the job is declared to end in.
fn failure(fault: Fault, run: &mut SideRun) -> Result<()> {
    let SideOutcome::Failed { failure, .. } = &mut run.outcome else { return Ok(()) };
    match fault {
        Fault::PartialAfterFailure => write_text(&run.output.join("part-00000.parquet"))?,
        Fault::WrongErrorClass => failure.class = ErrorClass::Internal,
        _ => {
            run.outcome = SideOutcome::Completed;
            run.manifest = Some(Manifest::default());
        }
    }
    Ok(())
}

fn write_text(path: &std::path::Path) -> Result<()> {
    std::fs::write(path, "left behind").map_err(|source| Error::io("cannot write", path, source))
}

impl Site<'_> {
    /// Drops a row of the largest file: in the middle, so that first and last timestamp stay true.
    fn drop_row(&mut self) -> Result<()> {
        self.rewrite_largest(|batch| {
            let middle = batch.num_rows() / 2;
            let rest = batch.num_rows().checked_sub(middle + 1)?;
            let parts = [&batch.slice(0, middle), &batch.slice(middle + 1, rest)];
            concat_batches(&batch.schema(), parts).ok()
        })
    }

    fn int_to_float(&mut self) -> Result<()> {
        let integer = |batch: &RecordBatch| {
            let schema = batch.schema();
            let found = schema
                .fields()
                .iter()
                .find(|field| field.data_type() == &DataType::Int64 && !is_key(self.job, field.name()))?;
            Some(found.name().clone())
        };
        let mut column = None;
        for index in 0..self.manifest.files.len() {
            column = column.or(integer(&load(&self.path(index))?));
        }
        let Some(column) = column else { return Ok(()) };
        for index in 0..self.manifest.files.len() {
            let batch = load(&self.path(index))?;
            let Some(values) =
                batch.column_by_name(&column).and_then(|array| array.as_primitive_opt::<Int64Type>())
            else {
                continue;
            };
            #[expect(clippy::cast_precision_loss, reason = "the loss is the fault")]
            let floats: Float64Array = values.iter().map(|value| value.map(|value| value as f64)).collect();
            if let Some(changed) = with_column(&batch, &column, Arc::new(floats)) {
                self.put(index, &changed)?;
            }
        }
        Ok(())
    }

    /// Loses the column with the fewest values over all files.
    fn lose_column(&mut self) -> Result<()> {
        let mut values: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for index in 0..self.manifest.files.len() {
            let batch = load(&self.path(index))?;
            for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
                *values.entry(field.name().clone()).or_default() += self.held(&batch, array);
            }
        }
        let rarest = values
            .iter()
            .filter(|(name, count)| **count > 0 && !is_key(self.job, name) && !is_indexed(self.job, name))
            .min_by_key(|(_, count)| **count)
            .map(|(name, _)| name.clone());
        let Some(column) = rarest else { return Ok(()) };
        for index in 0..self.manifest.files.len() {
            let batch = load(&self.path(index))?;
            let kept: Vec<usize> =
                (0..batch.num_columns()).filter(|at| batch.schema().field(*at).name() != &column).collect();
            if kept.len() < batch.num_columns()
                && !kept.is_empty()
                && let Ok(changed) = batch.project(&kept)
            {
                self.forget_fingerprint(index, &column);
                self.put(index, &changed)?;
            }
        }
        Ok(())
    }

    /// A writer that loses a column does not fingerprint it either.
    fn forget_fingerprint(&mut self, index: usize, column: &str) {
        let exists = crate::check::metadata::fingerprint::hash(format!("{column}:.*").as_bytes());
        if let Some(set) = &mut self.manifest.files[index].fingerprints {
            set.retain(|fingerprint| *fingerprint != exists);
        }
    }

    /// Puts the first row of the first file in front of the second file, and tells the truth about both.
    fn overlap(&mut self) -> Result<()> {
        if self.manifest.files.len() < 2 {
            return Ok(());
        }
        let (first, second) = (load(&self.path(0))?, load(&self.path(1))?);
        if first.num_rows() < 2 {
            return Ok(());
        }
        if !self.ascends((&first, 0), (&first, first.num_rows() - 1)) {
            return Ok(());
        }
        let Some(joined) = stacked(&first.slice(0, 1), &second) else { return Ok(()) };
        self.put(0, &first.slice(1, first.num_rows() - 1))?;
        self.put(1, &joined)?;
        // What cannot be told truthfully without recomputing it is not told, of any file.
        for entry in &mut self.manifest.files {
            (entry.first_ts, entry.last_ts, entry.fingerprints) = (None, None, None);
        }
        Ok(())
    }

    /// Cuts every file into files of [`TINY_ROWS`] rows.
    fn tiny_files(&mut self) -> Result<()> {
        let before = self.manifest.files.len();
        let counts = self.manifest.files.iter().map(|file| file.record_count.unwrap_or(0));
        let after: u64 = counts.map(|rows| rows.div_ceil(TINY_ROWS as u64)).sum();
        let parameters = &self.job.parameters;
        let by_hour = self.job.kind == JobKind::Ingest || parameters.split_hours == Some(true);
        // An explosion: a few more files are none.
        if by_hour || after < EXPLOSION || after <= 10 * before as u64 {
            return Ok(());
        }
        let mut entries = Vec::new();
        for index in 0..before {
            let path = self.path(index);
            let batch = load(&path)?;
            for (part, start) in (0..batch.num_rows()).step_by(TINY_ROWS).enumerate() {
                let rows = batch.slice(start, TINY_ROWS.min(batch.num_rows() - start));
                let name = format!("tiny-{index:04}-{part:05}.parquet");
                let size = store(&self.root.join(&name), &rows)?;
                entries.push(ManifestFile {
                    path: name,
                    record_count: Some(rows.num_rows() as u64),
                    file_size: Some(size),
                    ..ManifestFile::default()
                });
            }
            std::fs::remove_file(&path).map_err(|source| Error::io("cannot remove", &path, source))?;
        }
        self.manifest.files = entries;
        Ok(())
    }
}

/// String columns that are neither keys nor indexed, with their values.
fn plain_strings<'a>(
    job: &'a Job,
    batch: &'a RecordBatch,
) -> impl Iterator<Item = (String, &'a StringArray)> {
    batch.schema_ref().fields().iter().zip(batch.columns()).filter_map(|(field, array)| {
        let strings = array.as_string_opt::<i32>()?;
        (!is_key(job, field.name()) && !is_indexed(job, field.name()))
            .then(|| (field.name().clone(), strings))
    })
}

/// Exchanges two different values of one column between two rows, both not null and not empty.
fn swap_values(job: &Job, batch: &RecordBatch) -> Option<RecordBatch> {
    plain_strings(job, batch).find_map(|(name, strings)| {
        let mut full =
            (0..strings.len()).filter(|row| strings.is_valid(*row) && !strings.value(*row).is_empty());
        let one = full.next()?;
        let other = full.find(|row| strings.value(*row) != strings.value(one))?;
        let array = take(strings, &exchanged(strings.len(), one, other)?, None).ok()?;
        with_column(batch, &name, array)
    })
}

/// Row numbers from 0 with two of them exchanged.
fn exchanged(rows: usize, one: usize, other: usize) -> Option<UInt32Array> {
    let mut indices: Vec<u32> = (0..u32::try_from(rows).ok()?).collect();
    indices.swap(one, other);
    Some(UInt32Array::from(indices))
}

/// Changes the first value of a plain string column for which `change` has an answer.
fn map_one_string(
    job: &Job,
    batch: &RecordBatch,
    change: impl Fn(Option<&str>) -> Option<String>,
) -> Option<RecordBatch> {
    plain_strings(job, batch).find_map(|(name, strings)| {
        let row = (0..strings.len())
            .find(|row| change(strings.is_valid(*row).then(|| strings.value(*row))).is_some())?;
        let values: StringArray = (0..strings.len())
            .map(|at| {
                let value = strings.is_valid(at).then(|| strings.value(at));
                if at == row { change(value) } else { value.map(str::to_owned) }
            })
            .collect();
        with_column(batch, &name, Arc::new(values))
    })
}

/// The text with its last character changed; nothing for null and empty text.
fn changed_text(value: Option<&str>) -> Option<String> {
    let text = value?;
    let last = text.chars().next_back()?;
    let kept = &text[..text.len() - last.len_utf8()];
    Some(format!("{kept}{}", if last == 'x' { 'y' } else { 'x' }))
}
