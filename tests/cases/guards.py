"""Pairs of outputs that other readers read, and a harness may refuse. usage: guards.py DIRECTORY

Makes NAME/old and NAME/new for each case and prints the cases as JSON: name, arguments of `compare` behind the two directories,
the exit code of old against new and of new against old, codes of findings that the first must have, and codes that neither may have.
Needs PyArrow."""
import decimal, json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "_lib"))
import pyarrow as pa, pyarrow.parquet as pq, tpatch as t

ROOT = sys.argv[1]
CASES = []


def case(name, old, new, code=0, back=0, args=("--key", "id"), codes=(), without=()):
    """`old` and `new` are functions that write into a directory, or tables."""
    for side, what in (("old", old), ("new", new)):
        folder = os.path.join(ROOT, name, side)
        os.makedirs(folder)
        for index, part in enumerate(what if isinstance(what, list) else [what]):
            path = os.path.join(folder, f"part-{index}.parquet")
            part(path) if callable(part) else pq.write_table(part, path, store_schema=False)
    CASES.append({"name": name, "args": list(args), "code": code, "back": back, "codes": list(codes), "without": list(without)})


def patched(table, change, **options):
    def write(path):
        pq.write_table(table, path, **({"store_schema": False} | options))
        body, foot = t.load(path)
        changed = change(body, foot)
        t.save(path, body if changed is None else changed, foot)
    return write


rows = pa.table({"id": list(range(100)), "s": [f"x{i % 5}" for i in range(100)]})


def chunk(foot, column, group=0):
    return t.meta(t.cols(t.rgs(foot)[group])[column])


# The number of rows in the footer: engines that count by it are wrong, so it is a blocker on the candidate.
for stated in (0, 7, 1000):
    case(f"rows-{stated}", patched(rows, lambda b, f: f.__setitem__(3, (6, stated))), rows, back=1, codes=["layout.row_count_false"])


# Fields under another type, at several depths: readers pass over them.
def mistyped(b, f):
    chunk(f, 1)[15] = (9, (12, []))
    f[7] = (8, b"no list")
    t.rgs(f)[0][5] = (8, b"no offset")


case("mistyped", patched(rows, mistyped), rows, codes=["layout.footer_odd"])

# A converted type that the format does not have, on a column of nulls, as PyArrow wrote it in 2018.
nulls = pa.table({"id": [1, 2], "n": pa.array([None, None], pa.int32())})


def converted(b, f):
    t.schema(f)[2][6] = (5, 24)
    t.schema(f)[2].pop(10, None)


case("converted-24", patched(nulls, converted), nulls, codes=["layout.footer_odd"])

# An annotation without a type in it, as is left where a tool copies a footer and does not know the type.
case("empty-annotation", patched(rows, lambda b, f: t.schema(f)[1].__setitem__(10, (12, {}))), rows, codes=["layout.footer_odd"])


# A count of nulls below zero, for an unknown one.
def below_zero(b, f):
    chunk(f, 0)[12][1][3] = (6, -1)


case("negative-null-count", patched(rows, below_zero), rows, codes=["layout.footer_odd"])


# Metadata that is no text: other readers take it as bytes.
def with_metadata(value):
    return patched(rows, lambda b, f: f.__setitem__(5, (9, (12, [{1: (8, b"k"), 2: (8, value)}]))))


case("binary-metadata", with_metadata(b"\xff\x00"), with_metadata(b"\xff\x00"), codes=["layout.footer_odd"], without=["layout.metadata_changed"])
case("binary-metadata-changed", with_metadata(b"\xff"), with_metadata(b"\xfe"), codes=["layout.metadata_changed"])

# A decimal whose digits only its annotation states.
decimals = pa.table({"id": [1, 2], "d": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(10, 2))})


def without_digits(b, f):
    for field in (6, 7, 8):
        t.schema(f)[2].pop(field)


case("decimal-digits", patched(decimals, without_digits, store_decimal_as_integer=True), patched(decimals, lambda b, f: None, store_decimal_as_integer=True))

# Lists of lists of lists in two levels each, as parquet-avro writes them, against those of today.
leaf = pa.int32()
for _ in range(3):
    leaf = pa.list_(pa.field("element", leaf, nullable=False))
lists = pa.table([pa.array([1, 2, 3]), pa.array([[[[1, 2], []], [[3]]], [], [[]]], leaf)],
                 schema=pa.schema([pa.field("id", pa.int64()), pa.field("l", leaf, nullable=False)]))


def two_levels(b, f):
    schema = t.schema(f)
    elements = [schema[at] for at in (4, 6, 8)]
    for element in elements:
        element[3] = (5, 2)
        element[4] = (8, b"array")
    schema[3:] = elements
    chunk(f, 1)[3] = (9, (8, [b"l", b"array", b"array", b"array"]))


case("lists-in-two-levels", patched(lists, two_levels), lists, without=["schema.type_changed", "rows.changed"])


# The size of a chunk without the header of its dictionary, as parquet-mr wrote before 1.2.9.
def short(b, f):
    m = chunk(f, 1)
    header = t.R(b, m[11][1])
    header.struct()
    m[7] = (6, m[7][1] - (header.p - m[11][1]))


case("short-chunk", patched(rows, short), rows, back=1, codes=["layout.chunk_size_false"])

# A dictionary at byte 0 stands for none.
case("dictionary-at-zero", patched(rows, lambda b, f: chunk(f, 0).__setitem__(11, (6, 0)), use_dictionary=["s"]), rows)


# Bytes behind the last page of each chunk, flat and nested.
def padded(b, f):
    body, moved = bytearray(b[:4]), 0
    for group in t.rgs(f):
        first = len(body)
        for column in t.cols(group):
            m = t.meta(column)
            start = m[11][1] if 11 in m else m[9][1]
            move = len(body) - start
            body += b[start:start + m[7][1]] + bytes(40)
            for field in (9, 11):
                if field in m:
                    m[field] = (6, m[field][1] + move)
            m[7] = (6, m[7][1] + 40)
        group[5] = (6, first)
        group[6] = (6, len(body) - first)
    return bytes(body)


nested = pa.table({"id": list(range(50)), "l": pa.array([None if i % 7 == 0 else [None] if i % 5 == 0 else list(range(i % 4)) for i in range(50)])})
case("padding", patched(rows, padded), rows)
case("padding-nested", patched(nested, padded), nested)


# Row groups without rows, in between and at the end; a file without rows.
def with_empty_groups(path):
    with pq.ParquetWriter(path, rows.schema, store_schema=False) as out:
        for part in (rows.slice(0, 0), rows.slice(0, 60), rows.slice(0, 0), rows.slice(60), rows.slice(0, 0)):
            out.write_table(part)


case("empty-groups", rows, with_empty_groups)
case("empty-file", rows, [rows, rows.slice(0, 0)])

# Two outputs without rows: nothing to compare, unless that is declared.
case("no-rows", rows.slice(0, 0), rows.slice(0, 0), code=3, back=3)
case("no-rows-allowed", rows.slice(0, 0), rows.slice(0, 0), args=["--allow-empty"])
case("rows-lost-though-allowed", rows, rows.slice(0, 0), code=1, back=1, args=["--allow-empty"])


# Nulls within lists: some writers do not count empty and missing lists.
def nulls_stated(count):
    return lambda b, f: t.stats(t.cols(t.rgs(f)[0])[1]).__setitem__(3, (6, count))


leaf = sum(1 for row in nested["l"].to_pylist() if row == [None])
case("nested-nulls", nested, patched(nested, nulls_stated(leaf)), codes=["layout.null_count_nested"], without=["layout.statistics_false"])
case("nested-nulls-too-few", nested, patched(nested, nulls_stated(leaf - 1)), code=1, codes=["layout.statistics_false"])


# A file that neither side can read is no fault of the candidate; one that only the candidate cannot read is.
def broken(b, f):
    chunk(f, 1)[4] = (5, 99)


case("unreadable-on-both", [rows, patched(rows, broken)], [rows, patched(rows, broken)], code=3, back=3)
case("unreadable-in-candidate", [rows, rows], [rows, patched(rows, broken)], code=1, back=3)


# The same of files that are no whole Parquet files: as many of them, of other names, are no fault of the candidate; more of them are.
def cut(path):
    pq.write_table(rows, path, store_schema=False)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 4)


case("cut-on-both", [rows, cut], [cut, rows], code=3, back=3)
case("cut-more-often", [rows, cut, rows], [cut, cut, rows], code=1, back=3)
wrong = patched(rows, lambda b, f: f.__setitem__(3, (6, 7)))
case("rows-false-in-more-files", [wrong, rows], [wrong, wrong], args=[], code=1, codes=["layout.row_count_false"])

# More row groups than 16 bits number.
many = pa.table({"id": list(range(32_770))})


def many_groups(path):
    pq.write_table(many, path, row_group_size=1, store_schema=False, write_statistics=False, use_dictionary=False, compression="none")


if len(sys.argv) > 2:
    case("many-groups", many, many_groups)
print(json.dumps(CASES))
