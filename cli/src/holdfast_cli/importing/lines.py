"""Lines of a text file, plain or gzip, one at a time: a month is never held in memory."""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from holdfast_cli.importing.errors import CannotRead

LONGEST_LINE = 65_536
"""Bytes of a line that are looked at; what is longer is no record of a call."""

_GZIP_MAGIC = b"\x1f\x8b"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""What a text of two bytes a character begins with, as spreadsheets save "Unicode text"."""
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, its text without the line's end, and whether it had one (the last may not).

    `read` is the share of the file's bytes, 0 to 1, read so far.
    """

    number: int
    text: str
    ended: bool
    read: float


def lines_of(path: Path) -> Iterator[Line]:
    """Give the lines of a file; a byte order mark is dropped, bytes that are no UTF-8 are taken as Latin-1.

    Raises CannotRead if the file is missing, of two bytes a character, or a compressed one is cut off (after the lines
    that could be read).
    """
    try:
        with path.open("rb") as raw:
            if raw.peek().startswith(_WIDE):
                raise CannotRead(f"{path.name} has two bytes a character (UTF-16). Save it as UTF-8.")
            size = os.fstat(raw.fileno()).st_size or 1
            yield from _lines(raw, size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CannotRead(f"{path.name} is cut off: its compressed data has no end. Copy it again.") from error
    except OSError as error:
        raise CannotRead(f"{path.name} cannot be read: {error.strerror}. Name an existing file.") from error


def _lines(raw: BinaryIO, size: int) -> Iterator[Line]:
    for number, line in enumerate(_plain(raw), 1):
        ended = line.endswith((b"\n", b"\r"))
        read = min(raw.tell() / size, 1.0)
        yield Line(number, _text(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line), ended, read)


def _plain(raw: BinaryIO) -> Iterator[bytes]:
    magic = raw.read(2)
    raw.seek(0)
    if magic == _GZIP_MAGIC:
        with gzip.open(raw, "rb") as unpacked, io.BufferedReader(unpacked, _BLOCK) as whole:
            yield from iter(lambda: whole.readline(LONGEST_LINE), b"")
    else:
        yield from iter(lambda: raw.readline(LONGEST_LINE), b"")


def _text(line: bytes) -> str:
    bare = line.rstrip(b"\r\n")
    try:
        return bare.decode()
    except UnicodeDecodeError:
        return bare.decode("latin-1")
