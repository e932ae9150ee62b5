"""Writes files whose footers claim what is not so of their row groups and pages, into a folder: honest.parquet and one file a claim."""
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "_lib"))
import tpatch as t

out = sys.argv[1]
honest = os.path.join(out, "honest.parquet")
rows = pa.table({"id": list(range(12000)), "s": ["common" if n % 4000 < 50 else f"key-{n:06d}" for n in range(12000)]})
pq.write_table(rows, honest, row_group_size=4000, dictionary_pagesize_limit=500, data_page_size=4000, data_page_version=sys.argv[2])


def claim(name, change):
    """Changes every row group."""
    body, footer = t.load(honest)
    for group in t.rgs(footer):
        change(group)
    t.save(os.path.join(out, f"{name}.parquet"), body, footer)


def column(change):
    return lambda group: change(t.meta(t.cols(group)[1]))


def listed(*encodings):
    return column(lambda meta: meta.__setitem__(2, (t.LST, (t.I32, list(encodings)))))


def counted(change):
    """Changes the entries about data pages."""
    return column(lambda meta: [change(entry) for entry in meta[13][1][1] if entry[1][1] != 2])


claim("false-offset", lambda group: group.__setitem__(5, (t.I64, group[5][1] + 1)))
claim("false-compressed", lambda group: group.__setitem__(6, (t.I64, group[6][1] * 2)))
claim("false-size", lambda group: group.__setitem__(2, (t.I64, 1)))
claim("false-encoding", lambda group: (column(lambda meta: meta.pop(13))(group), listed(3, 8)(group)))
claim("false-count", counted(lambda entry: entry.__setitem__(3, (t.I32, entry[3][1] + 1))))
claim("false-file", lambda group: t.cols(group)[0].__setitem__(1, (t.BIN, b"other.parquet")))
claim("true-none", lambda group: ([group.pop(field, None) for field in (5, 6)], column(lambda meta: meta.pop(13))(group)))
claim("true-zero", lambda group: [group.__setitem__(field, (t.I64, 0)) for field in (2, 5, 6)])
claim("true-old-name", lambda group: (listed(0, 2)(group), counted(lambda entry: entry.__setitem__(2, (t.I32, 2)) if entry[2][1] == 8 else None)(group)))
claim("true-chunk-offset", lambda group: [chunk.__setitem__(2, (t.I64, 99)) for chunk in t.cols(group)])
