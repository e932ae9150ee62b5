"""Pairs of files whose values an Arrow reader changes. usage: stored.py DIRECTORY

Makes NAME/old.parquet and NAME/new.parquet for each case and prints the cases as JSON: name, arguments of `compare` behind the
two files, the exit code of old against new and of new against old, codes of findings and texts that the report must hold.
Needs PyArrow."""
import datetime as dt, json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "_lib"))
import pyarrow as pa, pyarrow.parquet as pq, tpatch

ROOT = sys.argv[1]
CASES = []


def case(name, old, new, code, back=None, args=("--key", "id"), codes=(), shows=(), old_options=None, new_options=None, patch=None):
    folder = os.path.join(ROOT, name)
    os.makedirs(folder)
    for side, table, options in (("old", old, old_options), ("new", new, new_options)):
        path = os.path.join(folder, side + ".parquet")
        pq.write_table(table, path, **({"store_schema": False} | (options or {})))
        if patch:
            body, foot = tpatch.load(path)
            patch(foot)
            tpatch.save(path, body, foot)
    CASES.append({"name": name, "args": list(args), "code": code, "back": code if back is None else back, "codes": list(codes), "shows": list(shows)})


def i64(values):
    return pa.array(values, pa.int64())


# INT96.
US = int((dt.datetime(9999, 12, 31) - dt.datetime(1970, 1, 1)).total_seconds()) * 10**6
NS = (US * 1000 + 2**63) % 2**64 - 2**63
FAR, WRAPPED = ["9999-12-31T00:00:00"], ["9999-12-31T00:00:00", "1816-03-29T05:56:08.066277376"]
us, ns = (lambda values: pa.array(values, pa.timestamp("us"))), (lambda values: pa.array(values, pa.timestamp("ns")))
INT96 = {"use_deprecated_int96_timestamps": True}
both = {"old_options": INT96, "new_options": INT96}
SHAPES = {
    "flat": lambda times: times,
    "list": lambda times: pa.ListArray.from_arrays(pa.array([0, 1, len(times)], pa.int32()), times),
    "struct": lambda times: pa.StructArray.from_arrays([times, i64(range(len(times)))], ["t", "n"]),
    "map": lambda times: pa.MapArray.from_arrays(pa.array([0, 1, len(times)], pa.int32()), pa.array([str(i) for i in range(len(times))]), times),
    "deep": lambda times: pa.ListArray.from_arrays(pa.array([0, 1, len(times)], pa.int32()), pa.StructArray.from_arrays([times], ["t"])),
}


def shaped(shape, times):
    array = SHAPES[shape](times)
    return pa.table({"id": i64(range(len(array))), "x": array})


for shape in SHAPES:
    old = shaped(shape, us([US, 1_714_521_600_000_000]))
    new = shaped(shape, ns([NS, 1_714_521_600_000_000_000]))
    case(f"int96-{shape}-wrapped", old, new, 1, codes=["rows.changed"], shows=WRAPPED, **both)
    case(f"int96-{shape}-equal", old, old, 0, old_options=INT96, new_options=INT96 | {"row_group_size": 1})
    plain = {"old_options": INT96 | {"use_dictionary": False}, "new_options": INT96}
    case(f"int96-{shape}-nulls", shaped(shape, us([None, US])), shaped(shape, us([None, US])), 0, **plain)
case("int96-and-timestamp-equal", shaped("flat", ns([1, None, -1])), shaped("flat", ns([1, None, -1])), 0, old_options=INT96, codes=["schema.annotation"])
case("int96-and-timestamp-wrapped", shaped("flat", us([US])), shaped("flat", ns([NS])), 1, old_options=INT96, codes=["rows.changed"], shows=FAR)
old, new = pa.table({"x": us([0, US]), "n": i64([1, 2])}), pa.table({"x": us([US, 0]), "n": i64([2, 1])})
case("int96-sort-key", old, new, 1, args=["--sort-key", "x"], codes=["order.inverted"], back=0, shows=FAR, **both)
case("int96-row-key", old, pa.table({"x": us([0, US]), "n": i64([1, 3])}), 1, args=["--key", "x"], codes=["rows.changed"], shows=FAR, **both)
case("int96-group-key", pa.table({"x": us([0, US, US]), "n": i64([1, 2, 3])}), pa.table({"x": us([US, 0, US]), "n": i64([2, 1, 3])}), 1, args=["--group-key", "x"], back=0, codes=["group.returned"], **both)


def annotated(name, converted):
    """Gives the leaf `name` a converted type and takes its logical type."""

    def patch(foot):
        for node in tpatch.schema(foot):
            if node[4][1].decode() == name:
                node.pop(10, None)
                node[6] = (tpatch.I32, converted)

    return patch


# INTERVAL: months, days, milliseconds.
def interval(months, days, milliseconds):
    return b"".join(part.to_bytes(4, "little") for part in (months, days, milliseconds))


def intervals(values, shape):
    array = pa.array(values, pa.binary(12))
    if shape == "list":
        array = pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), array)
    return pa.table({"id": i64(range(len(values))), "i": array})


for shape, leaf in (("flat", "i"), ("list", "element")):
    year, years = intervals([interval(12, 0, 0), None], shape), intervals([interval(24, 0, 0), None], shape)
    case(f"interval-{shape}-months", year, years, 1, codes=["rows.changed"], shows=["12 mons", "24 mons"], patch=annotated(leaf, 21))
    case(f"interval-{shape}-equal", years, years, 0, new_options={"use_dictionary": False}, patch=annotated(leaf, 21))
case("interval-days-are-no-milliseconds", intervals([interval(0, 1, 0)], "flat"), intervals([interval(0, 0, 86_400_000)], "flat"), 1, codes=["rows.changed"], patch=annotated("i", 21))


# Integers outside of the width of their annotation.
def small(*values):
    return pa.table({"id": i64(range(len(values))), "n": pa.array(values, pa.int32())})


for name, converted, one, other in (("int8", 15, 300, 44), ("int16", 16, 70_000, 4_464), ("uint8", 11, -1, 255), ("uint16", 12, -1, 65_535)):
    # Bounds would be those of signed integers.
    bare = {"write_statistics": False}
    sides = {"old_options": bare, "new_options": bare | {"row_group_size": 1}, "patch": annotated("n", converted)}
    case(f"{name}-outside", small(one, 5), small(other, 5), 1, codes=["rows.changed"], **sides)
    case(f"{name}-equal", small(one, 5), small(one, 5), 0, **sides)


# Text that is not UTF-8.
def texts(*values):
    offsets = [0]
    for value in values:
        offsets.append(offsets[-1] + len(value))
    buffers = [None, pa.py_buffer(pa.array(offsets, pa.int32()).buffers()[1]), pa.py_buffer(b"".join(values))]
    return pa.StringArray.from_buffers(len(values), buffers[1], buffers[2])


def text(*values, shape="flat"):
    array = texts(*values)
    if shape == "list":
        array = pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), array)
    if shape == "struct":
        array = pa.StructArray.from_arrays([array], ["s"])
    return pa.table({"id": i64(range(len(values))), "s": array})


LATIN, OTHER, UTF8 = "Müller".encode("latin-1"), "Möller".encode("latin-1"), "Müller".encode()
for shape in ("flat", "list", "struct"):
    for way, options in (("coded", {}), ("plain", {"use_dictionary": False}), ("groups", {"row_group_size": 2})):
        sides = {"old_options": options, "new_options": options}
        bad, good = text(b"a", b"b", b"c", LATIN, b"d", shape=shape), text(b"a", b"b", b"c", UTF8, b"d", shape=shape)
        other = text(b"a", b"b", b"c", OTHER, b"d", shape=shape)
        case(f"text-{shape}-{way}-equal", bad, bad, 0, old_options=options, new_options=options | {"compression": "none"}, codes=["schema.not_utf8"])
        case(f"text-{shape}-{way}-candidate", good, bad, 1, codes=["rows.changed", "schema.not_utf8"], shows=["the first in row 3 of", "M\\xfcller", "Müller"], **sides)
        case(f"text-{shape}-{way}-other", bad, other, 1, codes=["rows.changed", "schema.not_utf8"], shows=["M\\xfcller", "M\\xf6ller"], **sides)
key = pa.table({"s": texts(LATIN, b"x"), "n": i64([1, 2])})
case("text-row-key", key, pa.table({"s": texts(LATIN, b"x"), "n": i64([1, 3])}), 1, args=["--key", "s"], codes=["rows.changed"])
case("text-sort-key", pa.table({"s": texts(b"x", b"\xfe", b"\xff"), "n": i64([1, 2, 3])}), pa.table({"s": texts(b"x", b"\xff", b"\xfe"), "n": i64([1, 3, 2])}), 1, args=["--sort-key", "s"], back=0, codes=["order.inverted"])
# Beyond the first batch of a row group.
late = lambda last, n: pa.table({"id": i64(range(20_000)), "s": texts(*[b"text %d" % i for i in range(15_000)], last, *[b"more"] * 4_999), "n": i64([n] * 20_000)})
for way, options in (("coded", {}), ("plain", {"use_dictionary": False}), ("delta", {"use_dictionary": False, "column_encoding": {"s": "DELTA_BYTE_ARRAY"}})):
    case(f"text-late-{way}-equal", late(LATIN, 1), late(LATIN, 1), 0, old_options=options, new_options={"row_group_size": 9_000})
    case(f"text-late-{way}-other", late(LATIN, 1), late(OTHER, 1), 1, old_options=options, new_options={"row_group_size": 9_000}, codes=["rows.changed", "schema.not_utf8"], shows=["the first in row 15000 of"])
# Values that one dictionary entry holds, and rows that no batch could hold written out.
large = pa.table({"id": i64(range(9_000)), "s": pa.DictionaryArray.from_arrays(pa.array([0] * 9_000, pa.int32()), ["E" * 300_000])})
small_groups = {"old_options": {"compression": "zstd"}, "new_options": {"compression": "zstd", "row_group_size": 3_000}}
case("large-values", large, large, 0, **small_groups)
case("large-values-little-memory", large, large, 0, args=["--key", "id", "--memory-limit", "67108864", "--threads", "1"], **small_groups)
case("large-values-left-out", large, large, 0, args=["--key", "id", "--ignore-columns", "s=big"], **small_groups)
print(json.dumps(CASES))
