"""How records and their headers stand in a batch, as the broker keeps it: numbers doubled and cut by sevens; pure.

A record is its length, a byte of attributes, its time and its offset after the batch's, key, value, the number of its
headers, each header's name and value. A length before bytes says how many follow, -1 that there are none.
"""

from typing import Final

from event_log.kafka.record import Headers, MalformedRecord

MORE: Final = 0x80
NONE: Final = b"\x01"
"""The length -1."""


def varint(number: int) -> bytes:
    """Return how a number of 0 or more stands in a batch."""
    return _FIRST[number] if number < len(_FIRST) else _varint(number)


def _varint(number: int) -> bytes:
    number *= 2
    found = bytearray()
    while number >= MORE:
        found.append(number & ~MORE & 0xFF | MORE)
        number >>= 7
    found.append(number)
    return bytes(found)


_FIRST: Final = tuple(map(_varint, range(4096)))


def record_bytes(offset: int, key: bytes | None, value: bytes, headers: bytes) -> bytes:
    """Return a record told at the batch's time; its headers as `encoded` gives them."""
    named = NONE if key is None else varint(len(key)) + key
    body = b"".join((b"\0\0", varint(offset), named, varint(len(value)), value, headers))
    return varint(len(body)) + body


def encoded(headers: Headers) -> bytes:
    """Return headers as they stand in a record."""
    return varint(len(headers)) + b"".join(header(name.encode(), value) for name, value in headers)


def header(name: bytes, value: bytes) -> bytes:
    """Return one header; a record has their number before all of them."""
    return b"".join((varint(len(name)), name, varint(len(value)), value))


def decoded(headers: bytes) -> Headers:
    """Return headers by name; raise MalformedRecord."""
    try:
        count, at = read_varint(headers, 0)
        found: list[tuple[str, bytes]] = []
        for _ in range(count):
            name, at = _bytes(headers, at)
            value, at = _bytes(headers, at)
            found.append(((name or b"").decode(), value or b""))
    except (IndexError, UnicodeDecodeError):
        raise MalformedRecord("the headers are no headers") from None
    return found


def read_varint(buffer: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends; raise IndexError beyond the buffer."""
    byte = buffer[at]
    if byte < MORE:
        return (byte >> 1) ^ -(byte & 1), at + 1
    number, shift = byte & ~MORE, 7
    while byte & MORE:
        at += 1
        byte = buffer[at]
        number |= (byte & ~MORE) << shift
        shift += 7
    return (number >> 1) ^ -(number & 1), at + 1


def _bytes(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = read_varint(buffer, at)
    if size < 0:
        return None, at
    if at + size > len(buffer):
        raise IndexError
    return buffer[at : at + size], at + size
