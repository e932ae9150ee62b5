//! How much memory `parallax compare`, `verify`, `run` and `write unified` take under each limit, whatever the data.
//!
//! ```sh
//! cargo bench --bench memory_limit                                # all commands and data, 64 to 512 MiB, 1 and 2 threads
//! cargo bench --bench memory_limit -- --only bomb                 # data whose name contains this word
//! cargo bench --bench memory_limit -- --command verify            # this command alone
//! cargo bench --bench memory_limit -- --command write             # the unified writer, with segments of its own
//! cargo bench --bench memory_limit -- --limits 64,512 --threads 2 # these limits alone
//! ```
//!
//! The data is generated into a temporary directory. Each line is one child process; its peak is the resident memory that
//! `wait4` reports (Linux), of that process or of the largest of its own children. *pass* and *fail* are the verdict's exit codes 0
//! and 1, *inconclusive* is 3. `verify` judges the second output. The sides of `run` are `cp`, which copies the two outputs in place
//! of writing them, except for the data whose name begins with `logs`: there they are the built-in writers. `write` either writes all
//! rows or refuses its input (exit 2) and leaves no file.

#[path = "memory_limit/segments.rs"]
mod segments;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, MapArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use wait4::Wait4;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

/// Name, what it is, and the verdict that is right wherever one is given.
const DATA: &[(&str, &str)] = &[
    ("narrow-equal", "1,000,000 rows of 4 columns, equal, in another order"),
    ("wide-equal", "60,000 rows of 300 columns, equal, other pages"),
    ("wide-differing", "60,000 rows of 300 columns, all differing"),
    ("high-cardinality", "200,000 rows, every string another, all differing"),
    ("values-10mb", "24 strings of 10 MB, one differs"),
    ("value-100mb", "one changed value of 100 MB"),
    ("nested", "50,000 rows of lists and maps, some differ"),
    ("large-list", "one list of 5,000,000 elements, the last differs"),
    ("huge-list", "one list of 50,000,000 elements, the last differs"),
    ("bomb-flat", "4,000 rows of one dictionary value of 1 MB, one row differs"),
    ("bomb-nested", "4,000 rows, the same within lists"),
    ("bomb-delta", "4,000 values of 1 MB as differences from each other"),
    ("logs-many-equal", "500,000 log records of 8 columns, built-in sides"),
    ("logs-wide-equal", "60,000 log records of 300 columns, built-in sides"),
    ("logs-10mb-equal", "24 log records of 10 MB, built-in sides"),
];

/// Data that the built-in writers take: they are the sides.
fn is_built_in(name: &str) -> bool {
    name.starts_with("logs-")
}

fn main() -> Result<()> {
    // A child's peak begins with what its parent holds: so data is made by a process of its own.
    if let (Some(name), Some(folder)) = (text("--write"), text("--folder")) {
        let folder = Path::new(&folder);
        return if writing() { segments::write(&name, folder) } else { write(&name, folder) };
    }
    let only = text("--only");
    let limits: Vec<u64> = list("--limits")?.unwrap_or_else(|| vec![64, 128, 256, 512]);
    let threads: Vec<u64> = list("--threads")?.unwrap_or_else(|| vec![1, 2]);
    if writing() {
        return writer_table(only.as_deref(), &limits, &threads);
    }
    let asked = text("--command");
    let commands = match &asked {
        Some(command) => vec![command.clone()],
        None => ["compare", "verify", "run"].map(str::to_owned).to_vec(),
    };
    let home = tempfile::tempdir()?;
    say("| data | command | threads | limit MiB | peak MiB | verdict |");
    say("| --- | --- | --- | --- | --- | --- |");
    for (name, what) in DATA.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only))) {
        let folder = home.path().join(name);
        for side in ["a", "b"] {
            std::fs::create_dir_all(folder.join(side))?;
        }
        let made = Command::new(std::env::current_exe()?)
            .args(["--write", name, "--folder"])
            .arg(&folder)
            .status()?;
        if !made.success() {
            return Err(format!("{name} could not be written").into());
        }
        let commands = commands.iter().filter(|it| !is_built_in(name) || *it == "run");
        let runs = commands.flat_map(|command| threads.iter().map(move |threads| (command, *threads)));
        for (command, threads) in runs {
            for &limit in &limits {
                let out = folder.join(format!("report-{threads}-{limit}"));
                let (code, peak) = peak(command, name, &folder, &out, limit, threads)?;
                let verdict = match code {
                    Some(0) => "pass".to_owned(),
                    Some(1) => "fail".to_owned(),
                    Some(3) => "inconclusive".to_owned(),
                    Some(code) => format!("exit {code}"),
                    None => "killed".to_owned(),
                };
                say(&format!("| {what} | {command} | {threads} | {limit} | {} | {verdict} |", peak >> 20));
                let differs = !name.ends_with("-equal") && command != "verify";
                if code == Some(i32::from(!differs)) || !matches!(code, Some(0 | 1 | 3)) {
                    return Err(format!("{name}: {verdict} is wrong").into());
                }
                std::fs::remove_dir_all(&out)?;
            }
        }
        std::fs::remove_dir_all(&folder)?;
    }
    if asked.is_some() {
        return Ok(());
    }
    say("");
    writer_table(only.as_deref(), &limits, &threads)
}

/// Whether the unified writer is measured.
fn writing() -> bool {
    text("--command").is_some_and(|command| command == "write")
}

fn writer_table(only: Option<&str>, limits: &[u64], threads: &[u64]) -> Result<()> {
    let home = tempfile::tempdir()?;
    say("| data | threads | limit MiB | peak MiB | verdict |");
    say("| --- | --- | --- | --- | --- |");
    for (name, what) in
        segments::SEGMENTS.iter().filter(|(name, _)| only.is_none_or(|only| name.contains(only)))
    {
        let folder = home.path().join(name);
        std::fs::create_dir(&folder)?;
        let made = Command::new(std::env::current_exe()?)
            .args(["--command", "write", "--write", name, "--folder"])
            .arg(&folder)
            .status()?;
        if !made.success() {
            return Err(format!("{name} could not be written").into());
        }
        for (threads, limit) in
            threads.iter().flat_map(|threads| limits.iter().map(move |limit| (threads, limit)))
        {
            let out = home.path().join(format!("{name}-{threads}-{limit}"));
            let (verdict, peak) = written(&folder, &out, *limit, *threads)?;
            say(&format!("| {what} | {threads} | {limit} | {} | {verdict} |", peak >> 20));
            if out.exists() {
                std::fs::remove_dir_all(&out)?;
            }
        }
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// Writes the segments of a directory; what came of it and the peak.
fn written(segments: &Path, out: &Path, limit: u64, threads: u64) -> Result<(&'static str, u64)> {
    let mut inputs: Vec<_> =
        std::fs::read_dir(segments)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    inputs.sort();
    let child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(["write", "unified", "--signal", "logs", "--output"])
        .arg(out)
        .arg("--input")
        .args(&inputs)
        .args(["--memory-limit", &(limit << 20).to_string(), "--threads", &threads.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let ended = child.wait4()?;
    let left = out.exists() && std::fs::read_dir(out)?.next().is_some();
    match ended.status.code() {
        Some(0) => Ok(("written", ended.rusage.maxrss)),
        Some(2) if !left => Ok(("refused", ended.rusage.maxrss)),
        other => Err(format!("exit {other:?}, or something is left in {}", out.display()).into()),
    }
}

/// A signal of which nothing is asked, and sides that copy.
fn config(folder: &Path) -> Result<std::path::PathBuf> {
    let path = folder.join("parallax.toml");
    let side = |side: &str| {
        let file = folder.join(side).join("data.parquet");
        format!("[side.{side}]\ncommand = [\"cp\", {:?}, \"{{output}}\"]\n", file.display().to_string())
    };
    let signal = "[signal.plain]\ndescription = \"any columns\"\nsort_key = []\nrow_keys = []\n";
    std::fs::write(&path, format!("{signal}{}{}", side("a"), side("b")))?;
    Ok(path)
}

fn peak(
    command: &str,
    name: &str,
    folder: &Path,
    out: &Path,
    limit: u64,
    threads: u64,
) -> Result<(Option<i32>, u64)> {
    let (a, b) = (folder.join("a"), folder.join("b"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_parallax"));
    program.arg(command);
    match command {
        "compare" => program.args([&a, &b]),
        "verify" => program.arg(b).args(["--signal", "plain", "--config"]).arg(config(folder)?),
        "run" if is_built_in(name) => {
            program.args(["--signal", "logs", "--keep", "never", "--corpus"]).arg(a)
        }
        "run" => program
            .args(["--signal", "plain", "--baseline", "cmd:a", "--candidate", "cmd:b", "--keep", "never"])
            // The size of a file is no question here.
            .args(["--param", "target_size=1099511627776"])
            .arg("--config")
            .arg(config(folder)?)
            .arg("--corpus")
            .arg(a),
        other => return Err(format!("--command {other}: there are compare, verify and run").into()),
    };
    let child = program
        .args(["--memory-limit", &(limit << 20).to_string(), "--threads", &threads.to_string(), "--out"])
        .arg(out)
        .stdout(Stdio::null())
        .stderr(if std::env::args().any(|it| it == "--show") { Stdio::inherit() } else { Stdio::null() })
        .spawn()?;
    let ended = child.wait4()?;
    Ok((ended.status.code(), ended.rusage.maxrss))
}

fn write(name: &str, folder: &Path) -> Result<()> {
    let (a, b) = (folder.join("a/data.parquet"), folder.join("b/data.parquet"));
    let zstd = || WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    match name {
        "narrow-equal" => {
            for (path, step) in [(&a, 1), (&b, 7)] {
                let rows: Vec<i64> = (0..1_000_000).map(|row| row * step % 1_000_000).collect();
                let of = |f: fn(i64) -> i64| ints(rows.iter().map(|row| f(*row)));
                let names = texts(rows.iter().map(|row| format!("service {}", row % 1_000)));
                let columns =
                    vec![("id", of(|it| it)), ("x", of(|it| it * 3)), ("y", of(scattered)), ("name", names)];
                put(path, columns, zstd())?;
            }
        }
        "wide-equal" | "wide-differing" => {
            for (path, more) in [(&a, 0), (&b, i64::from(name == "wide-differing"))] {
                let names: Vec<String> = (0..300).map(|column| format!("column_{column}")).collect();
                let columns = names.iter().zip(0_i64..).map(|(name, column)| {
                    (name.as_str(), ints((0..60_000).map(|row| scattered(row * 300 + column) + more)))
                });
                let pages = zstd().set_data_page_row_count_limit(if path == &a { 20_000 } else { 10_000 });
                put(path, columns.collect(), pages)?;
            }
        }
        "high-cardinality" => {
            for (path, word) in [(&a, "old"), (&b, "new")] {
                let id = ints(0..200_000);
                let text = texts(
                    (0..200_000).map(|row| format!("{word} {:x}{:x}", scattered(row), scattered(!row))),
                );
                put(path, vec![("id", id), ("text", text)], zstd())?;
            }
        }
        "values-10mb" => {
            for (path, last) in [(&a, 'x'), (&b, 'y')] {
                let large = (0..24).map(|row| long(10_000_000, row, if row == 23 { last } else { 'z' }));
                put(path, vec![("id", ints(0..24)), ("large", texts(large))], zstd())?;
            }
        }
        "value-100mb" => {
            for (path, last) in [(&a, 'x'), (&b, 'y')] {
                let large = texts(std::iter::once(long(100_000_000, 0, last)));
                put(path, vec![("id", ints(0..1)), ("large", large)], zstd())?;
            }
        }
        "nested" => {
            for (path, more) in [(&a, 0), (&b, 1)] {
                let rows = 50_000;
                let values =
                    |of: i64| ints((0..rows * 20).map(|it| scattered(it) + more * i64::from(it % of == 0)));
                let lists = lists(values(100_000), &vec![20; rows as usize])?;
                let maps = maps(
                    texts((0..rows * 5).map(|it| format!("key {}", it % 5))),
                    values(40_000).slice(0, (rows * 5) as usize),
                    5,
                )?;
                put(path, vec![("id", ints(0..rows)), ("list", lists), ("map", maps)], zstd())?;
            }
        }
        "large-list" | "huge-list" => {
            let count = if name == "huge-list" { 50_000_000 } else { 5_000_000 };
            for (path, last) in [(&a, 1), (&b, 2)] {
                let values = ints((0..count).map(|it| if it == count - 1 { last } else { it % 7 }));
                put(path, vec![("id", ints(0..1)), ("list", lists(values, &[count as usize])?)], zstd())?;
            }
        }
        "bomb-flat" | "bomb-nested" => {
            for (path, more) in [(&a, 0), (&b, 1)] {
                bomb(path, name == "bomb-nested", more, zstd().set_dictionary_page_size_limit(64 << 20))?;
            }
        }
        "bomb-delta" => {
            let delta = || {
                zstd()
                    .set_dictionary_enabled(false)
                    .set_column_encoding("text".into(), Encoding::DELTA_BYTE_ARRAY)
            };
            for (path, more) in [(&a, 0), (&b, 1)] {
                bomb(
                    path,
                    false,
                    more,
                    delta().set_data_page_size_limit(64 << 20).set_data_page_row_count_limit(1_000),
                )?;
            }
        }
        "logs-many-equal" => {
            let numbers = || 0..500_000_i64;
            let of = |f: fn(i64) -> i64| ints(numbers().map(f));
            let words = |of: i64| texts(numbers().map(move |row| format!("word {}", scattered(row) % of)));
            let columns = vec![
                ("_cardinalhq.id", texts(numbers().map(|row| format!("{row:x}-{:x}", scattered(row))))),
                ("_cardinalhq.level", words(5)),
                ("resource.service.name", words(40)),
                ("status", of(|row| row % 7)),
                ("bytes", of(scattered)),
            ];
            logs(
                &a,
                columns,
                texts(numbers().map(|row| format!("message {:x} of the service", scattered(!row)))),
                zstd(),
            )?;
        }
        "logs-wide-equal" => {
            let names: Vec<String> = (0..298).map(|column| format!("column_{column}")).collect();
            let columns = names.iter().zip(0_i64..).map(|(name, column)| {
                (name.as_str(), ints((0..60_000).map(|row| scattered(row * 300 + column))))
            });
            logs(&a, columns.collect(), texts((0..60_000).map(|row| format!("message {row}"))), zstd())?;
        }
        "logs-10mb-equal" => {
            logs(&a, Vec::new(), texts((0..24).map(|row| long(10_000_000, row, 'x'))), zstd())?;
        }
        other => return Err(format!("there is no data {other}").into()),
    }
    Ok(())
}

/// A segment of log records with these messages, a millisecond apart.
fn logs(
    path: &Path,
    mut columns: Vec<(&str, ArrayRef)>,
    messages: ArrayRef,
    properties: WriterPropertiesBuilder,
) -> Result<()> {
    let first = 1_756_080_000_000_i64;
    columns.push(("_cardinalhq.timestamp", ints((0..messages.len() as i64).map(|row| first + row))));
    columns.push(("_cardinalhq.message", messages));
    put(path, columns, properties)
}

/// 4,000 rows of one value of 1 MB, written a few at a time; the id of the last is `more` higher.
fn bomb(path: &Path, nested: bool, more: i64, properties: WriterPropertiesBuilder) -> Result<()> {
    let value = long(1_000_000, 1, 'x');
    let rows = 40;
    let batch = |first: i64| -> Result<RecordBatch> {
        let id = ints((first..first + rows).map(|row| if row == 3_999 { row + more } else { row }));
        let text = texts((0..rows).map(|_| value.clone()));
        let text = if nested { lists(text, &vec![1; rows as usize])? } else { text };
        batch(vec![("id", id), ("text", text)])
    };
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch(0)?.schema(), Some(properties.build()))?;
    for first in (0..4_000).step_by(rows as usize) {
        writer.write(&batch(first)?)?;
    }
    writer.close()?;
    Ok(())
}

fn put(path: &Path, columns: Vec<(&str, ArrayRef)>, properties: WriterPropertiesBuilder) -> Result<()> {
    let batch = batch(columns)?;
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties.build()))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn lists(values: ArrayRef, lengths: &[usize]) -> Result<ArrayRef> {
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths.iter().copied()), values, None)?))
}

fn maps(keys: ArrayRef, values: ArrayRef, each: usize) -> Result<ArrayRef> {
    let fields = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let lengths = vec![each; keys.len() / each];
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    Ok(Arc::new(MapArray::try_new(field, OffsetBuffer::from_lengths(lengths), entries, None, false)?))
}

/// A number that looks like chance.
fn scattered(number: i64) -> i64 {
    let mixed =
        number.wrapping_mul(0x1E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0x3F58_476D_1CE4_E5B9);
    mixed & 0xff_ffff_ffff
}

/// A text of so many bytes that does not compress to nothing.
fn long(bytes: usize, row: i64, last: char) -> String {
    let words = (0_i64..).map(|word| format!("{:010x}", scattered(word + row * 1_000_003)));
    let mut text: String = words.take(bytes / 10).collect();
    text.pop();
    text.push(last);
    text
}

fn text(name: &str) -> Option<String> {
    std::env::args().skip_while(|it| it != name).nth(1)
}

fn list(name: &str) -> Result<Option<Vec<u64>>> {
    let numbers =
        text(name).map(|it| it.split(',').map(str::parse).collect::<std::result::Result<Vec<u64>, _>>());
    Ok(numbers.transpose()?)
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}
