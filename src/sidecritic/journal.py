"""A file that is only ever appended to: one writer at a time, whole lines, synced to disk.

What a kill can do to it is to leave one unfinished line at its end, which is found and removed
when the file is opened again.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sidecritic.errors import ConfigError

_STEP = 1 << 16


class Journal:
    """An open journal; get one from `open_journal`."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self.file = file
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return os.fstat(self._descriptor).st_size

    def append(self, text: str) -> None:
        """Write `text` whole, and sync it.

        Raises:
            ConfigError: the disk is full, or the file cannot be written any more.
        """
        left = memoryview(text.encode())
        start = self.size
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
            os.fsync(self._descriptor)
        except OSError as cause:
            # A full disk must not leave half a line in front of whatever is appended next.
            os.ftruncate(self._descriptor, start)
            raise ConfigError(
                f"cannot write {self.file}: {cause.strerror}; make room, then repeat the command: "
                "it goes on where it stopped"
            ) from cause

    def unfinished(self) -> bytes:
        """Return what stands behind the last newline; empty in a journal that is whole."""
        size = end = self.size
        while end > 0:
            begin = max(0, end - _STEP)
            found = os.pread(self._descriptor, end - begin, begin).rfind(b"\n")
            if found >= 0:
                end = begin + found + 1
                break
            end = begin
        return os.pread(self._descriptor, size - end, end)

    def drop(self, length: int) -> None:
        """Remove that many bytes from the end."""
        os.ftruncate(self._descriptor, self.size - length)


@contextmanager
def open_journal(file: Path) -> Generator[Journal]:
    """Open a journal for appending, a new one or one to go on with.

    Raises:
        ConfigError: it cannot be written, or another process writes it.
    """
    descriptor = _locked(file)
    try:
        yield Journal(file, descriptor)
    finally:
        os.close(descriptor)


def _locked(file: Path) -> int:
    # The kernel drops the lock with the process, so that a kill leaves no stale one behind.
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; choose another --out") from cause
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        os.close(descriptor)
        raise ConfigError(
            f"another process is writing {file}; wait for it, or choose another --out"
        ) from cause
    return descriptor
