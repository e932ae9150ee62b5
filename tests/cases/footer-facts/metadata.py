"""Writes pairs of files that differ in key-value metadata alone, into a folder: NAME.old.parquet, NAME.new.parquet."""
import datetime as dt
import json
import os
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "_lib"))
import tpatch as t

out = sys.argv[1]
KEY_VALUES = 5


def put(name, side, table, **options):
    pq.write_table(table, os.path.join(out, f"{name}.{side}.parquet"), **options)


def keys(name, old, new):
    """The same rows, with these keys."""
    rows = pa.table({"id": [1, 2, 3], "s": ["a", None, "c"]})
    for side, metadata in (("old", old), ("new", new)):
        put(name, side, rows.replace_schema_metadata(metadata))


def typed(name, values, kind, other=None):
    """One column c with its Arrow schema, and without it or with the column as another type."""
    table = pa.table({"id": pa.array(range(len(values)), pa.int64()), "c": pa.array(values, kind)})
    put(name, "old", table)
    put(name, "new", table.set_column(1, "c", table["c"].cast(other)) if other else table, store_schema=other is not None)


def geo(crs, **more):
    return {"geo": json.dumps({"version": "1.1.0", "primary_column": "g", "columns": {"g": {"encoding": "WKB", "geometry_types": [], "crs": {"id": {"authority": "EPSG", "code": crs}}, **more}}})}


keys("key-lost", {"team.units": "m/s"}, {})
keys("key-changed", {"team.units": "m/s"}, {"team.units": "km/h"})
keys("key-same", {"team.units": "m/s"}, {"team.units": "m/s"})
keys("key-new", {}, {"team.units": "m/s"})
keys("spark-lost", {"org.apache.spark.version": "2.4.8", "org.apache.spark.legacyDateTime": ""}, {"org.apache.spark.version": "2.4.8"})
keys("spark-rebased", {"org.apache.spark.version": "2.4.8"}, {"org.apache.spark.version": "3.5.1"})
keys("spark-newer", {"org.apache.spark.version": "3.4.0"}, {"org.apache.spark.version": "4.0.1"})
keys("geo-crs", geo(3857), geo(4326))
keys("geo-box", geo(3857, bbox=[0, 0, 1, 1]), geo(3857))
keys("pandas-lost", {"pandas": json.dumps({"index_columns": ["id"], "columns": []})}, {})
typed("duration-lost", [1, None, 2], pa.duration("ms"))
typed("zone-lost", [1, None, 2], pa.timestamp("us", "Europe/Zurich"))
typed("zone-changed", [1, None, 2], pa.timestamp("us", "Europe/Zurich"), pa.timestamp("us", "Asia/Tokyo"))
typed("nested-duration-lost", [[1], None, []], pa.list_(pa.duration("us")))
typed("large-lost", ["a", None, "b"], pa.large_string())
typed("large-bytes-lost", [b"a", None, b"b"], pa.large_binary())
typed("dictionary-lost", ["a", None, "b"], pa.dictionary(pa.int32(), pa.string()))
typed("plain-lost", [1.5, None, 2.5], pa.float64())
typed("utc-lost", [1, None, 2], pa.timestamp("us", "UTC"))
extension = pa.field("c", pa.binary(), metadata={"ARROW:extension:name": "acme.image", "ARROW:extension:metadata": ""})
images = pa.table([pa.array([1, 2], pa.int64()), pa.array([b"x", b"y"])], schema=pa.schema([pa.field("id", pa.int64()), extension]))
put("extension-lost", "old", images)
put("extension-lost", "new", images, store_schema=False)
# UUID, which the annotation states as well.
ids = pa.table({"id": [1, 2], "c": pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2).bytes], pa.uuid())})
put("uuid-stated", "old", ids)
put("uuid-stated", "new", ids, store_schema=False)
