"""Content codings of bodies, decompressed within bounds."""

import zlib
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from sidecritic.errors import ModelError, ModelUnavailable

_PIECE = 4_096
_ZSTD_PIECE = 256
"""A block of four bytes may hold 128 kB: a piece is no more than a few megabytes then."""
_ZSTD_WINDOW = 2**25
"""Bytes of memory that a frame may ask for."""

_Step = Callable[[Any, bytes, int], bytes]
"""Takes a member, a piece of it, and how much is wanted; returns what it holds."""


class TooLarge(ModelError):
    """A body is larger than the operator allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer has more than {limit:,} bytes; see answer_bytes")


def decoded(coding: str, raw: bytes, limit: int) -> bytes:
    """Return a body without its content coding; of a bomb no more than a little over `limit`.

    Raises:
        TooLarge: it has more than `limit` bytes then.
        ModelUnavailable: its data are damaged.
        ModelError: the coding is not known.
    """
    name = coding.strip().lower()
    if name in ("", "identity"):
        return raw
    decode = _CODINGS.get(name)
    if decode is None:
        raise ModelError(f"the content-encoding {coding[:40]!r} is not known")
    try:
        content = decode(raw, limit)
    except ImportError as cause:
        raise ModelError(f"content-encoding {name} needs the package {cause.name!r}") from cause
    except _Damaged as cause:
        raise ModelUnavailable(f"the {name} data are damaged") from cause
    if len(content) > limit:
        raise TooLarge(limit)
    return content


class _Damaged(Exception):
    """Cut off, or not what the coding says."""


def _members(
    raw: bytes,
    limit: int,
    piece: int,
    make: Callable[[], Any],
    step: Callable[[Any, bytes, int], bytes],
) -> bytes:
    """Return what members, one behind the other, hold; the last one must be whole."""
    parts, left, at = list[bytes](), limit + 1, 0
    member = make()
    while at < len(raw) and left > 0:
        if member.eof:
            member = make()
        parts.append(step(member, raw[at : at + piece], left))
        left -= len(parts[-1])
        # Each member copies what follows it, so a body of many is read in pieces.
        at += min(piece, len(raw) - at) - len(member.unused_data)
    if raw and left > 0 and not member.eof:
        raise _Damaged
    return b"".join(parts)


def _zlib(window: int) -> Callable[[bytes, int], bytes]:
    def step(member: Any, part: bytes, left: int) -> bytes:
        try:
            return member.decompress(part, left)
        except zlib.error as cause:
            raise _Damaged from cause

    def decode(raw: bytes, limit: int) -> bytes:
        return _members(raw, limit, _PIECE, partial(zlib.decompressobj, window), step)

    return decode


def _deflate(raw: bytes, limit: int) -> bytes:
    """Read deflate with its header, or bare, as some servers send it and all browsers read it."""
    try:
        return _zlib(15)(raw, limit)
    except _Damaged:
        return _zlib(-15)(raw, limit)


def _zstd(raw: bytes, limit: int) -> bytes:
    zstd = import_module("zstandard")
    reading = zstd.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)

    def step(member: Any, part: bytes, left: int) -> bytes:
        try:
            return member.decompress(part)
        except zstd.ZstdError as cause:
            raise _Damaged from cause

    return _members(raw, limit, _ZSTD_PIECE, reading.decompressobj, step)


def _brotli(raw: bytes, limit: int) -> bytes:
    brotli = import_module("brotli")
    reading, content = brotli.Decompressor(), b""
    while not reading.is_finished() and len(content) <= limit:
        try:
            part = reading.process(raw, output_buffer_limit=limit + 1 - len(content))
        except brotli.error as cause:
            raise _Damaged from cause
        if not part and not reading.is_finished():
            raise _Damaged
        content, raw = content + part, b""
    return content


_CODINGS = {
    "gzip": _zlib(31),
    "x-gzip": _zlib(31),
    "deflate": _deflate,
    "zstd": _zstd,
    "br": _brotli,
}
