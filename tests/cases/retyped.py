"""Pairs of files in which the type of a column changed, and perhaps its values as well. usage: retyped.py DIRECTORY

The same as stored.py does; a case may hold the text of a policy. Needs PyArrow."""
import datetime as dt, decimal, json, os, sys

import pyarrow as pa, pyarrow.parquet as pq

ROOT = sys.argv[1]
CASES = []
D = decimal.Decimal


def waiver(*codes):
    return "".join(f'[[policy.waiver]]\ncode = "{code}"\ncolumn = "x"\nreason = "meant"\nowner = "us"\n' for code in codes)


def case(name, old, new, code, args=("--key", "id"), codes=(), without=(), policy=None, back=None, old_options=None, new_options=None):
    folder = os.path.join(ROOT, name)
    os.makedirs(folder)
    for side, column, options in (("old", old, old_options), ("new", new, new_options)):
        table = column if isinstance(column, pa.Table) else pa.table({"id": pa.array(range(len(column)), pa.int64()), "x": column})
        pq.write_table(table, os.path.join(folder, side + ".parquet"), store_schema=False, **(options or {}))
    args = list(args)
    if policy:
        path = os.path.join(folder, "policy.toml")
        with open(path, "w") as file:
            file.write(policy)
        args += ["--policy", path]
    CASES.append({"name": name, "args": args, "code": code, "back": code if back is None else back, "codes": list(codes), "without": list(without), "shows": []})


def ts(values, unit, zone=None):
    return pa.array(values, pa.timestamp(unit, zone))


def nested(make):
    """The same column alone, in a list, in a struct and as the values of a map."""
    return {
        "flat": make,
        "list": lambda values: pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), make(values)),
        "struct": lambda values: pa.StructArray.from_arrays([make(values)], ["v"]),
        "map": lambda values: pa.MapArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), pa.array(["k"] * len(values)), make(values)),
    }


MS = [1700000000123, 1700000000000]
US = [it * 1000 for it in MS]
HOUR = [US[0], US[1] + 3_600_000_000]
# Name: kind in a policy, old column, the same values of the other type, other values.
CHANGES = {
    "unit": ("timestamp", (lambda v: ts(v, "ms", "UTC"), MS), (lambda v: ts(v, "us", "UTC"), US), HOUR),
    "zone": ("timestamp", (lambda v: ts(v, "us"), US), (lambda v: ts(v, "us", "UTC"), US), HOUR),
    "date": ("timestamp", (lambda v: pa.array(v, pa.date32()), [19000, -1]), (lambda v: ts(v, "ms"), [19000 * 86_400_000, -86_400_000]), [19000 * 86_400_000, 0]),
    "float": ("float", (lambda v: pa.array(v, pa.float32()), [0.5, 3.0]), (lambda v: pa.array(v, pa.float64()), [0.5, 3.0]), [0.5, 3.0000001]),
    "integer": ("integer", (lambda v: pa.array(v, pa.int64()), [1, 2]), (lambda v: pa.array(v, pa.uint64()), [1, 2]), [1, 3]),
    "integer-to-float": ("float", (lambda v: pa.array(v, pa.int64()), [1, 2**53]), (lambda v: pa.array(v, pa.float64()), [1.0, 2.0**53]), [1.0, 2.0**53 + 2]),
    "scale": ("decimal", (lambda v: pa.array([D(it) for it in v], pa.decimal128(12, 2)), ["1.50", "-2.25"]), (lambda v: pa.array([D(it) for it in v], pa.decimal128(18, 4)), ["1.5", "-2.25"]), ["1.5", "-2.2501"]),
    "bytes": ("text", (lambda v: pa.array(v, pa.string()), ["a", "ü"]), (lambda v: pa.array([it.encode() for it in v], pa.binary()), ["a", "ü"]), ["a", "u"]),
}
ALL = ("schema.type", "rows.changed")
for name, (family, (old, values), (new, same), other) in CHANGES.items():
    for shape in nested(old):
        if name == "date" and shape == "map":
            continue
        before, right, wrong = nested(old)[shape](values), nested(new)[shape](same), nested(new)[shape](other)
        where = f"{name}-{shape}"
        case(f"{where}-right", before, right, 1, codes=["rows.retyped"], without=["rows.value_changed", "rows.changed"])
        case(f"{where}-wrong", before, wrong, 1, codes=["rows.retyped", "rows.value_changed"], without=["rows.changed"])
        if shape in ("flat", "list"):
            meant = f'[policy.same_type]\nx = "{family}"\n'
            column = "" if shape == "flat" else "x"
            case(f"{where}-declared-right", before, right, 0, policy=meant, without=["rows.retyped", "rows.value_changed"])
            case(f"{where}-declared-wrong", before, wrong, 1, policy=meant, codes=["rows.value_changed"], without=["rows.retyped"])
        if shape == "flat":
            case(f"{where}-waived-right", before, right, 0, policy=waiver(*ALL, "rows.retyped"))
            case(f"{where}-waived-wrong", before, wrong, 1, policy=waiver(*ALL, "rows.retyped"))
            case(f"{where}-waived-old-code", before, right, 1, policy=waiver(*ALL))
            case(f"{where}-null", before, new(same[:1] + [same[1]]).take(pa.array([0, None])), 1, policy=waiver(*ALL, "rows.retyped"), codes=["rows.value_changed"])
INT96 = {"use_deprecated_int96_timestamps": True}
FAR = int((dt.datetime(9999, 12, 31) - dt.datetime(1970, 1, 1)).total_seconds()) * 10**6
case("int96-to-us", ts([FAR, 0], "us"), ts([FAR, 0], "us", "UTC"), 0, old_options=INT96, policy='[policy.same_type]\nx = "timestamp"\n')
case("int96-to-us-undeclared", ts([FAR, 0], "us"), ts([FAR, 0], "us", "UTC"), 1, old_options=INT96, codes=["rows.retyped"])
case("int96-to-us-wrong", ts([FAR, 0], "us"), ts([FAR, 1], "us", "UTC"), 1, old_options=INT96, policy='[policy.same_type]\nx = "timestamp"\n', codes=["rows.value_changed"])
case("other-family", CHANGES["unit"][1][0](MS), CHANGES["unit"][2][0](US), 1, policy='[policy.same_type]\nx = "float"\n', codes=["schema.type", "rows.retyped"])
case("no-conversion", pa.array([1, 2]), pa.array(["1", "2"]), 1, policy='[policy.same_type]\nx = "text"\n', codes=["schema.type", "rows.changed"])
case("unneeded", pa.array([1, 2]), pa.array([1, 3]), 1, policy='[policy.same_type]\nx = "integer"\n', codes=["rows.changed"])
key = lambda kind, last: pa.table({"k": pa.array([5, 7], kind), "n": pa.array([1, last], pa.int64())})
case("key-retyped", key(pa.int64(), 2), key(pa.uint64(), 2), 1, args=["--key", "k"], codes=["rows.retyped"], without=["rows.missing", "rows.extra"])
case("key-declared", key(pa.int64(), 2), key(pa.uint64(), 2), 0, args=["--key", "k"], policy='[policy.same_type]\nk = "integer"\n')
case("key-declared-other-row", key(pa.int64(), 2), key(pa.uint64(), 3), 1, args=["--key", "k"], policy='[policy.same_type]\nk = "integer"\n', codes=["rows.changed"], without=["rows.missing", "rows.retyped"])
print(json.dumps(CASES))
