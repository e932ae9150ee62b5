"""Writes Parquet files of every flat type, encoding, codec and page version that PyArrow and DuckDB know, and nested ones, into a folder."""
import datetime
import decimal
import itertools
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

try:
    import duckdb
except ImportError:
    duckdb = None

out = sys.argv[1]
def col(values, kind): return pa.array(values, kind)
D = decimal.Decimal
flat = {
 'bool': col([True, None, False]*100, pa.bool_()),
 **{f'{s}int{b}': col([0, None, 100]*100, getattr(pa, f'{s}int{b}')()) for s in ('', 'u') for b in (8,16,32,64)},
 'u64max': col([2**64-1, None, 2**63]*100, pa.uint64()), 'i64min': col([-2**63, None, 2**63-1]*100, pa.int64()),
 'f16': col([1.5, None, -0.0]*100, pa.float16()), 'f32': col([float('nan'), None, -0.0]*100, pa.float32()),
 'f64': col([float('inf'), None, 1e-310]*100, pa.float64()),
 'str': col(['', None, 'a\0b\u202e\U0001f600']*100, pa.string()), 'lstr': col(['x', None, '']*100, pa.large_string()),
 'sview': col(['x'*40, None, '']*100, pa.string_view()),
 'bin': col([b'', None, b'\xff\x00']*100, pa.binary()), 'fixed': col([b'abcd', None, b'\0\0\0\0']*100, pa.binary(4)),
 'dict': col(['a', None, 'b']*100, pa.string()).dictionary_encode(),
 'date32': col([datetime.date(1969,1,1), None, datetime.date(9999,1,1)]*100, pa.date32()),
 'date64': col([datetime.date(1969,1,1), None, datetime.date(9999,1,1)]*100, pa.date64()),
 't32s': col([1, None, 2]*100, pa.time32('s')), 't32ms': col([1, None, 2]*100, pa.time32('ms')),
 't64us': col([1, None, 2]*100, pa.time64('us')), 't64ns': col([1, None, 2]*100, pa.time64('ns')),
 **{f'ts{u}': col([-1, None, 2**40]*100, pa.timestamp(u)) for u in ('s','ms','us','ns')},
 **{f'tz{u}': col([-1, None, 2**40]*100, pa.timestamp(u, 'Europe/Zurich')) for u in ('ms','us')},
 'dur': col([1, None, 2]*100, pa.duration('ms')),
 'dec9': col([D('1.23'), None, D('-9999999.99')]*100, pa.decimal128(9,2)), 'dec18': col([D('1.23'), None, D('-1')]*100, pa.decimal128(18,2)),
 'dec38': col([D(10)**30, None, D('-1')]*100, pa.decimal128(38,0)), 'dec76': col([D(10)**60, None, D('-1')]*100, pa.decimal256(76,0)),
 'dec32': col([D('1.2'), None, D('-1.1')]*100, pa.decimal32(5,1)), 'dec64': col([D('1.2'), None, D('-1.1')]*100, pa.decimal64(12,1)),
 'null': col([None]*300, pa.null()), 'uuid': pa.array([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2).bytes]*100, pa.uuid()) if hasattr(pa,'uuid') else col([None]*300, pa.null()),
 'a"b.c\n': col(['q', None, 'r']*100, pa.string()), '': col([1, None, 2]*100, pa.int32()),
}
nested = {'list': col([[1, None], None, []]*100, pa.list_(pa.int64())), 'struct': col([{'a': 1, 'b': None}, None, {'a': None, 'b': 'x'}]*100, pa.struct([('a', pa.int32()), ('b', pa.string())])),
 'map': col([[('k', 1)], None, []]*100, pa.map_(pa.string(), pa.int32())), 'deep': col([[[{'x': [1.5]}]], None, [[], None]]*100, pa.list_(pa.list_(pa.struct([('x', pa.list_(pa.float64()))])))) }
table, both = pa.table(flat), pa.table({**flat, **nested})
def put(t, name, **kw):
    pq.write_table(t, f'{out}/{name}.parquet', **kw)
for codec in ('none','snappy','gzip','brotli','lz4','zstd'):
    for v, d in itertools.product(('1.0','2.0'), (True, False)):
        put(table, f'flat-{codec}-{v[0]}-{d}', compression=codec, data_page_version=v, use_dictionary=d)
put(both, 'nested'); put(both, 'nested-v2', data_page_version='2.0', use_dictionary=False)
put(table, 'checksums', write_page_checksum=True); put(table, 'index', write_page_index=True); put(both, 'nested-checksums', write_page_checksum=True, write_page_index=True)
put(table, 'pages', data_page_size=16, write_batch_size=3); put(table, 'groups', row_group_size=7); put(table, 'nostats', write_statistics=False)
put(table, 'int96', use_deprecated_int96_timestamps=True); put(table, 'unstored', store_schema=False)
put(table.slice(0,1), 'one')
put(table, 'decimal-int', store_decimal_as_integer=True)
for enc, cols in {'DELTA_BINARY_PACKED': ['int32','int64','uint32'], 'DELTA_LENGTH_BYTE_ARRAY': ['str','bin'], 'DELTA_BYTE_ARRAY': ['str','bin','fixed'], 'BYTE_STREAM_SPLIT': ['f32','f64','int32','int64','fixed','f16'], 'RLE': ['bool'], 'PLAIN': ['str','f64','bool']}.items():
    put(table.select(cols), f'enc-{enc}', use_dictionary=False, column_encoding={c: enc for c in cols}, data_page_version='2.0')
    put(table.select(cols), f'enc1-{enc}', use_dictionary=False, column_encoding={c: enc for c in cols})

if duckdb:
    duck = duckdb.connect()
    duck.execute("""create table t as select i::int i, i::bigint b, i::hugeint h, i::double d, i::varchar s, i % 3 = 0 o,
        date '2020-01-01' + i::int dt, timestamp '2020-01-01' + interval (i) second ts, timestamptz '2020-01-01' tz, i::decimal(12, 3) de,
        uuid() u, [i, null] l, {'a': i, 'b': 'x'} st, map([i], ['v']) m, interval (i) second iv, i::utinyint ut, blob '\\xAA' bl, time '10:00' ti
        from range(0, 200) r(i)""")
    for codec, version in itertools.product(('uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw'), ('V1', 'V2')):
        duck.execute(f"copy t to '{out}/duck-{codec}-{version}.parquet' (format parquet, codec '{codec}', parquet_version '{version}')")
