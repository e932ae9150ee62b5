"""Pairs of files with a column that cannot be read. usage: left_out.py DIRECTORY

The same as stored.py does; needs PyArrow with encryption."""
import base64, json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "_lib"))
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.parquet.encryption as pe, tpatch

ROOT = sys.argv[1]
CASES = []


class Kms(pe.KmsClient):
    def __init__(self, connection):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key, master):
        return base64.b64encode(key)

    def unwrap_key(self, wrapped, master):
        return base64.b64decode(wrapped)


def encrypted(table, path, column):
    keys = {"key": [column]}
    configuration = pe.EncryptionConfiguration(footer_key="footer", column_keys=keys, plaintext_footer=True)
    properties = pe.CryptoFactory(Kms).file_encryption_properties(pe.KmsConnectionConfig(), configuration)
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties, store_schema=False, write_page_index=True) as writer:
        writer.write_table(table)


def chunk(path, leaf):
    """Body, footer and metadata of a chunk of the first row group."""
    body, foot = tpatch.load(path)
    return bytearray(body), foot, tpatch.meta(tpatch.cols(tpatch.rgs(foot)[0])[leaf])


def codec(number):
    def write(table, path, column):
        pq.write_table(table, path, store_schema=False)
        body, foot, meta = chunk(path, 1)
        meta[4] = (tpatch.I32, number)
        tpatch.save(path, bytes(body), foot)

    return write


def damaged(table, path, column):
    pq.write_table(table, path, store_schema=False, use_dictionary=False, compression="snappy")
    body, foot, meta = chunk(path, 1)
    end = meta[9][1] + meta[7][1]
    body[end - 8 : end] = b"\xff" * 8
    tpatch.save(path, bytes(body), foot)


def headless(table, path, column):
    pq.write_table(table, path, store_schema=False, use_dictionary=False)
    body, foot, meta = chunk(path, 1)
    start = meta[9][1]
    body[start : start + 4] = b"\xff" * 4
    tpatch.save(path, bytes(body), foot)


def table(ids, texts, nested):
    texts = pa.array(texts)
    if nested:
        texts = pa.StructArray.from_arrays([texts], ["t"])
    return pa.table({"id": pa.array(ids, pa.int64()), "s": texts, "n": pa.array(range(len(ids)), pa.int64())})


SAID = {"encrypted": "column s is encrypted", "lzo": "LZO", "codec": "column s is compressed with codec 99", "damaged": 'column "s', "headless": 'column "s'}
for how, write in {"encrypted": encrypted, "lzo": codec(3), "codec": codec(99), "damaged": damaged, "headless": headless}.items():
    for nested in (False, True):
        kind = f"{how}-nested" if nested else how
        leaf = "s.t" if nested else "s"
        texts = [f"some longer text {i}" for i in range(9)]
        for name, ids, args, code in (
            ("read", range(9), [], 3),
            ("left-out", range(9), ["--ignore-columns", "s=secret"], 0),
            ("left-out-other-id", [0, 1, 2, 3, 4, 5, 6, 7, 99], ["--ignore-columns", "s=secret"], 1),
        ):
            folder = os.path.join(ROOT, f"{kind}-{name}")
            os.makedirs(folder)
            write(table(range(9), texts, nested), os.path.join(folder, "old.parquet"), leaf)
            write(table(ids, texts[::-1], nested), os.path.join(folder, "new.parquet"), leaf)
            shows = [] if args else [SAID[how], "--ignore-columns s=REASON leaves the column out"]
            CASES.append({"name": f"{kind}-{name}", "args": ["--key", "id", *args], "code": code, "back": code, "codes": [], "shows": shows})
print(json.dumps(CASES))
