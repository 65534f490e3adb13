import asyncio
import base64
import hashlib
import hmac
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from holdfast_testing import eventually
from service_host.auth import LONGEST_TOKEN, InsecureDev, LocalIssuer, TokenVerifier, verifier
from service_host.authorisation import Policy, Rule
from service_host.call import Caller
from service_host.errors import PermissionDenied, Refused, Unauthenticated
from service_host.jwks import LONGEST_AGE_SECONDS, RELOAD_SECONDS, KeySet, UnreadableKeys
from service_host.local_issuer import AUDIENCE, ISSUER
from service_host.settings import HostSettings, WrongSettings

ALGORITHMS = ("ES256", "EdDSA")


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def checked(issuer: LocalIssuer) -> TokenVerifier:
    return verifier_of(issuer)


def verifier_of(issuer: LocalIssuer, **settings: Any) -> TokenVerifier:
    return TokenVerifier(KeySet(str(issuer.jwks), ALGORITHMS), **{"issuer": ISSUER, "audience": AUDIENCE, **settings})


async def reason(checked: TokenVerifier, token: str | None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await checked.verify(token and f"Bearer {token}")
    assert checked.remembered(f"Bearer {token}") is None
    return caught.value.reason


def forged(token: str, header: dict[str, Any], signature: bytes = b"") -> str:
    """The token's claims under another header and signature."""
    body = token.split(".")[1]
    return f"{encoded(json.dumps(header).encode())}.{body}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def key_id(issuer: LocalIssuer) -> str:
    return str(json.loads(issuer.jwks.read_text())["keys"][0]["kid"])


async def test_a_token_names_its_caller(issuer: LocalIssuer, checked: TokenVerifier) -> None:
    token = issuer.mint(
        "acme",
        "import-7",
        scopes=["a", "b"],
        roles=["importer"],
        sources=["pbx-1"],
        claims={"agent": "ann", "team": "east"},
    )
    verified = await checked.verify(f"Bearer {token}")
    expected = Caller("acme", "import-7", frozenset("ab"), frozenset({"importer"}), frozenset({"pbx-1"}), "ann", "east")
    assert verified.caller == expected


async def test_a_verified_token_is_remembered_until_it_expires(issuer: LocalIssuer) -> None:
    clock = Clock(time.time())
    checked = verifier_of(issuer, clock=clock)
    credentials = f"Bearer {issuer.mint('acme', 'x', ttl=timedelta(minutes=1))}"
    assert checked.remembered(credentials) is None
    verified = await checked.verify(credentials)
    assert checked.remembered(credentials) == verified
    clock.now += 61
    assert checked.remembered(credentials) is None


async def test_no_token_or_another_scheme_is_missing(checked: TokenVerifier) -> None:
    assert await reason(checked, None) == "TOKEN_MISSING"
    with pytest.raises(Unauthenticated, match="TOKEN_MISSING"):
        await checked.verify("Basic YWRtaW46YWRtaW4=")


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "\x00", "Ä.Ö.Ü", "x" * 100_000, "e30.e30.e30"])
async def test_what_is_no_token_is_invalid(checked: TokenVerifier, token: str) -> None:
    assert await reason(checked, token) == "TOKEN_INVALID"


async def test_a_token_that_is_too_long_is_invalid_however_good(issuer: LocalIssuer, checked: TokenVerifier) -> None:
    assert await reason(checked, issuer.mint("acme", "x", scopes=["a" * LONGEST_TOKEN])) == "TOKEN_INVALID"


async def test_an_expired_token_is_told_so(issuer: LocalIssuer, checked: TokenVerifier) -> None:
    assert await reason(checked, issuer.mint("acme", "x", ttl=timedelta(minutes=-1))) == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"nbf": 32503680000},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sub": ""},
        {"sub": 7},
        {"tenant": ""},
        {"tenant": None},
        {"tenant": ["acme", "other"]},
        {"roles": "admin"},
        {"sources": {"*": True}},
    ],
)
async def test_wrong_claims_are_invalid(issuer: LocalIssuer, checked: TokenVerifier, claims: dict[str, Any]) -> None:
    assert await reason(checked, issuer.mint("acme", "x", claims=claims)) == "TOKEN_INVALID"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
async def test_an_unsigned_token_is_invalid(issuer: LocalIssuer, checked: TokenVerifier, name: str) -> None:
    token = forged(issuer.mint("acme", "x"), {"alg": name, "kid": key_id(issuer)})
    assert await reason(checked, token) == "TOKEN_INVALID"


async def test_a_foreign_key_is_invalid(checked: TokenVerifier, tmp_path: Path) -> None:
    assert await reason(checked, LocalIssuer(tmp_path / "foreign").mint("acme", "x")) == "TOKEN_INVALID"


async def test_a_foreign_key_under_our_key_id_is_invalid(
    issuer: LocalIssuer, checked: TokenVerifier, tmp_path: Path
) -> None:
    foreign = LocalIssuer(tmp_path / "foreign").mint("acme", "x")
    signature = foreign.rsplit(".", 1)[1]
    ours = forged(foreign, {"alg": "ES256", "kid": key_id(issuer)}).rsplit(".", 1)[0]
    assert await reason(checked, f"{ours}.{signature}") == "TOKEN_INVALID"


async def test_the_public_key_used_as_a_shared_secret_is_invalid(issuer: LocalIssuer, checked: TokenVerifier) -> None:
    for secret in (issuer.jwks.read_bytes(), base64.urlsafe_b64decode(_x(issuer) + "==")):
        unsigned = forged(issuer.mint("acme", "x"), {"alg": "HS256", "kid": key_id(issuer)}).rsplit(".", 1)[0]
        signature = encoded(hmac.new(secret, unsigned.encode(), hashlib.sha256).digest())
        assert await reason(checked, f"{unsigned}.{signature}") == "TOKEN_INVALID"


def _x(issuer: LocalIssuer) -> str:
    return str(json.loads(issuer.jwks.read_text())["keys"][0]["x"])


async def test_a_token_that_brings_its_own_key_is_invalid(checked: TokenVerifier) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "tenant": "acme", "exp": time.time() + 60}
    token = jwt.encode(claims, own, "RS256", headers={"jwk": public, "kid": "mine"})
    assert await reason(checked, token) == "TOKEN_INVALID"


async def test_a_changed_claim_is_invalid(issuer: LocalIssuer, checked: TokenVerifier) -> None:
    header, _, signature = issuer.mint("acme", "x").split(".")
    _, other, _ = issuer.mint("other", "x").split(".")
    assert await reason(checked, f"{header}.{other}.{signature}") == "TOKEN_INVALID"


async def test_a_key_set_of_shared_secrets_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "a", "k": encoded(bytes(32)), "alg": "HS256"}]}))
    with pytest.raises(UnreadableKeys, match="no signing key"):
        await KeySet(str(path), ("ES256", "HS256")).load()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"keys": 5}', '{"keys": [{}]}', '{"keys": ["x"]}'])
async def test_a_key_file_that_is_none_ends_the_start_with_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(content)
    with pytest.raises(UnreadableKeys, match=r"The key set holds no .*\."):
        await KeySet(str(path), ALGORITHMS).load()


async def test_a_missing_key_file_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableKeys, match=r"The key set cannot be read .*\."):
        await KeySet(str(tmp_path / "none.json"), ALGORITHMS).load()


async def test_a_new_key_is_found_and_a_removed_one_ends_its_tokens(tmp_path: Path) -> None:
    old, new = LocalIssuer(tmp_path / "old"), LocalIssuer(tmp_path / "new")
    path, clock = tmp_path / "jwks.json", Clock()
    path.write_bytes(old.jwks.read_bytes())
    checked = TokenVerifier(KeySet(str(path), ALGORITHMS, monotonic=clock), issuer=ISSUER, audience=AUDIENCE)
    theirs, ours = f"Bearer {old.mint('acme', 'x')}", f"Bearer {new.mint('acme', 'x')}"
    await checked.verify(theirs)
    path.write_bytes(new.jwks.read_bytes())
    clock.now += RELOAD_SECONDS
    await checked.verify(ours)
    assert checked.remembered(theirs) is None
    with pytest.raises(Unauthenticated):
        await checked.verify(theirs)


async def test_old_keys_are_read_again_without_anybody_waiting(tmp_path: Path) -> None:
    old, new = LocalIssuer(tmp_path / "old"), LocalIssuer(tmp_path / "new")
    path, clock = tmp_path / "jwks.json", Clock()
    path.write_bytes(old.jwks.read_bytes())
    checked = TokenVerifier(KeySet(str(path), ALGORITHMS, monotonic=clock), issuer=ISSUER, audience=AUDIENCE)
    theirs = f"Bearer {old.mint('acme', 'x')}"
    await checked.verify(theirs)
    path.write_bytes(new.jwks.read_bytes())
    assert checked.remembered(theirs)
    clock.now += LONGEST_AGE_SECONDS
    assert checked.remembered(theirs)  # begins the reading
    await eventually(lambda: checked.remembered(theirs) is None)


class KeyServer:
    """A key set at a URL, counting how often it was asked."""

    def __init__(self, content: Callable[[], bytes]) -> None:
        keys = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.asked += 1
                body = content()
                self.send_response(200 if body else 500)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.asked = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def key_server(issuer: LocalIssuer) -> Iterator[KeyServer]:
    server = KeyServer(issuer.jwks.read_bytes)
    yield server
    server.close()


async def test_made_up_key_ids_do_not_make_us_ask_for_ever(issuer: LocalIssuer, key_server: KeyServer) -> None:
    checked = TokenVerifier(KeySet(key_server.url, ALGORITHMS), issuer=ISSUER, audience=AUDIENCE)
    token = issuer.mint("acme", "x")
    await asyncio.gather(
        *(reason(checked, forged(token, {"alg": "ES256", "kid": f"made-up-{n}"}, bytes(64))) for n in range(50))
    )
    assert key_server.asked == 1
    await checked.verify(f"Bearer {token}")


def test_an_issuer_keeps_its_key_and_lets_nobody_read_it(tmp_path: Path) -> None:
    first, second = LocalIssuer(tmp_path / "keys"), LocalIssuer(tmp_path / "keys")
    assert first.jwks.read_bytes() == second.jwks.read_bytes()
    assert key_id(first) == key_id(second)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "issuer-key.pem").stat().st_mode) == 0o600
    assert sorted(found.name for found in (tmp_path / "keys").iterdir()) == ["issuer-key.pem", "jwks.json"]


def test_insecure_dev_is_only_for_loopback() -> None:
    with pytest.raises(WrongSettings):
        InsecureDev(
            HostSettings.model_construct(grpc_address="0.0.0.0:1", http_address=None, admin_address=None),
            Policy({}),
        )


async def test_insecure_dev_may_do_everything_the_policy_knows() -> None:
    policy = Policy({"/s/M": Rule("a", roles=frozenset({"r"}), needs_source=True)})
    caller = (await verifier(HostSettings(insecure_dev=True), policy).verify(None)).caller
    policy.rule("/s/M").check(caller)
    caller.require_source("any")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("read"), ""),
        (Rule("write"), "SCOPE_MISSING"),
        (Rule("read", roles=frozenset({"supervisor", "planner"})), ""),
        (Rule("read", roles=frozenset({"admin"})), "ROLE_MISSING"),
        (Rule("read", needs_source=True), "SOURCE_MISSING"),
    ],
)
def test_a_rule_asks_for_scope_role_and_source(rule: Rule, expected: str) -> None:
    caller = Caller("acme", "x", frozenset({"read"}), frozenset({"supervisor"}))
    with pytest.raises(PermissionDenied, match=expected) if expected else nullcontext():
        rule.check(caller)


def test_a_token_speaks_only_for_its_sources() -> None:
    Caller("acme", "x", sources=frozenset({"pbx"})).require_source("pbx")
    with pytest.raises(Refused, match="SOURCE_NOT_YOURS"):
        Caller("acme", "x", sources=frozenset({"pbx"})).require_source("other")
