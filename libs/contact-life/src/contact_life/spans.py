"""Lengths of sets of instants: unions and overlaps of spans, in microseconds. A span is (start, end), end >= start."""

from collections.abc import Iterable

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the spans with overlapping and touching ones joined, in order; empty ones are dropped."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def overlap(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """Return what lies in both, joined."""
    others = union(other)
    return [
        (max(start, low), min(end, high))
        for start, end in union(one)
        for low, high in others
        if max(start, low) < min(end, high)
    ]


def covered_us(spans: Iterable[Span]) -> int:
    """Return the length that the spans cover, what lies in several counted once."""
    return sum(end - start for start, end in union(spans))
