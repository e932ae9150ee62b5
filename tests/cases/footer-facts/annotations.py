"""Writes pairs of files that differ in the annotation or the field id of one column alone, into a folder: NAME.old.parquet, NAME.new.parquet."""
import datetime as dt
import os
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "_lib"))
import tpatch as t

out = sys.argv[1]
LOGICAL, CONVERTED, FIELD_ID = 10, 6, 9


def write(name, table, old=None, new=None):
    """Writes the table twice; old and new change the schema elements by name."""
    for side, change in (("old", old), ("new", new)):
        path = os.path.join(out, f"{name}.{side}.parquet")
        pq.write_table(table, path, store_schema=False)
        if change:
            body, footer = t.load(path)
            change({element[4][1].decode(): element for element in t.schema(footer)})
            t.save(path, body, footer)


def table(values, kind, name="c"):
    return pa.table({"id": pa.array(range(len(values)), pa.int64()), name: pa.array(values, kind)})


def logical(number, **fields):
    """Sets the logical type of column c: fields by number with their Thrift type."""
    union = (t.STR, {number: (t.STR, {int(k[1:]): v for k, v in fields.items()})})
    return lambda elements: elements["c"].__setitem__(LOGICAL, union)


def without(*fields):
    return lambda elements: [elements["c"].pop(field, None) for field in fields]


def ids(**by_name):
    def change(elements):
        for name, number in by_name.items():
            elements[name][FIELD_ID] = (t.I32, number)
    return change


binary = table([b"\x01\x01\x00\x00\x00" + bytes(16)] * 3, pa.binary())
times = table([dt.time(1), None, dt.time(2)], pa.time64("us"))
sixteen = table([uuid.UUID(int=n).bytes for n in range(3)], pa.binary(16))
numbers = table([1, None, 3], pa.int64())
pair = table([{"metadata": b"m", "value": b"v"}] * 3, pa.struct([pa.field("metadata", pa.binary(), False), pa.field("value", pa.binary(), False)]))
lists = table([[1, 2], None, []], pa.list_(pa.int32()))
maps = table([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32()))
crs = lambda text: {"f1": (t.BIN, text)}

write("uuid-lost", sixteen, logical(14), without(LOGICAL))
write("time-utc", times, logical(7, f1=(t.BT, True), f2=(t.STR, {2: (t.STR, {})})), logical(7, f1=(t.BF, False), f2=(t.STR, {2: (t.STR, {})})))
write("geometry-lost", binary, logical(17), without(LOGICAL))
write("geometry-crs", binary, logical(17, **crs(b"EPSG:3857")), logical(17, **crs(b"EPSG:4326")))
write("geography-edges", binary, logical(18, f2=(t.I32, 1)), logical(18))
write("variant-lost", pair, logical(16, f1=(t.I8, 1)), without(LOGICAL))
write("future-lost", binary, logical(40, f1=(t.I32, 7)), without(LOGICAL))
write("future-changed", binary, logical(40, f1=(t.I32, 7)), logical(40, f1=(t.I32, 8)))
write("future-number", numbers, logical(40, f1=(t.I32, 7)), without(LOGICAL))
write("bson-lost", binary, logical(13), without(LOGICAL))
# The same said otherwise.
write("same-crs", binary, logical(17), logical(17, **crs(b"OGC:CRS84")))
write("same-future", binary, logical(40, f1=(t.I32, 7)), logical(40, f1=(t.I32, 7)))
write("same-int64", numbers, logical(10, f1=(t.I8, 64), f2=(t.BT, True)), without(LOGICAL, CONVERTED))
# Field ids, also of nested fields.
write("id-lost-element", lists, ids(c=2, element=3), ids(c=2))
write("id-swapped-map", maps, ids(c=2, key=3, value=4), ids(c=2, key=4, value=3))
write("id-swapped-struct", pair, ids(metadata=3, value=4), ids(metadata=4, value=3))
write("id-shared", numbers, None, ids(id=5, c=5))
write("id-new", numbers, None, ids(id=1, c=2))
write("id-zeros", numbers, ids(id=0, c=0), None)
write("id-same", lists, ids(id=1, c=2, element=3), ids(id=1, c=2, element=3))
