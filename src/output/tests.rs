use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;
use reports::document::{Role, WhyPassedOver};
use reports::manifest::{ErrorClass, Manifest, ManifestFile};

use super::testing::{write, write_with};
use super::*;
use crate::check::fixture::{ints, rows, take, texts};

fn open(root: &Path, recorded: bool) -> Output {
    Output::open(Role::Candidate, root, None, &[], recorded).unwrap()
}

fn paths(output: &Output) -> Vec<&str> {
    output.files.iter().map(|file| file.info.path.as_str()).collect()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// What was passed over: path, reason, files and Parquet files of each entry.
fn passed_over(output: &Output) -> Vec<(&str, WhyPassedOver, u64, u64)> {
    output.passed_over.iter().map(|it| (it.path.as_str(), it.why, it.files, it.parquet)).collect()
}

#[test]
fn a_directory_is_read_recursively_and_sorted_into_kinds_alike_for_every_side() {
    use WhyPassedOver::{Bookkeeping, Hidden, NotParquet, Temporary};
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    for name in [
        "b.parquet",
        "deep/er/a.PARQUET",
        "c.parq",
        "000000_0",
        "_region=eu/d.pq",
        "_hidden/x.parquet",
        "_hidden/y",
        "_old.parquet",
        "_temporary/0/z.parquet",
        ".e.parquet",
        "_metadata",
    ] {
        write(&at(name), &rows());
    }
    for name in ["notes.txt", ".stamp", "_SUCCESS", "deep/.a.PARQUET.crc", "_hidden/notes", "deep/_started_7"]
    {
        std::fs::write(at(name), "x").unwrap();
    }
    std::fs::write(at("manifest.json"), r#"{"files": []}"#).unwrap();
    std::fs::write(at("bad.parquet"), "not Parquet, whatever its name says").unwrap();
    std::fs::write(at("cut-short"), "PAR1 and no end").unwrap();
    for recorded in [true, false] {
        let output = open(folder.path(), recorded);
        let read = ["000000_0", "_region=eu/d.pq", "b.parquet", "c.parq", "deep/er/a.PARQUET"];
        assert_eq!(paths(&output), read);
        let unreadable: Vec<&str> = output.unreadable.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(unreadable, ["bad.parquet", "cut-short"]);
        assert_eq!(
            passed_over(&output),
            [
                (".e.parquet", Temporary, 1, 1),
                (".stamp", Temporary, 1, 0),
                ("_SUCCESS", Bookkeeping, 1, 0),
                ("_hidden/", Hidden, 3, 2),
                ("_metadata", Bookkeeping, 1, 0),
                ("_old.parquet", Hidden, 1, 1),
                ("_temporary/", Temporary, 1, 1),
                ("deep/.a.PARQUET.crc", Bookkeeping, 1, 0),
                ("deep/_started_7", Bookkeeping, 1, 0),
                ("notes.txt", NotParquet, 1, 0),
            ]
        );
    }
}

#[test]
fn a_file_and_a_link_to_it_are_read_once_where_only_one_is_named_parquet() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write(&at("a.parquet"), &rows());
    write(&at("sub/data"), &rows());
    std::os::unix::fs::symlink("a.parquet", at("latest")).unwrap();
    std::os::unix::fs::symlink("sub/data", at("b.parquet")).unwrap();
    std::os::unix::fs::symlink("a.parquet", at("c.parquet")).unwrap();
    let output = open(folder.path(), false);
    assert_eq!(paths(&output), ["a.parquet", "b.parquet", "c.parquet"]);
    let linked = WhyPassedOver::Linked;
    assert_eq!(passed_over(&output), [("latest", linked, 1, 0), ("sub/data", linked, 1, 0)]);
    let links: Vec<&str> = output.disguised.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(links, ["b.parquet", "c.parquet"]);
}

#[test]
fn tables_whose_logs_say_which_files_are_live_are_refused_wherever_they_lie() {
    for (marks, said) in [
        (&["_delta_log/00000000000000000000.json"][..], "is a Delta Lake table"),
        (&["deep/_delta_log/00000000000000000000.json"], "deep is a Delta Lake table"),
        (&["metadata/v1.metadata.json", "data/x"], "is an Iceberg table"),
        (&[".hoodie/hoodie.properties"], "is a Hudi table"),
        (&["asia/.hoodie_partition_metadata"], "asia is a Hudi table"),
    ] {
        let folder = folder();
        write(&folder.path().join("a.parquet"), &rows());
        for mark in marks {
            std::fs::create_dir_all(folder.path().join(mark).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(mark), "{}").unwrap();
        }
        let error = Output::open(Role::Candidate, folder.path(), None, &[], true).unwrap_err();
        assert_eq!(error.class, ErrorClass::Input);
        assert!(error.message.contains(said) && error.message.contains("@files.txt"), "{}", error.message);
        // A file that is named is taken as it is.
        assert_eq!(paths(&open(&folder.path().join("a.parquet"), true)), ["a.parquet"]);
    }
}

#[test]
fn facts_of_a_file_are_those_of_its_footer_and_bytes() {
    let folder = folder();
    let path = folder.path().join("a.parquet");
    write(&path, &rows());
    let bytes = std::fs::read(&path).unwrap();
    let info = &open(folder.path(), false).files[0].info;
    assert_eq!((info.rows, info.row_groups, info.columns), (8, 1, 8));
    assert_eq!(
        (info.bytes, info.digest.as_str()),
        (bytes.len() as u64, blake3::hash(&bytes).to_hex().as_str())
    );
    assert_eq!(info.codecs, ["zstd"]);
    assert!(info.created_by.is_some());
}

#[test]
fn a_single_file_is_an_output_of_its_own() {
    let folder = folder();
    write(&folder.path().join("a.parquet"), &rows());
    write(&folder.path().join("b.parquet"), &rows());
    let output = open(&folder.path().join("b.parquet"), false);
    assert_eq!((paths(&output), output.root.as_path()), (vec!["b.parquet"], folder.path()));
}

#[test]
fn a_path_that_is_not_there_is_an_input_error() {
    let error = Output::open(Role::Baseline, Path::new("no/such/place"), None, &[], false).unwrap_err();
    assert_eq!(error.class, ErrorClass::Input);
}

#[test]
fn files_come_in_the_manifests_order_and_others_last() {
    let folder = folder();
    for name in ["a.parquet", "b.parquet", "c.parquet"] {
        write(&folder.path().join(name), &rows());
    }
    let file = |path: &str| ManifestFile { path: path.to_owned(), ..ManifestFile::default() };
    let manifest = Manifest {
        files: vec![file("c.parquet"), file("gone.parquet"), file("b.parquet")],
        ..Manifest::default()
    };
    let output = Output::open(Role::Candidate, folder.path(), Some(manifest), &[], false).unwrap();
    assert_eq!(paths(&output), ["c.parquet", "b.parquet", "a.parquet"]);
    let indexes: Vec<_> = output.files.iter().map(|file| file.manifest_index).collect();
    assert_eq!(indexes, [Some(0), Some(2), None]);
}

#[test]
fn without_a_manifest_files_come_by_their_lowest_key_taken_from_the_rows() {
    let folder = folder();
    write(&folder.path().join("a.parquet"), &vec![("k.ey", ints(&[30, 20]))]);
    write(&folder.path().join("b.parquet"), &vec![("k.ey", ints(&[10, 90]))]);
    write(&folder.path().join("c.parquet"), &vec![("other", ints(&[1]))]);
    let output = Output::open(Role::Candidate, folder.path(), None, &["k.ey".to_owned()], false).unwrap();
    assert_eq!(paths(&output), ["c.parquet", "b.parquet", "a.parquet"]);
    assert_eq!(output.file_order, FileOrder::LowestKey);
}

#[test]
fn batches_know_their_place_and_never_cross_row_groups() {
    let folder = folder();
    let path = folder.path().join("a.parquet");
    write_with(&path, &rows(), WriterProperties::builder().set_max_row_group_row_count(Some(3)));
    let file = &open(folder.path(), false).files[0];
    let places: Vec<(usize, u64, usize)> = file
        .batches(Some(&["_cardinalhq.timestamp".to_owned()]), 2)
        .unwrap()
        .map(|located| located.unwrap())
        .map(|it| (it.row_group, it.first_row, it.batch.num_rows()))
        .collect();
    assert_eq!(places, [(0, 0, 2), (0, 2, 1), (1, 3, 2), (1, 5, 1), (2, 6, 2)]);
    assert_eq!(file.place(5).row_group, Some(1));
}

#[test]
fn chosen_rows_come_back_in_order() {
    let folder = folder();
    let path = folder.path().join("a.parquet");
    write_with(&path, &rows(), WriterProperties::builder().set_max_row_group_row_count(Some(3)));
    let file = &open(folder.path(), false).files[0];
    let options = ReadOptions { rows: Some(vec![1, 3, 7]), ..ReadOptions::default() };
    let columns: Vec<_> = file.read(options).unwrap().map(|it| it.unwrap().batch).collect();
    let times: Vec<String> = columns
        .iter()
        .flat_map(|batch| {
            let key = key::KeyColumn::new(batch, "_cardinalhq.timestamp", key::KeyRule::AsStored);
            (0..batch.num_rows()).map(|row| key.value(row).text()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(times, ["20", "30", "70"]);
}

#[test]
fn columns_that_a_file_does_not_hold_leave_the_rows() {
    let folder = folder();
    write(&folder.path().join("a.parquet"), &rows());
    let file = &open(folder.path(), false).files[0];
    let rows: usize =
        file.batches(Some(&["absent".to_owned()]), 0).unwrap().map(|it| it.unwrap().batch.num_rows()).sum();
    assert_eq!(rows, 8);
}

#[test]
fn no_mutilated_file_ends_in_a_panic() {
    let folder = folder();
    let source = folder.path().join("source.parquet");
    write(&source, &rows());
    let good = std::fs::read(&source).unwrap();
    let broken = folder.path().join("broken.parquet");
    let mut refused = 0;
    let mut variants: Vec<Vec<u8>> =
        (0..good.len()).step_by(97).map(|length| good[..length].to_vec()).collect();
    for at in (0..good.len()).step_by(13) {
        for value in [0x00, 0x7f, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            variants.push(bytes);
        }
    }
    let hook = std::panic::take_hook();
    // Panics of the reader are caught; without this they would fill the test's output.
    std::panic::set_hook(Box::new(|_| {}));
    for bytes in variants {
        std::fs::write(&broken, &bytes).unwrap();
        match OutputFile::open(&broken, "broken.parquet") {
            Ok(file) => {
                let read =
                    file.batches(None, 0).and_then(|mut batches| batches.try_for_each(|it| it.map(drop)));
                refused += usize::from(read.is_err());
            }
            Err(error) => {
                assert_eq!(error.class, ErrorClass::Input);
                refused += 1;
            }
        }
    }
    std::panic::set_hook(hook);
    assert!(refused > 50, "{refused}");
}

#[test]
fn two_columns_of_one_name_are_refused_unless_both_are_left_out() {
    let folder = folder();
    let columns = vec![("x", ints(&[1])), ("y", ints(&[2])), ("x", texts(&["z"]))];
    write(&folder.path().join("a.parquet"), &columns);
    let output = open(folder.path(), false);
    let said = &output.unreadable[0].reason;
    assert!(said.contains("columns 0 and 2 (counted from 0) are both named \"x\""), "{said}");
    assert!(said.contains("--ignore-columns \"x\"=REASON"), "{said}");
    let opened = |column: &str| {
        let ignored = BTreeMap::from([(column.to_owned(), "twice there".to_owned())]);
        let opening = Opening { sort_key: &[], ignored: &ignored, recorded: false };
        Output::open_for(Role::Candidate, folder.path(), None, opening).unwrap()
    };
    assert_eq!(opened("y").unreadable.len(), 1);
    let output = opened("x");
    assert!(output.unreadable.is_empty());
    assert_eq!(output.files[0].columns_without(|name| name == "x"), Some(vec!["y".to_owned()]));
}

#[cfg(unix)]
#[test]
fn loops_of_symbolic_links_are_left_and_dangling_ones_told() {
    let folder = folder();
    write(&folder.path().join("deep/a.parquet"), &take(&rows(), &[0]));
    std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("gone.parquet")).unwrap();
    let output = open(folder.path(), false);
    assert_eq!(paths(&output), ["deep/a.parquet"]);
    assert_eq!(output.unreadable[0].path, "gone.parquet");
}

#[test]
fn values_wider_than_any_page_are_refused_before_they_are_reserved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.parquet");
    testing::write_wide(&path);
    let file = OutputFile::open(&path, "wide.parquet").unwrap();
    assert_eq!(file.batches(None, 0).unwrap().map(|it| it.unwrap().batch.num_rows()).sum::<usize>(), 2);
    pages::credible_file(&path).unwrap();

    testing::widen(&path);
    let file = OutputFile::open(&path, "wide.parquet").unwrap();
    let error = file.batches(None, 0).unwrap().next().unwrap().unwrap_err();
    assert!(error.message.contains("its values have 713000000 bytes each"), "{}", error.message);
    let error = pages::credible_file(&path).unwrap_err();
    assert!(error.message.contains("row group 0, column \"wide\""), "{}", error.message);
}

/// A file of two row groups with three rows each, whose second row group `change` restates.
fn restated(
    change: impl FnOnce(&RowGroupMetaData, RowGroupMetaData) -> RowGroupMetaData,
) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = folder();
    let path = folder.path().join("a.parquet");
    let columns = vec![("id", ints(&[1, 2, 3, 4, 5, 6])), ("text", texts(&["a", "b", "a", "b", "a", "b"]))];
    write_with(&path, &columns, WriterProperties::builder().set_max_row_group_row_count(Some(3)));
    crate::fault::footer::restate(&path, |mut metadata| {
        let mut groups = metadata.take_row_groups();
        let second = groups.pop().unwrap();
        groups.push(change(&groups[0], second));
        Ok(Some(metadata.set_row_groups(groups)))
    })
    .unwrap();
    (folder, path)
}

/// The row group with the size of each chunk changed by so many bytes, and its number of values.
fn resized(group: RowGroupMetaData, bytes: i64, values: i64) -> RowGroupMetaData {
    let chunks = group.columns().iter().map(|chunk| {
        let chunk = chunk.clone().into_builder();
        let size = chunk.build().unwrap();
        let builder = size.clone().into_builder();
        builder
            .set_total_compressed_size(size.compressed_size() + bytes)
            .set_num_values(size.num_values() + values)
            .build()
            .unwrap()
    });
    let chunks: Vec<_> = chunks.collect();
    group.into_builder().set_column_metadata(chunks).build().unwrap()
}

#[test]
fn row_groups_and_columns_that_share_pages_are_refused_with_both_places() {
    let (folder, path) = restated(|first, _| first.clone().into_builder().set_ordinal(1).build().unwrap());
    let error = pages::credible_file(&path).unwrap_err();
    for part in ["row group 1, column \"id\" shares pages with row group 0, column \"id\"", "from byte 4 on"]
    {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let output = open(folder.path(), false);
    assert!(output.unreadable[0].reason.contains("shares pages"), "{:?}", output.unreadable);
    assert!(!output.unreadable[0].limited);
}

#[test]
fn sizes_that_overlap_where_no_pages_do_are_those_of_old_writers_and_are_read() {
    // Too short, as without the header of the dictionary.
    let (folder, path) = restated(|_, second| resized(second, -3, 0));
    pages::credible_file(&path).unwrap();
    assert!(open(folder.path(), false).unreadable.is_empty());
    // Too long, so that each reaches into the next.
    let (folder, _) = restated(|_, second| resized(second, 7, 0));
    assert!(open(folder.path(), false).unreadable.is_empty());
}

#[test]
fn pages_with_more_values_than_their_chunk_and_fewer_than_their_row_group_are_refused() {
    let (_folder, path) = restated(|_, second| resized(second, 0, -1));
    let error = pages::credible_file(&path).unwrap_err();
    for part in ["row group 1, column \"id\"", "hold 3 values where the footer says that the chunk has 2"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    let (_folder, path) =
        restated(|_, second| second.into_builder().set_num_rows(1_000_000).build().unwrap());
    let error = pages::credible_file(&path).unwrap_err();
    let said = "row group 1, column \"id\": its pages hold 3 values where the row group has 1000000 rows";
    assert!(error.message.contains(said), "{}", error.message);
}

/// Rows of one value of a million bytes that the dictionary holds once, flat or in lists.
fn bomb(path: &Path, nested: bool) {
    let value = "x".repeat(1_000_000);
    let text = Arc::new(StringArray::from(vec![value.as_str(); 40])) as ArrayRef;
    let text = if nested {
        let item = Arc::new(Field::new("item", DataType::Utf8, true));
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([1; 40]), text, None))
    } else {
        text
    };
    let schema = Arc::new(Schema::new(vec![Field::new("text", text.data_type().clone(), true)]));
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(8 << 20).build();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), Arc::clone(&schema), Some(properties)).unwrap();
    for _ in 0..100 {
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&text)]).unwrap()).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn a_value_that_a_dictionary_holds_once_is_not_written_out_for_each_row() {
    let folder = folder();
    for nested in [false, true] {
        let path = folder.path().join("bomb.parquet");
        bomb(&path, nested);
        assert!(std::fs::metadata(&path).unwrap().len() < 3_000_000);
        let file = OutputFile::open(&path, "bomb.parquet").unwrap();
        for dictionaries in [false, true] {
            let options = ReadOptions { dictionaries, ..ReadOptions::default() };
            let mut rows = 0;
            for located in file.read(options).unwrap() {
                let batch = located.unwrap().batch;
                rows += batch.num_rows();
                assert!(batch.get_array_memory_size() < 16 << 20, "{}", batch.get_array_memory_size());
            }
            assert_eq!(rows, 4_000);
        }
    }
}

/// A file of one row group with a list per row, of so many elements each.
fn lists(path: &Path, lengths: &[usize]) -> OutputFile {
    let values = Arc::new(Int64Array::from_iter_values(0..lengths.iter().sum::<usize>() as i64));
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    let list = Arc::new(ListArray::new(item, offsets, values, None)) as ArrayRef;
    write(path, &vec![("list", list)]);
    OutputFile::open(path, "lists.parquet").unwrap()
}

#[test]
fn batches_shrink_with_what_their_rows_hold_and_readers_keep_within_the_memory() {
    let folder = folder();
    let mut file = lists(&folder.path().join("lists.parquet"), &[1_000; 4_000]);
    file.memory = Arc::new(Memory::new(64 << 20));
    let mut rows = 0;
    for located in file.batches(None, 0).unwrap() {
        let batch = located.unwrap().batch;
        rows += batch.num_rows();
        assert!(batch.get_array_memory_size() as u64 <= file.memory.share(), "{}", batch.num_rows());
    }
    assert_eq!(rows, 4_000);
    assert!(file.memory.most_read() <= file.memory.limit() / 4, "{}", file.memory.most_read());
}

#[test]
fn a_row_that_needs_more_than_the_limit_is_an_error_with_the_limit_that_would_do() {
    let folder = folder();
    let mut file = lists(&folder.path().join("lists.parquet"), &[1, 2_000_000, 1]);
    file.memory = Arc::new(Memory::new(4 << 20));
    let error = file.batches(None, 0).unwrap().next().unwrap().unwrap_err();
    assert_eq!(error.class, ErrorClass::Usage, "it is no property of the file: {}", error.message);
    for part in ["lists.parquet", "row group 0", "list.list.item", "--memory-limit 4194304 allows"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    let enough = error.message.split("--memory-limit ").last().unwrap().split(' ').next().unwrap();
    file.memory = Arc::new(Memory::new(enough.parse().unwrap()));
    let rows: usize = file.batches(None, 0).unwrap().map(|it| it.unwrap().batch.num_rows()).sum();
    assert_eq!(rows, 3);
}

#[test]
fn texts_by_annotation_alone_are_read_from_dictionaries_as_others_are() {
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let folder = folder();
    let path = folder.path().join("a.parquet");
    let schema = "message m { required binary j (JSON); required binary e (ENUM); required binary s (UTF8); \
                  required binary b (BSON); required binary x; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(File::create(&path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        let values = [ByteArray::from("{}"), ByteArray::from("[1]"), ByteArray::from("{}")];
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    file.close().unwrap();
    let file = OutputFile::open(&path, "a.parquet").unwrap();
    let options = ReadOptions { dictionaries: true, ..ReadOptions::default() };
    let batch = file.read(options).unwrap().next().unwrap().unwrap().batch;
    for (column, field) in batch.columns().iter().zip(batch.schema().fields()) {
        let text = arrow::compute::cast(column, &DataType::Utf8).unwrap();
        let text = text.as_any().downcast_ref::<StringArray>().unwrap();
        assert_eq!(text.iter().flatten().collect::<Vec<_>>(), ["{}", "[1]", "{}"], "{}", field.name());
    }
    let dictionaries = batch.columns().iter().map(|it| matches!(it.data_type(), DataType::Dictionary(..)));
    assert_eq!(dictionaries.collect::<Vec<_>>(), [false, true, true, true, true]);
}
