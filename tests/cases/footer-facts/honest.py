"""Writes one data set with every writer that is installed, into a folder: plain.WRITER.parquet (types that all of them keep) and
every.WRITER.parquet (every type that the writer has)."""
import decimal
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

out = sys.argv[1]
rows = 3000
D = decimal.Decimal


def path(data, writer):
    return os.path.join(out, f"{data}.{writer}.parquet")


plain = pa.table({
    "_cardinalhq.timestamp": pa.array(range(rows), pa.int64()),
    "_cardinalhq.id": pa.array([f"id-{n:06d}" for n in range(rows)]),
    "_cardinalhq.message": pa.array([f"message {n % 40}" if n % 7 else None for n in range(rows)]),
    "log.long": pa.array(["x" * 300 + str(n) if n % 100 == 0 else "a" for n in range(rows)]),
    "log.ratio": pa.array([n / 3 for n in range(rows)], pa.float64()),
    "log.flag": pa.array([n % 3 == 0 for n in range(rows)]),
})
every = plain.append_column("i8", pa.array([n % 100 for n in range(rows)], pa.int8()))
for name, values, kind in (
    ("i32", [n % 7 if n % 11 else None for n in range(rows)], pa.int32()),
    ("u16", [n for n in range(rows)], pa.uint16()),
    ("u64", [2**63 + n for n in range(rows)], pa.uint64()),
    ("f32", [n / 4 for n in range(rows)], pa.float32()),
    ("nan", [n / 3 if n % 13 else float("nan") for n in range(rows)], pa.float64()),
    ("bin", [bytes([n % 256, n // 256]) for n in range(rows)], pa.binary()),
    ("ts", [n * 1000003 for n in range(rows)], pa.timestamp("us")),
    ("utc", [n * 1000 for n in range(rows)], pa.timestamp("us", "UTC")),
    ("time", [n * 1000 for n in range(rows)], pa.time64("us")),
    ("dec", [D(n) / 100 for n in range(rows)], pa.decimal128(18, 2)),
    ("list", [[n, None, n + 1] if n % 3 else [] for n in range(rows)], pa.list_(pa.int32())),
    ("struct", [{"a": n, "b": str(n)} for n in range(rows)], pa.struct([("a", pa.int64()), ("b", pa.string())])),
    ("map", [[("k", n)] for n in range(rows)], pa.map_(pa.string(), pa.int32())),
):
    every = every.append_column(name, pa.array(values, kind))
every = every.append_column("date", pa.array(range(rows), pa.int32()).cast(pa.date32()))

for data, table in (("plain", plain), ("every", every)):
    pq.write_table(table, path(data, "pyarrow"), row_group_size=1000)
    pq.write_table(table, path(data, "pyarrow2"), data_page_version="2.0", compression="zstd", dictionary_pagesize_limit=500, data_page_size=2000, write_page_index=True, write_page_checksum=True)
    pq.write_table(table, path(data, "pyarrow3"), store_schema=False, use_dictionary=False)
    try:
        import duckdb

        connection = duckdb.connect()
        connection.register("rows", table)
        connection.sql(f"copy (select * from rows) to '{path(data, 'duckdb')}' (format parquet, row_group_size 2048)")
    except ImportError:
        pass
    try:
        import polars

        polars.from_arrow(table).write_parquet(path(data, "polars"), row_group_size=1000)
    except ImportError:
        pass
try:
    import fastparquet

    fastparquet.write(path("plain", "fastparquet"), plain.to_pandas(), row_group_offsets=1000)
except ImportError:
    pass
