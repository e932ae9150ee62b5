"""Reads the files of a report with other programs than the one that wrote them: `second_reader.py SCHEMAS REPORT...`.

CSV by Python's reader, which is printed as JSON to be held against Rust's; report.json by `jsonschema`; junit.xml by
`xmlschema`. Anything that is wrong ends it with a message.
"""

import csv
import json
import sys
from pathlib import Path

import jsonschema
import xmlschema

schemas = Path(sys.argv[1])
document = jsonschema.Draft202012Validator(json.loads((schemas / "report.v1.json").read_text(encoding="utf-8")))
suites = xmlschema.XMLSchema(schemas / "junit.xsd")
csv.field_size_limit(1 << 30)

tables = {}
for report in map(Path, sys.argv[2:]):
    document.validate(json.loads((report / "report.json").read_text(encoding="utf-8")))
    suites.validate(report / "junit.xml")
    for file in sorted(report.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as text:
            tables[f"{report.name}/{file.name}"] = list(csv.reader(text, strict=True))
json.dump(tables, sys.stdout)
