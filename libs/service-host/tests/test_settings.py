from pathlib import Path

import pytest

from service_host.addresses import is_loopback, split_address
from service_host.settings import HostSettings, WrongSettings, load


class Settings(HostSettings, env_prefix="HOLDFAST_SAMPLE_"):
    """What a service adds."""

    batch_events: int = 100


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOLDFAST_DATABASE_URL", "HOLDFAST_INSECURE_DEV"):
        monkeypatch.delenv(name, raising=False)


def wrong(**given: object) -> list[str]:
    with pytest.raises(WrongSettings) as caught:
        load(Settings, **given)
    return caught.value.sentences


def test_the_services_environment_outranks_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_INSECURE_DEV", "true")
    monkeypatch.setenv("HOLDFAST_DATABASE_URL", "postgresql://shared")
    monkeypatch.setenv("HOLDFAST_LOG_LEVEL", "warning")
    monkeypatch.setenv("HOLDFAST_SAMPLE_DATABASE_URL", "postgresql://own")
    settings = load(Settings)
    assert (settings.database_url, settings.log_level) == ("postgresql://own", "warning")


def test_the_environment_outranks_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('insecure_dev = true\nbatch_events = 7\ngrpc_address = "127.0.0.1:5"\n[limits]\nunary_total = 9\n')
    monkeypatch.setenv("HOLDFAST_SAMPLE_SETTINGS", str(path))
    monkeypatch.setenv("HOLDFAST_SAMPLE_BATCH_EVENTS", "8")
    settings = load(Settings)
    assert (settings.batch_events, settings.grpc_address, settings.limits.unary_total) == (8, "127.0.0.1:5", 9)


def test_a_json_file_does_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"insecure_dev": true, "algorithms": ["EdDSA"]}')
    monkeypatch.setenv("HOLDFAST_SAMPLE_SETTINGS", str(path))
    assert load(Settings).algorithms == ("EdDSA",)


def test_a_limit_is_named_with_two_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SAMPLE_LIMITS__UNARY_PER_CALLER", "3")
    monkeypatch.setenv("HOLDFAST_SAMPLE_LIMITS__DRAIN_QUIET", "1.5")
    limits = load(Settings, insecure_dev=True).limits
    assert (limits.unary_per_caller, limits.drain_quiet.total_seconds()) == (3, 1.5)


def test_algorithms_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SAMPLE_ALGORITHMS", "ES256, RS256")
    assert load(Settings, insecure_dev=True).algorithms == ("ES256", "RS256")


def test_everything_wrong_is_told_at_once_one_sentence_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SAMPLE_GRCP_ADDRESS", "x")
    monkeypatch.setenv("HOLDFAST_SAMPLE_BATCH_EVENTS", "many")
    monkeypatch.setenv("HOLDFAST_SAMPLE_HTTP_ADDRESS", "localhost")
    monkeypatch.setenv("HOLDFAST_SAMPLE_LIMITS__UNARY_PR_CALLER", "1")
    sentences = wrong(insecure_dev=True)
    assert len(sentences) == 4
    assert "did you mean HOLDFAST_SAMPLE_GRPC_ADDRESS" in sentences[0]
    assert all(sentence.endswith(".") for sentence in sentences)
    assert any("HOLDFAST_SAMPLE_HTTP_ADDRESS: must be host:port" in sentence for sentence in sentences)


def test_a_secret_is_in_no_sentence_and_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SAMPLE_DATABASE_URL", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("HOLDFAST_SAMPLE_BATCH_EVENTS", "hunter2")
    assert "hunter2" not in str(wrong(insecure_dev=True))
    monkeypatch.delenv("HOLDFAST_SAMPLE_BATCH_EVENTS")
    assert "hunter2" not in repr(load(Settings, insecure_dev=True))


@pytest.mark.parametrize("content", ["= x", "[1]"])
def test_a_file_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    monkeypatch.setenv("HOLDFAST_SAMPLE_SETTINGS", str(path))
    assert wrong()[0].startswith("The settings file")


def test_a_missing_file_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOLDFAST_SAMPLE_SETTINGS", str(tmp_path / "none.toml"))
    assert wrong() == ["The settings file cannot be read: No such file or directory."]


def test_without_credentials_the_start_is_refused() -> None:
    assert "JWKS must name the keys" in wrong()[0]


def test_insecure_dev_beyond_loopback_is_refused() -> None:
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"):
        assert "only for loopback" in wrong(insecure_dev=True, http_address=address)[0]


def test_keys_need_an_issuer_and_exclude_insecure_dev() -> None:
    assert "needs ISSUER" in wrong(jwks="x")[0]
    assert "exclude each other" in wrong(jwks="x", issuer="y", insecure_dev=True)[0]


def test_what_belongs_together_comes_together() -> None:
    assert "go together" in wrong(insecure_dev=True, tls_certificate="x")[0]
    assert "OTLP_ENDPOINT must be" in wrong(insecure_dev=True, telemetry="otlp")[0]


@pytest.mark.parametrize("names", ["HS256", "none", "ES256,none", ""])
def test_algorithms_that_anyone_could_forge_are_refused(names: str) -> None:
    assert "must be some of" in wrong(jwks="x", issuer="y", algorithms=names)[0]


@pytest.mark.parametrize("address", ["", ":", "x", "x:", ":1", "x:y", "x:70000", "x:-1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        split_address(address)


def test_loopback_is_what_only_this_machine_reaches() -> None:
    assert all(is_loopback(address) for address in ("localhost:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1"))
    assert not any(is_loopback(address) for address in ("0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.evil:1"))
