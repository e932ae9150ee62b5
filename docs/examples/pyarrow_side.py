#!/usr/bin/env python3
"""A complete external side for Parallax, written with PyArrow.

It performs the two log jobs the way a writer of its own mind would: other file names, another codec, other row groups,
another order of rows with equal timestamps. Parallax must find it equal all the same. `docs/external-sides.md` explains
the contract; the comments here only say what is particular to this side.

    compact  many segments become few: the union of their columns, sorted by timestamp, split by size
    ingest   one raw segment is split by hour; rows without a timestamp are dropped, and said to be dropped

Needs Python 3.9 and `pip install pyarrow`. Everything is held in memory; it is an example, not a production writer.
"""

import argparse
import json
import math
import pathlib
import sys
import uuid

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TIMESTAMP = "_cardinalhq.timestamp"
# Log compaction leaves these out: they repeat what the timestamp says.
DROPPED_COLUMNS = {"minute", "hour", "day", "month", "year"}
DEFAULT_TARGET_SIZE = 1_100_000
HOUR_MS = 3_600_000
INT64_MIN = -(2**63)


class Refused(Exception):
    """The job cannot be done. The class is one of those that Parallax knows."""

    def __init__(self, error_class, message):
        super().__init__(message)
        self.error_class = error_class


def plain_type(kind):
    """The type of the values, however the file holds them: dictionaries and string layouts are encodings."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind


def read_segment(path):
    """One input segment, all columns nullable, without the metadata of whoever wrote it."""
    try:
        # Not `read_table`: that would take folder names of the form key=value for columns.
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise Refused("input", f"{path} is not a readable Parquet file: {error}") from error
    fields = [pa.field(field.name, plain_type(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields)) if fields else table


def unite(tables):
    """All rows of all segments under the union of their columns."""
    try:
        return pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise Refused("schema-conflict", f"the segments do not share one schema: {error}") from error


def without_null_columns(table):
    """The same rows without the columns that hold no value at all."""
    return table.select([name for name in table.column_names if table[name].null_count < table.num_rows])


def is_number(kind):
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def time_key(table):
    """The timestamp by which a row is placed, as int64; null where the row has none. Floats count truncated toward zero,
    what no int64 can hold counts as the lowest one, and a value of another type as 0."""
    if TIMESTAMP not in table.column_names:
        return pa.nulls(table.num_rows, pa.int64())
    column = table[TIMESTAMP]
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        limit = float(2**63)
        keys = [
            None
            if value is None
            else (int(value) if math.isfinite(value) and -limit <= value < limit else INT64_MIN)
            for value in column.to_pylist()
        ]
        return pa.array(keys, pa.int64())
    return pc.if_else(pc.is_valid(column), pa.scalar(0, pa.int64()), pa.scalar(None, pa.int64()))


def sorted_by_time(table):
    """Rows ascending by time, rows without a time first. Reversed before a stable sort, so that rows of equal time come out
    in another order than they came in."""
    order = pa.array(range(table.num_rows - 1, -1, -1), pa.int64())
    table = table.take(order)
    key = time_key(table)
    keyed = pa.table({"known": pc.is_valid(key).cast(pa.int8()), "key": pc.fill_null(key, 0)})
    return table.take(pc.sort_indices(keyed, sort_keys=[("known", "ascending"), ("key", "ascending")]))


def split_by_hour(table):
    """The parts of a table that is sorted by time, one per UTC hour."""
    # Floor, not truncation: half a second before 1970 belongs to the hour before it.
    hours = [key // HOUR_MS for key in time_key(table).to_pylist()]
    start = 0
    for at in range(1, len(hours) + 1):
        if at == len(hours) or hours[at] != hours[start]:
            yield table.slice(start, at - start)
            start = at


class Writer:
    """Writes tables as Parquet files of random names and remembers what it wrote."""

    def __init__(self, output, parameters, codec, row_group_rows):
        self.output = output
        self.codec = codec
        self.row_group_rows = row_group_rows
        self.rows_per_file = parameters.get("rows_per_file", 0)
        self.target_size = parameters.get("target_size", DEFAULT_TARGET_SIZE)
        self.files = []

    def write(self, table):
        """Writes a table as one or more files, near the target size unless the job sets the rows per file."""
        if table.num_rows == 0:
            return
        table = without_null_columns(table)
        if not table.column_names:
            raise Refused("input", "the rows have no value in any column")
        rows = self.rows_per_file if self.rows_per_file > 0 else self.rows_for_target(table)
        for start in range(0, table.num_rows, rows):
            self.write_file(table.slice(start, rows))

    def rows_for_target(self, table):
        """Rows per file by measure: the table is encoded once to see how large it gets."""
        sink = pa.BufferOutputStream()
        self.encode(table, sink)
        files = math.ceil(sink.getvalue().size / self.target_size)
        return math.ceil(table.num_rows / files)

    def encode(self, table, where):
        pq.write_table(table, where, compression=self.codec, row_group_size=self.row_group_rows)

    def write_file(self, table):
        path = self.output / f"{uuid.uuid4().hex}.parquet"
        entry = {"path": path.name, "record_count": table.num_rows}
        self.files.append(entry)
        self.encode(table, path)
        entry["file_size"] = path.stat().st_size
        # What is not known is left out: a timestamp that is no number has no first and no last.
        if TIMESTAMP in table.column_names and is_number(table.schema.field(TIMESTAMP).type):
            times = pc.min_max(time_key(table)).as_py()
            if times["min"] is not None:
                entry["first_ts"] = times["min"]
                entry["last_ts"] = times["max"]

    def discard(self):
        """Removes everything: a side that fails leaves nothing partial behind."""
        for entry in self.files:
            (self.output / entry["path"]).unlink(missing_ok=True)


def perform(job, writer):
    """Does the job and says what it did."""
    if job["signal"] not in ("logs", None):
        raise Refused("usage", f"this side knows the signal logs only, not {job['signal']}")
    table = unite([read_segment(path) for path in job["inputs"]]) if job["inputs"] else pa.table({})
    rows_read = table.num_rows
    rows_dropped = {}
    if job["kind"] == "ingest":
        kept = table.filter(pc.is_valid(time_key(table)))
        if kept.num_rows < rows_read:
            rows_dropped["missing_timestamp"] = rows_read - kept.num_rows
        for part in split_by_hour(sorted_by_time(kept)):
            writer.write(part)
    else:
        table = table.select([name for name in table.column_names if name not in DROPPED_COLUMNS])
        writer.write(sorted_by_time(table))
    return {
        "writer": f"pyarrow {pa.__version__}",
        "rows_read": rows_read,
        "rows_dropped": rows_dropped,
        "files": writer.files,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--job", required=True, type=pathlib.Path, help="the file behind {job}")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the directory behind {output}")
    parser.add_argument("--manifest", action="store_true", help="leave a manifest.json")
    parser.add_argument("--codec", default="gzip", help="gzip, snappy, zstd, lz4, brotli or none")
    parser.add_argument("--row-group-rows", type=int, default=9_973, help="rows in a row group")
    options = parser.parse_args()

    job = json.loads(options.job.read_text(encoding="utf-8"))
    writer = Writer(options.output, job["parameters"], options.codec, options.row_group_rows)
    status = 0
    try:
        document = perform(job, writer)
    except Refused as refused:
        writer.discard()
        print(f"{refused.error_class}: {refused}", file=sys.stderr)
        document = {"error": {"class": refused.error_class, "message": str(refused)}}
        status = 2
    except BaseException:
        # Python prints the traceback to stderr, and Parallax keeps the end of it.
        writer.discard()
        raise
    if options.manifest or status != 0:
        manifest = options.output / "manifest.json"
        manifest.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
