"""Which contacts are one: links followed to their root. Nothing is rewritten; figures group by the root."""

from collections.abc import Mapping


def root_of(contact_id: str, linked_to: Mapping[str, str]) -> str:
    """Return the contact that a contact is part of; itself if it is linked to none.

    `linked_to` has the contact each contact was linked to last. Links that run in a circle have the smallest id among
    the circle as their root, so that all in it agree.
    """
    seen: list[str] = []
    at = contact_id
    while at not in seen:
        seen.append(at)
        following = linked_to.get(at, at)
        if following == at:
            return at
        at = following
    return min(seen[seen.index(at) :])
