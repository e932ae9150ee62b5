"""Parquet files that Python packages ship, and what PyArrow and DuckDB make of them.

usage: foreign_files.py fetch DIRECTORY [PACKAGE..]     packages of the list below, or all of them
       foreign_files.py read PATH..                     files and folders

`fetch` downloads the source distributions by pip, without what they depend on, and unpacks their Parquet files into
DIRECTORY/NAME-VERSION; what is there already is not fetched again. PyArrow's own files are copied from where it is installed.
`read` prints as JSON, for each Parquet file: its path, its rows by PyArrow, and what PyArrow and DuckDB refuse it for, each null
where it reads the file. Needs both."""
import json, os, shutil, subprocess, sys, tarfile, tempfile

# Who wrote the files: Spark and Hive (deltalake, intake-parquet), Avro's old lists of lists (awkward), Arrow for C++ from 0.12 on
# (kartothek), pandas of 2017 (pyarrow), catalogs of the sky with nested columns and partition folders (hats, hats-import, lsdb),
# Awkward Array and Dask (coffea), small tables (frictionless).
PACKAGES = {
    "awkward": "2.14.0",
    "coffea": "2026.9.0",
    "deltalake": "1.6.6",
    "frictionless": "5.21.0",
    "hats": "0.11.1",
    "hats-import": "0.11.1",
    "intake-parquet": "0.3.0",
    "kartothek": "5.3.0",
    "lsdb": "0.11.1",
    "pyarrow": None,
}
ENDINGS = (".parquet", ".parq", ".pq")


def fetch(root, names):
    os.makedirs(root, exist_ok=True)
    for name in names or PACKAGES:
        if name not in PACKAGES:
            sys.exit(f"no package {name!r} in the list: {', '.join(PACKAGES)}")
        version = PACKAGES[name]
        if version is None:
            import pyarrow
            version = pyarrow.__version__
        target = os.path.join(root, f"{name}-{version}")
        if os.path.isdir(target):
            continue
        with tempfile.TemporaryDirectory(dir=root) as scratch:
            files = os.path.join(scratch, "files")
            os.mkdir(files)
            if name == "pyarrow":
                shutil.copytree(os.path.join(os.path.dirname(pyarrow.__file__), "tests", "data", "parquet"), files, dirs_exist_ok=True)
            else:
                unpack(download(name, version, scratch), files)
            if not any(name.endswith(ENDINGS) for _, _, names in os.walk(files) for name in names):
                sys.exit(f"{name} {version} holds no Parquet file any more")
            os.rename(files, target)


def download(name, version, scratch):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
    done = subprocess.run([*command, "--no-binary", name, "--dest", scratch, f"{name}=={version}"])
    if done.returncode != 0:
        sys.exit(f"{name} {version} cannot be downloaded by pip")
    [archive] = [it for it in os.listdir(scratch) if it.endswith(".tar.gz")]
    return os.path.join(scratch, archive)


def unpack(archive, target):
    with tarfile.open(archive) as held:
        for member in held:
            parts = member.name.split("/")[1:]
            if member.isfile() and parts and parts[-1].lower().endswith(ENDINGS) and ".." not in parts:
                path = os.path.join(target, *parts)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with held.extractfile(member) as source, open(path, "wb") as copy:
                    shutil.copyfileobj(source, copy)


def read(paths):
    import duckdb, pyarrow.parquet as pq
    connection = duckdb.connect()
    found = []
    for path in paths:
        inside = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        found += [path] if os.path.isfile(path) else [it for it in inside if it.lower().endswith(ENDINGS)]
    described = []
    for path in sorted(found):
        rows = None

        def by_pyarrow():
            nonlocal rows
            with pq.ParquetFile(path) as file:
                rows = file.read().num_rows

        def by_duckdb():
            connection.execute("SELECT * FROM read_parquet(?, hive_partitioning = false)", [path]).fetchall()

        described.append({"path": path, "pyarrow": refusal(by_pyarrow), "duckdb": refusal(by_duckdb), "rows": rows})
    print(json.dumps(described))


def refusal(attempt):
    try:
        attempt()
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fetch", root, *names]:
            fetch(root, names)
        case ["read", *paths] if paths:
            read(paths)
        case _:
            sys.exit(__doc__)
