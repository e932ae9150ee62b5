"""Reads what the unified writer wrote with a second implementation of Parquet, and compares values.

Both sides and the harness share one Parquet crate: a fault in its encoder that its decoder undoes would be invisible to every
check. Here PyArrow reads inputs and outputs. Some inputs are written by PyArrow as well, from values that never passed through the
crate. For each: the multisets of rows are equal (null is absent; floats bit by bit, all NaN alike), rows ascend by the signal's key
within and across files, no time series lies in two files, each manifest entry and each footer statistic says what the rows say.
"""

import argparse
import collections
import datetime
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TIMESTAMP = "_cardinalhq.timestamp"
TID = "_cardinalhq.tid"
START = "_cardinalhq.start_time_unix_ns"
TRACE = "_cardinalhq.trace_id"
# Per signal the sort key and the column of a file's time range.
SIGNALS = {"logs": (TIMESTAMP, TIMESTAMP), "metrics": (TID, TIMESTAMP), "traces": (START, START)}
DROPPED = {"minute", "hour", "day", "month", "year"}
HOUR_MS = 3_600_000
# What the unified writer leaves last: the files of the set, one a line.
MARK = "_SUCCESS"

# Built-in corpora that the factory of their signal writes without an error, and the options of the writer.
CORPORA = [
    ("metrics-overlap-5", ["--target-size", "60000"]),
    ("metrics-extreme-tids", ["--target-size", "20000"]),
    ("metrics-highest-tid-merged", []),
    ("metrics-large-series", ["--target-size", "30000"]),
    ("traces-long-traces", ["--target-size", "65536", "--slot", "0"]),
    ("traces-missing-starts", ["--target-size", "20000"]),
    ("traces-differing-schemas", []),
    ("compact-production", ["--target-size", "300000"]),
    ("compact-every-type", ["--target-size", "20000"]),
    ("compact-differing-schemas", []),
    ("compact-late-column", ["--target-size", "20000"]),
    ("compact-odd-timestamps", []),
    ("compact-empty-strings", []),
    ("compact-unicode", []),
    ("compact-200-columns", ["--target-size", "100000"]),
    ("compact-hour-day-boundaries", ["--split-hours"]),
]


class Difference(Exception):
    """Something that the second implementation sees otherwise."""


def call(command):
    """Runs the tool and returns the JSON document that it prints."""
    print("+", *command, flush=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Difference(f"exit status {done.returncode}: {done.stdout.decode(errors='replace')[:2000]}")
    return json.loads(done.stdout)


def plain_type(kind):
    """The type of the values, whatever their encoding."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind


def read(path):
    """The table in a file. A file with a wrong checksum, length or page does not get through this."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read()
    return table.cast(pa.schema([pa.field(field.name, plain_type(field.type)) for field in table.schema]))


def exact(value):
    """A value that is equal only to itself: `-0.0` is not `0.0`, and NaN is NaN."""
    if isinstance(value, float):
        return "nan" if value != value else struct.pack(">d", value)
    return value


def rows(table):
    """Canonical rows: the values that are there, with column and type."""
    columns = []
    for field in table.schema:
        if field.name not in DROPPED:
            kind = str(field.type)
            values = table[field.name].to_pylist()
            columns.append([None if value is None else (field.name, kind, exact(value)) for value in values])
    columns.sort(key=lambda column: next((cell[0] for cell in column if cell is not None), ""))
    for at in range(table.num_rows):
        yield tuple(column[at] for column in columns if column[at] is not None)


def extremes(table, column):
    """Lowest and highest value of a column; None where it is absent or has none."""
    if column not in table.column_names:
        return None, None
    seen = pc.min_max(table[column]).as_py()
    return seen["min"], seen["max"]


def check_file(path, entry, table, metadata, signal):
    """Manifest entry and footer of one file against its rows."""
    said = {"record_count": table.num_rows, "file_size": path.stat().st_size}
    low, high = extremes(table, SIGNALS[signal][1])
    if low is not None:
        said |= {"first_ts": low, "last_ts": high}
    if signal == "metrics":
        low, high = extremes(table, TID)
        said |= {"tid_count": pc.count_distinct(table[TID]).as_py(), "min_tid": low, "max_tid": high}
    if signal == "traces":
        traces = set(table[TRACE].to_pylist()) - {None} if TRACE in table.column_names else set()
        said |= {"span_count": table.num_rows, "trace_count": len(traces)}
    for field, value in said.items():
        if entry.get(field) != value:
            raise Difference(f"{path.name}: the manifest says {field} = {entry.get(field)}, the file {value}")
    empty = [name for name in table.column_names if table[name].null_count == table.num_rows]
    if empty:
        raise Difference(f"{path.name}: columns without any value: {empty}")
    checked = 0
    start = 0
    for group in range(metadata.num_row_groups):
        part = table.slice(start, metadata.row_group(group).num_rows)
        start += part.num_rows
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            statistics = column.statistics
            values = part[column.path_in_schema]
            if statistics is None:
                continue
            if statistics.has_null_count and statistics.null_count != values.null_count:
                raise Difference(f"{path.name}: wrong null count of {column.path_in_schema} in row group {group}")
            if statistics.has_min_max and pa.types.is_integer(values.type):
                seen = pc.min_max(values).as_py()
                if (statistics.min, statistics.max) != (seen["min"], seen["max"]):
                    raise Difference(f"{path.name}: wrong statistics of {column.path_in_schema} in row group {group}")
                checked += 1
    return checked


def first_differences(left, right):
    """A few rows that only one of two multisets holds."""
    return "\n".join(
        f"  only {who}: {row!r} ({count} times)"[:2000]
        for who, rest in (("in the inputs", left - right), ("in the output", right - left))
        for row, count in list(rest.items())[:3]
    )


def compare(parallax, name, inputs, output, options):
    """Lets the unified writer write the inputs and compares what PyArrow sees on both ends."""
    output.mkdir(parents=True)
    signal = next((signal for signal in SIGNALS if name.startswith(signal)), "logs")
    sort_key = SIGNALS[signal][0]
    command = [parallax, "write", "unified", "--signal", signal]
    for path in inputs:
        command += ["--input", str(path)]
    manifest = call(command + ["--output", str(output), *options, "--format", "json"])

    before = collections.Counter()
    for path in inputs:
        before.update(rows(read(path)))
    after = collections.Counter()
    highest = None
    statistics = 0
    named = [entry["path"] for entry in manifest["files"]]
    there = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    if sorted(named) != [path for path in there if path not in ("manifest.json", MARK)]:
        raise Difference(f"{name}: the manifest names {sorted(named)}, the directory holds {there}")
    if named and sorted((output / MARK).read_text(encoding="utf-8").split("\n")[:-1]) != sorted(named):
        raise Difference(f"{name}: the mark of the complete set does not list {sorted(named)}")
    for entry in manifest["files"]:
        path = output / entry["path"]
        table = read(path)
        statistics += check_file(path, entry, table, pq.read_metadata(path), signal)
        after.update(rows(table))
        keys = table[sort_key].to_pylist() if sort_key in table.column_names else []
        if signal == "metrics" and keys and keys[0] == highest:
            raise Difference(f"{name}: {path.name}: time series {keys[0]} began in the file before")
        for at, key in enumerate(keys):
            # Rows without a key come first.
            if highest is not None and (key is None or key < highest):
                raise Difference(f"{name}: {path.name}, row {at}: {key} after {highest}")
            highest = key
        if "--split-hours" in options and len({key // HOUR_MS for key in keys if key is not None}) > 1:
            raise Difference(f"{name}: {path.name} holds rows of several hours")
    if not before:
        raise Difference(f"{name}: there was nothing to compare")
    if before != after:
        raise Difference(f"{name}: the rows differ\n{first_differences(before, after)}")
    values = sum(len(row) * count for row, count in after.items())
    print(
        f"  {name}: {sum(after.values())} rows, {values} values, {len(named)} files, {statistics} statistics alike",
        flush=True,
    )


def foreign_segments(folder):
    """Segments that PyArrow writes, in several physical layouts, from values that the crate has never seen."""
    chance = random.Random(20250825)
    folder.mkdir(parents=True)
    start = int(datetime.datetime(2025, 8, 25, 13, tzinfo=datetime.timezone.utc).timestamp() * 1000)
    floats = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, -1.7976931348623157e308, 0.1]
    integers = [0, -1, 2**63 - 1, -(2**63), 2**53 + 1]
    texts = ["", "a", "ä", "😀 x", "line\nbreak", "nul\0byte", "x" * 5000]

    def some(values, share=0.8):
        return chance.choice(values) if chance.random() < share else None

    layouts = [
        {"compression": "none", "use_dictionary": False, "data_page_version": "1.0"},
        {"compression": "snappy", "use_dictionary": True, "data_page_version": "2.0"},
        {"compression": "gzip", "use_dictionary": False, "data_page_version": "2.0", "row_group_size": 100},
        {"compression": "zstd", "use_dictionary": True, "data_page_version": "1.0", "data_page_size": 512},
        {"compression": "brotli", "use_byte_stream_split": ["metric.value"], "use_dictionary": False},
        {"compression": "lz4", "column_encoding": {"log.count": "DELTA_BINARY_PACKED"}, "use_dictionary": False},
    ]
    for number, layout in enumerate(layouts):
        count = 700
        columns = {
            TIMESTAMP: pa.array([start + chance.randrange(3 * HOUR_MS) for _ in range(count)], pa.int64()),
            "_cardinalhq.id": pa.array([f"{number}-{at}" for at in range(count)], pa.string()),
            "_cardinalhq.message": pa.array([some(texts) for _ in range(count)], pa.string()),
            "log.count": pa.array([some([*integers, chance.randrange(10**12)]) for _ in range(count)], pa.int64()),
            "metric.value": pa.array([some([*floats, chance.gauss(0, 1e6)]) for _ in range(count)], pa.float64()),
            "log.flag": pa.array([some([True, False]) for _ in range(count)], pa.bool_()),
            "log.bytes": pa.array([some([b"", b"\0\xff", chance.randbytes(40)]) for _ in range(count)], pa.binary()),
            f"only.{number}": pa.array([some(texts, 0.01) for _ in range(count)], pa.string()),
            "ghost": pa.array([None] * count, pa.string()),
            "minute": pa.array([at % 60 for at in range(count)], pa.int32()),
        }
        pq.write_table(pa.table(columns), folder / f"segment-{number}.parquet", **layout)
    return sorted(folder.glob("*.parquet"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parallax", required=True, help="the program")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="a directory that may be emptied")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    try:
        segments = foreign_segments(options.work / "pyarrow" / "input")
        compare(options.parallax, "pyarrow", segments, options.work / "pyarrow" / "output", ["--target-size", "60000"])
        for name, further in CORPORA:
            folder = options.work / name
            (folder / "input").mkdir(parents=True)
            call([options.parallax, "corpus", "generate", name, "--output", str(folder / "input"), "--format", "json"])
            segments = sorted((folder / "input").rglob("*.parquet"))
            compare(options.parallax, name, segments, folder / "output", further)
    except Difference as difference:
        print(f"error: {difference}", file=sys.stderr)
        return 1
    shutil.rmtree(options.work)
    print(f"{len(CORPORA) + 1} corpora read alike by both implementations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
