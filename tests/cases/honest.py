"""Files of honest writers. Needs PyArrow, and of DuckDB, Polars, fastparquet (with pandas) those whose writers are wanted.

usage: honest.py types DIRECTORY PARALLAX PACKAGE,... [all]

Writes one data set of every type, for each pair of writers (whichever is the old one) with the columns that both can hold, as
`DIRECTORY/WRITER/NUMBER`, and prints the pairs as JSON: the two writers, their files, the columns. `CANNOT` says what is left out, and
why. `PARALLAX` is the program with the built-in writers, which rewrite what PyArrow wrote.

usage: honest.py partitions DIRECTORY PACKAGE,...

The same for one table in a folder a value, as each program partitions it, and in one file, as PyArrow writes it.

usage: honest.py again FROM TO

Writes each Parquet file below FROM anew with PyArrow, under the same name below TO, and copies the mark of the set. Prints no
pairs."""
import datetime
import decimal
import itertools
import json
import os
import shutil
import subprocess
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

# Every writer writes several row groups; DuckDB's smallest one has 2,048 rows.
ROWS = 2600
D = decimal.Decimal
PROGRAM = None
EPOCH = datetime.datetime(1970, 1, 1)


def column(kind, *values, every=7):
    """A column whose rows take the values in turn; one row in `every` is null."""
    return pa.array([None if n % every == 3 else values[n * 13 % len(values)] for n in range(ROWS)], kind)


def whole(kind, bits, signed):
    low, high = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    return column(kind, low, high, 0, 1, high // 3, *range(2, 40))


def moments(unit, per_second, zone=None):
    """Moments from before 1970 to after 2038, with the finest fractions of the unit."""
    seconds = [0, -1, 1, 86400 * 365 * 30, 2 ** 31 + 7, -86400 * 365 * 60]
    return column(pa.timestamp(unit, zone), *(s * per_second + extra for s in seconds for extra in (0, 1, per_second - 1)))


def decimals(digits, scale):
    high = 10 ** digits - 1
    with decimal.localcontext() as context:
        context.prec = 80
        kind = pa.decimal128 if digits <= 38 else pa.decimal256
        return column(kind(digits, scale), *(D(v).scaleb(-scale) for v in (high, -high, 0, 1, -1, 12345 % high)))


nan, inf = float("nan"), float("inf")
texts = ["", "a", "Zürich", "日本語", "\U0001f600 smile", "e\u0301", "\u202ereversed", "x" * 200, "tab\tline\nquote\"", "null", "Ω" * 90]
days = [datetime.date(1970, 1, 1), datetime.date(1969, 12, 31), datetime.date(2024, 2, 29), datetime.date(1677, 10, 1), datetime.date(2262, 3, 1)]
DATA = {
    "id": pa.array(range(ROWS), pa.int64()),
    # The unified writer sorts by it: its output has the rows in another order.
    "_cardinalhq.timestamp": pa.array([n * 7919 % ROWS for n in range(ROWS)], pa.int64()),
    **{f"i{bits}": whole(getattr(pa, f"int{bits}")(), bits, True) for bits in (8, 16, 32, 64)},
    **{f"u{bits}": whole(getattr(pa, f"uint{bits}")(), bits, False) for bits in (8, 16, 32, 64)},
    "f16": column(pa.float16(), 1.5, -2.0, 0.0, -0.0, 65504.0, 6e-8, inf),
    "f16_nan": column(pa.float16(), 1.5, nan, -inf, -0.0),
    "f32": column(pa.float32(), 1.5, -2.25, 0.0, -0.0, inf, -inf, 1e-45, 3.4e38),
    "f32_nan": column(pa.float32(), 1.5, nan, -0.0, inf),
    "f64": column(pa.float64(), 1.1, -2.2, 0.0, -0.0, inf, -inf, 5e-324, 1.7e308),
    "f64_nan": column(pa.float64(), 1.1, nan, -0.0, -inf),
    "bool": column(pa.bool_(), True, False),
    "text": column(pa.string(), *texts),
    "text_unique": pa.array([f"{n:06d} {texts[n % len(texts)]}" for n in range(ROWS)]),
    "category": column(pa.string(), "red", "green", "blue", "").dictionary_encode(),
    "binary": column(pa.binary(), b"", b"\0", b"\xff\xfe", bytes(range(256)), b"text"),
    "fixed": column(pa.binary(5), b"abcde", b"\0\0\0\0\0", b"\xff\xff\xff\xff\xff"),
    "json": column(pa.string(), '{"a":1}', "[]", "7", '"x"'),
    "uuid": column(pa.binary(16), *(uuid.UUID(int=n * 2 ** 100 + n).bytes for n in range(9))),
    "dec4": decimals(4, 1),
    "dec9": decimals(9, 2),
    "dec18": decimals(18, 6),
    "dec38": decimals(38, 10),
    "dec38_0": decimals(38, 0),
    "dec76": decimals(76, 20),
    "date": column(pa.date32(), *days),
    "time_ms": column(pa.time32("ms"), 0, 1, 86_399_999),
    "time_us": column(pa.time64("us"), 0, 1, 86_399_999_999),
    "time_ns": column(pa.time64("ns"), 0, 1, 86_399_999_999_999),
    "ts_ms": moments("ms", 1_000),
    "ts_us": moments("us", 1_000_000),
    "ts_ns": moments("ns", 1_000_000_000),
    "utc_ms": moments("ms", 1_000, "UTC"),
    "utc_us": moments("us", 1_000_000, "UTC"),
    "utc_ns": moments("ns", 1_000_000_000, "UTC"),
    "int96": moments("ns", 1_000_000_000),
    "duration": column(pa.duration("us"), 0, -1, 10 ** 12),
    # For DuckDB to make its own types of.
    "interval": column(pa.int64(), 0, 1, 13, 400),
    "geometry": column(pa.int64(), 0, -7, 10 ** 9),
    "variant": column(pa.int64(), 1, 2, 3, 2 ** 40),
    "list": column(pa.list_(pa.int64()), [1, None, -3], [], [2 ** 62], list(range(9))),
    "list_text": column(pa.list_(pa.string()), ["", None, "ü"], [], ["x" * 100]),
    "list_list": column(pa.list_(pa.list_(pa.float64())), [[1.5], [], None], [], [[-0.0, None]]),
    "struct": column(pa.struct([("a", pa.int32()), ("b", pa.string())]), {"a": 1, "b": None}, {"a": None, "b": ""}, {"a": None, "b": None}),
    "list_struct": column(pa.list_(pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))])), [{"x": 1, "y": ["a", None]}], [], [None, {"x": None, "y": []}]),
    "struct_struct": column(pa.struct([("in", pa.struct([("x", pa.bool_()), ("t", pa.timestamp("us"))]))]), {"in": {"x": True, "t": EPOCH}}, {"in": None}),
    "map": column(pa.map_(pa.string(), pa.int32()), [("k", 1), ("l", None)], [], [("", -1)]),
    "map_list": column(pa.map_(pa.int64(), pa.list_(pa.string())), [(1, ["a", None])], [], [(2, None), (3, [])]),
    "map_struct": column(pa.map_(pa.string(), pa.struct([("x", pa.float64())])), [("k", {"x": 0.5})], [], [("m", None)]),
    "array": column(pa.list_(pa.int32(), 3), [1, 2, 3], [None, 0, -1]),
    "empty": pa.nulls(ROWS, pa.int32()),
    "empty_text": pa.nulls(ROWS, pa.string()),
    "empty_list": pa.nulls(ROWS, pa.list_(pa.int64())),
    "untyped": pa.nulls(ROWS),
    "required": pa.array([n % 5 for n in range(ROWS)], pa.int32()),
}
FIELDS = {name: pa.field(name, values.type, nullable=name not in ("id", "required")) for name, values in DATA.items()}
assert all(len(values) == ROWS for values in DATA.values())

TIMES = [name for name in DATA if name.startswith(("ts_", "utc_"))]
NESTED = [name for name in DATA if pa.types.is_nested(DATA[name].type)]


def table(columns):
    return pa.table([DATA[name] for name in columns], schema=pa.schema([FIELDS[name] for name in columns]))


def arrow(**options):
    def write(columns, path):
        rows = table(columns)
        for name, kind in (("uuid", pa.uuid()), ("json", pa.json_())):
            if name in columns:
                at = columns.index(name)
                stored = pa.ExtensionArray.from_storage(kind, DATA[name])
                rows = rows.set_column(at, pa.field(name, kind), stored)
        pq.write_table(rows, path, **options)
    return write


def duck(version, codec):
    def write(columns, path):
        import duckdb

        connection = duckdb.connect()
        connection.execute("set timezone = 'UTC'")
        connection.register("rows", table(columns))
        special = {
            "uuid": "hex(uuid)::uuid",
            "json": "json::json",
            "category": "category::enum('red', 'green', 'blue', '')",
            "geometry": "('POINT (' || geometry || ' 0.5)')::geometry",
            "variant": "case variant % 3 when 0 then variant::variant when 1 then {'a': variant, 'b': ['x', null]}::variant else 'text'::variant end",
            "interval": "to_months(interval::int) + to_days((interval % 7)::int) + to_milliseconds(interval)",
        }
        chosen = ", ".join(f'{special[name]} as "{name}"' if name in special else f'"{name}"' for name in columns)
        connection.execute(f"copy (select {chosen} from rows order by id) to '{path}' (format parquet, codec '{codec}', parquet_version '{version}', row_group_size 2048)")
    return write


def polars(**options):
    def write(columns, path):
        import polars as pl

        pl.from_arrow(table(columns)).write_parquet(path, row_group_size=1200, **options)
    return write


def fast(**options):
    def write(columns, path):
        import fastparquet
        import pandas as pd

        frame, encodings = {}, {}
        for name in columns:
            values, kind = DATA[name], DATA[name].type
            if pa.types.is_boolean(kind):
                frame[name] = pd.array(values.to_pylist(), dtype="boolean")
            elif pa.types.is_integer(kind):
                dtype = str(kind).replace("uint", "UInt").replace("int", "Int") if values.null_count else str(kind)
                frame[name] = pd.array(values.to_pylist(), dtype=dtype)
            elif pa.types.is_dictionary(kind):
                frame[name] = pd.Categorical(values.to_pylist())
            elif name == "json":
                frame[name] = pd.Series([None if it is None else json.loads(it) for it in values.to_pylist()], dtype=object)
                encodings[name] = "json"
            elif pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
                frame[name] = pd.Series(values.to_pylist(), dtype=object)
                encodings[name] = "utf8" if pa.types.is_string(kind) else "bytes"
            else:
                frame[name] = values.to_pandas()
        nullable = [name for name in columns if FIELDS[name].nullable]
        fixed = {"fixed": 5} if "fixed" in columns else None
        fastparquet.write(path, pd.DataFrame(frame), row_group_offsets=900, object_encoding=encodings, fixed_text=fixed, has_nulls=nullable, write_index=False, **options)
    return write


def built_in(*command):
    """Rewrites what PyArrow writes."""
    def write(columns, path):
        given = path + ".given"
        WRITERS["pyarrow"](columns, given)
        done = subprocess.run([PROGRAM, "write", *command, "--input", given, "--output", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stdout}")
    return write


WRITERS = {
    "pyarrow": arrow(row_group_size=1000),
    "pyarrow-v2": arrow(row_group_size=1300, compression="zstd", data_page_version="2.0", use_dictionary=False, data_page_size=4000, write_page_index=True, write_page_checksum=True, store_decimal_as_integer=True),
    "pyarrow-bare": arrow(row_group_size=2500, compression="brotli", store_schema=False, write_statistics=False, write_batch_size=64, dictionary_pagesize_limit=300),
    "pyarrow-int96": arrow(row_group_size=1000, compression="gzip", use_deprecated_int96_timestamps=True),
    "duckdb": duck("v1", "snappy"),
    "duckdb-v2": duck("v2", "zstd"),
    "polars": polars(),
    "polars-plain": polars(compression="lz4", statistics=False, data_page_size=3000),
    "fastparquet": fast(),
    "fastparquet-int96": fast(times="int96", compression="GZIP"),
    "unified": built_in("unified", "--signal", "logs", "--target-size", "150000"),
    "legacy": built_in("buffet", "--rows-per-file", "1500"),
}


def each(reason, *columns):
    return dict.fromkeys(columns, reason)


# Columns that a writer cannot hold, or writes as another type, and why. They are left out of its pairs.
NO_INT96 = each("writes no INT96", "int96")
DUCKDB_ALONE = each("has no INTERVAL, GEOMETRY and VARIANT", "interval", "geometry", "variant")
ARROW = NO_INT96 | DUCKDB_ALONE
DUCKDB = NO_INT96 | {
    **each("has no 16-bit floats", "f16", "f16_nan"),
    **each("its bytes have no fixed length", "fixed"),
    **each("its times have microseconds", "time_ms"),
    **each("its moments with a zone have no milliseconds", "utc_ms"),
    **each("its intervals are stored as INTERVAL, which cannot be negative", "duration"),
    **each("its decimals have 38 digits", "dec76"),
    **each("2.0 stores null arrays so that PyArrow refuses the column", "array"),
}
POLARS = NO_INT96 | DUCKDB_ALONE | {
    **each("its bytes have no fixed length", "fixed", "uuid"),
    **each("has no JSON", "json"),
    **each("its decimals have 38 digits", "dec76"),
    **each("its times have nanoseconds", "time_ms", "time_us"),
}
FAST = DUCKDB_ALONE | {
    **each("writes no lists, structs and maps but as JSON", *NESTED),
    **each("its 16-bit floats become 32-bit ones", "f16", "f16_nan"),
    **each("NaN is null to pandas", "f32_nan", "f64_nan"),
    **each("its decimals become floats", *(name for name in DATA if name.startswith("dec"))),
    **each("pandas has no such type", "date", "time_ms", "time_us", "time_ns", "untyped", "uuid"),
    **each("its durations become times of day", "duration"),
}
LEGACY = {
    **each("reads no nested columns", *NESTED),
    **each("reads integers, doubles, truth values, text and bytes alone", *(name for name in DATA if name.startswith(("f16", "f32", "dec"))), "fixed", "uuid"),
    **each("forgets what integers stand for", *TIMES, "u8", "u16", "u32", "u64", "date", "time_ms", "time_us", "time_ns", "duration"),
    **each("forgets what text stands for", "json"),
    **each("forgets the type of a column of nulls", "untyped"),
}
CANNOT = {
    "pyarrow": ARROW,
    "pyarrow-v2": ARROW,
    "pyarrow-bare": ARROW | each("without Arrow's schema it is a number", "duration"),
    "pyarrow-int96": DUCKDB_ALONE | each("writes all moments as INT96", *TIMES, "struct_struct"),
    "duckdb": DUCKDB,
    "duckdb-v2": DUCKDB,
    "polars": POLARS,
    "polars-plain": POLARS,
    "fastparquet": FAST | NO_INT96,
    "fastparquet-int96": FAST | each("writes all moments as INT96, which is wrong but for nanoseconds", *TIMES),
    "unified": ARROW,
    "legacy": ARROW | LEGACY,
}


# Variants of one program meet those that say something new: the program's own, and PyArrow's.
MET = {
    "pyarrow-v2": ("pyarrow", "duckdb-v2", "polars-plain"),
    "pyarrow-bare": ("pyarrow", "duckdb", "polars"),
    "pyarrow-int96": ("pyarrow", "fastparquet-int96"),
    "duckdb-v2": ("duckdb", "pyarrow-v2"),
    "polars-plain": ("polars", "pyarrow-v2"),
    "fastparquet-int96": ("fastparquet", "pyarrow-int96"),
}


def meet(old, new):
    if old not in MET and new not in MET:
        return True
    return new in MET.get(old, ()) or old in MET.get(new, ())


def types(root, program, packages, every=None):
    """Every pair, or those of different programs and some more."""
    global PROGRAM
    PROGRAM = program
    written, pairs = {}, []
    packages = [*packages.split(","), "unified", "legacy"]
    writers = [writer for writer in WRITERS if writer.split("-")[0] in packages]
    for old, new in itertools.permutations(writers, 2):
        if not every and not meet(old, new):
            continue
        columns = tuple(name for name in DATA if name not in CANNOT[old] and name not in CANNOT[new])
        files = []
        for writer in (old, new):
            if (writer, columns) not in written:
                folder = os.path.join(root, writer)
                os.makedirs(folder, exist_ok=True)
                path = os.path.join(folder, str(sum(it[0] == writer for it in written)) + (".parquet" if writer not in ("unified", "legacy") else ""))
                WRITERS[writer](list(columns), path)
                written[writer, columns] = path
            files.append(written[writer, columns])
        pairs.append({"old": old, "new": new, "files": files, "columns": columns})
    print(json.dumps(pairs))


REGIONS = ["eu", "us-east", "a b", "7"]
# fastparquet does not escape values for names of folders, and leaves out rows without a value.
HARD = ["Zürich", "x=y", "100%", "a/b", "q?&#+", "a:b", None]


def partitions(root, packages):
    by, parts = ["region", "day"], {}

    def put(writer, hard, write):
        parts[writer, hard] = os.path.join(root, f"{writer}-{'hard' if hard else 'plain'}")
        write(parts[writer, hard])

    for hard in (False, True):
        regions = REGIONS + HARD if hard else REGIONS
        rows = pa.table({
            "id": pa.array(range(120), pa.int64()),
            "text": [f"t{n % 7}" for n in range(120)],
            "region": [regions[n % len(regions)] for n in range(120)],
            "day": pa.array([20250101 + (0 if hard else n % 3) for n in range(120)], pa.int32()),
        })
        put("file", hard, lambda path: pq.write_table(rows, path))
        put("pyarrow", hard, lambda path: pq.write_to_dataset(rows, path, partition_cols=by))
        if "duckdb" in packages:
            import duckdb

            connection = duckdb.connect()
            connection.register("rows", rows)
            put("duckdb", hard, lambda path: connection.execute(f"copy rows to '{path}' (format parquet, partition_by (region, day))"))
        if "polars" in packages:
            import polars as pl

            put("polars", hard, lambda path: pl.from_arrow(rows).write_parquet(path, partition_by=by))
        if "fastparquet" in packages and not hard:
            import fastparquet

            put("fastparquet", hard, lambda path: fastparquet.write(path, rows.to_pandas(), file_scheme="hive", partition_on=by, write_index=False))
    pairs = [{"old": old[0], "new": new[0], "files": [parts[old], parts[new]], "columns": by} for old, new in itertools.permutations(parts, 2) if old[1] == new[1]]
    print(json.dumps(pairs))


def again(before, after):
    for folder, _, names in os.walk(before):
        to = os.path.join(after, os.path.relpath(folder, before))
        os.makedirs(to, exist_ok=True)
        for name in names:
            if name.endswith(".parquet"):
                pq.write_table(pq.ParquetFile(os.path.join(folder, name)).read(), os.path.join(to, name), row_group_size=1000)
            elif name == "_SUCCESS":
                shutil.copy(os.path.join(folder, name), to)
    print("[]")


{"types": types, "partitions": partitions, "again": again}[sys.argv[1]](*sys.argv[2:])
