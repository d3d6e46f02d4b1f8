"""The folder of a data set: JSON lines and Parquet, complete or not there at all."""

import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from sidecritic.datasets.rows import Row
from sidecritic.errors import ConfigError, MissingExtra
from sidecritic.types import Record

_BATCH = 500
"""Rows of one Parquet row group, all that is held of it."""


@contextmanager
def new_folder(out: Path) -> Generator[Path]:
    """Yield a folder to write into, which becomes `out` when all went well.

    Raises:
        ConfigError: `out` exists already, or the disk is full.
    """
    if out.exists():
        raise ConfigError(f"{out} exists already; choose another --out, or remove it")
    draft = out.with_name(f".{out.name}.part")
    try:
        # A kill may have left it behind.
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        yield draft
        draft.rename(out)
    except OSError as cause:
        raise ConfigError(
            f"cannot write {out}: {cause.strerror or cause}; make room or choose another --out, "
            "then repeat the command; nothing is left half-written"
        ) from cause
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class Shelf:
    """Files that rows are sorted into, by configuration and split."""

    def __init__(self, folder: Path, *, parquet: bool) -> None:
        self._folder = folder
        self._parquet = parquet
        self._open: dict[tuple[str, str], _Files] = {}

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for files in self._open.values():
                stack.callback(files.close)

    @property
    def files(self) -> Mapping[tuple[str, str], str]:
        """Configuration and split to the file to read, relative to the folder."""
        ending = "parquet" if self._parquet else "jsonl"
        return {key: f"{key[0]}/{key[1]}.{ending}" for key in sorted(self._open)}

    def put(self, config: str, row: Row) -> None:
        """Append a row."""
        key = (config, row.split)
        if key not in self._open:
            (self._folder / config).mkdir(exist_ok=True)
            stem = self._folder / config / row.split
            self._open[key] = _Files(stem, type(row), parquet=self._parquet)
        self._open[key].put(row)


class _Files:
    def __init__(self, stem: Path, kind: type[Record], *, parquet: bool) -> None:
        self._lines: IO[str] = stem.with_suffix(".jsonl").open("w", encoding="utf-8")
        self._table = _Table(stem.with_suffix(".parquet"), kind) if parquet else None

    def put(self, row: Row) -> None:
        self._lines.write(row.model_dump_json() + "\n")
        if self._table is not None:
            self._table.put(row.model_dump(mode="json"))

    def close(self) -> None:
        with closing(self._lines), closing(self._table) if self._table else nullcontext():
            self._lines.flush()
            os.fsync(self._lines.fileno())


class _Table:
    """One Parquet file; the record decides its columns, not the first rows."""

    def __init__(self, file: Path, kind: type[Record]) -> None:
        pyarrow, parquet = _pyarrow(), __import__("pyarrow.parquet").parquet
        self._schema = pyarrow.schema(_struct(pyarrow, columns_of(kind)))
        self._table: Any = pyarrow.Table
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._rows: list[dict[str, Any]] = []

    def put(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._flush()

    def close(self) -> None:
        with closing(self._writer):
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()


def has_parquet() -> bool:
    """Whether Parquet can be written here."""
    return find_spec("pyarrow") is not None


def require_parquet() -> None:
    """Raise unless Parquet can be written.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    _pyarrow()


def _pyarrow() -> Any:
    try:
        return __import__("pyarrow")
    except ImportError as cause:
        raise MissingExtra("pyarrow", "data", "writing Parquet") from cause


# --- columns -------------------------------------------------------------------------------

Columns = Mapping[str, Any]
"""Name to `string`, `float64`, `int64`, `bool`, a list of one of these, or columns again."""

_PLAIN = {"string": "string", "number": "float64", "integer": "int64", "boolean": "bool"}


def columns_of(kind: type[Record]) -> Columns:
    """Return the columns of a record, from its JSON schema."""
    schema = kind.model_json_schema()
    return _columns(schema, schema.get("$defs", {}))


def _columns(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Columns:
    return {name: _column(part, known) for name, part in schema["properties"].items()}


def _column(part: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in part:
        return _columns(known[part["$ref"].rpartition("/")[2]], known)
    if "anyOf" in part:
        return _column(next(p for p in part["anyOf"] if p.get("type") != "null"), known)
    if part.get("type") == "array":
        return [_column(part["items"], known)]
    return _PLAIN[part["type"]]


def _struct(pyarrow: Any, columns: Columns) -> list[Any]:
    return [pyarrow.field(name, _type(pyarrow, column)) for name, column in columns.items()]


def _type(pyarrow: Any, column: Any) -> Any:
    if isinstance(column, list):
        return pyarrow.list_(_type(pyarrow, column[0]))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(column, Mapping):
        return pyarrow.struct(_struct(pyarrow, column))  # pyright: ignore[reportUnknownArgumentType]
    return pyarrow.bool_() if column == "bool" else getattr(pyarrow, column)()
