"""Content codings of bodies, decompressed within bounds."""

import zlib
from collections.abc import Callable
from importlib import import_module

from sidecritic.errors import ModelError, ModelUnavailable

_PIECE = 4_096
_ZSTD_WINDOW = 2**25
"""Bytes of memory that a frame may ask for."""


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


def _zlib(window: int) -> Callable[[bytes, int], bytes]:
    def decode(raw: bytes, limit: int) -> bytes:
        parts, left, at = list[bytes](), limit + 1, 0
        member = zlib.decompressobj(window)
        while at < len(raw) and left > 0:
            if member.eof:
                member = zlib.decompressobj(window)
            try:
                parts.append(member.decompress(raw[at : at + _PIECE], left))
            except zlib.error as cause:
                raise _Damaged from cause
            left -= len(parts[-1])
            # Each member copies what follows it, so a body of many is read in pieces.
            at += min(_PIECE, len(raw) - at) - len(member.unused_data)
        if raw and left > 0 and not member.eof:
            raise _Damaged
        return b"".join(parts)

    return decode


def _zstd(raw: bytes, limit: int) -> bytes:
    zstd = import_module("zstandard")
    reading = zstd.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    try:
        return reading.stream_reader(raw, read_across_frames=True).read(limit + 1)
    except zstd.ZstdError as cause:
        raise _Damaged from cause


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
    "deflate": _zlib(15),
    "zstd": _zstd,
    "br": _brotli,
}
