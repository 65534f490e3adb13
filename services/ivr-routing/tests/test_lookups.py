"""Where flows may ask: nothing inside, unless whoever runs the service names it."""

import pytest

from ivr_routing.lead.lookups import may_be_asked


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://bank.example.com/x", True),
        ("https://93.184.216.34/x", True),
        ("https://localhost/x", False),
        ("http://127.0.0.1:7713/x", False),
        ("https://10.0.0.7/x", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("https://metadata.google.internal/x", False),
        ("https://database/x", False),
        ("https://x.localhost/x", False),
    ],
)
def test_hosts_inside_are_not_asked(url: str, *, asked: bool) -> None:
    assert may_be_asked(url, ()) is asked


def test_hosts_that_are_named_are_the_only_ones() -> None:
    assert may_be_asked("http://127.0.0.1:8080/x", ("127.0.0.1",))
    assert not may_be_asked("https://bank.example.com/x", ("127.0.0.1",))
