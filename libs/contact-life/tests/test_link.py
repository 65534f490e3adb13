"""Which contacts are one."""

from contact_life.link import root_of


def test_a_contact_linked_to_none_is_its_own_root() -> None:
    assert root_of("a", {}) == "a"


def test_links_are_followed_to_their_end() -> None:
    assert root_of("a", {"a": "b", "b": "c"}) == "c"


def test_links_in_a_circle_have_one_root_wherever_one_begins() -> None:
    circle = {"a": "c", "b": "a", "c": "b", "d": "b", "e": "e"}
    assert {root_of(contact, circle) for contact in "abcd"} == {"a"}
    assert root_of("e", circle) == "e"
