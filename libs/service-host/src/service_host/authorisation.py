"""Who may call what: one table, deny by default.

Every method a host serves and every HTTP route must have a rule, and every rule a method: both are checked before the
process listens, so that a forgotten or misspelt line stops the start and not a caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service_host.call import Caller
from service_host.errors import PermissionDenied


class UndeclaredMethods(Exception):
    """A served method or route has no rule, or a rule names nothing that is served; the start is refused."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a token must say for one method.

    ``scope`` must be among its scopes; if ``roles`` are given, one of them among its roles; with ``needs_source``
    it must name at least one source (which one is checked per event by ``caller.require_source``).
    ``deadline`` replaces the host's longest deadline for this method. ``stream`` is for HTTP routes that answer with a
    stream of events: they count and last as streams do.
    """

    scope: str
    roles: frozenset[str] = frozenset()
    needs_source: bool = False
    deadline: timedelta | None = None
    stream: bool = False

    def check(self, caller: Caller) -> None:
        """Raise PermissionDenied unless ``caller`` may call."""
        if self.scope not in caller.scopes:
            raise PermissionDenied("SCOPE_MISSING", "The token lacks the scope for this.", scope=self.scope)
        if self.roles and not self.roles & caller.roles:
            raise PermissionDenied(
                "ROLE_MISSING", "The token lacks a role for this.", roles=",".join(sorted(self.roles))
            )
        if self.needs_source and not caller.sources:
            raise PermissionDenied("SOURCE_MISSING", "The token speaks for no source.")


class Policy:
    """The rules of one process: ``/package.Service/Method`` for gRPC, ``METHOD /path/{id}`` for HTTP."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = dict(rules)

    def rule(self, method: str) -> Rule:
        """The rule of a declared method; UndeclaredMethods otherwise."""
        try:
            return self._rules[method]
        except KeyError:
            raise UndeclaredMethods(f"{method} is served but has no rule in the policy.") from None

    def check_grpc(self, served: Iterable[str]) -> None:
        """Raise UndeclaredMethods unless the gRPC rules and ``served`` are the same methods."""
        self._check({name for name in self._rules if name.startswith("/")}, set(served))

    def check_http(self, served: Iterable[str]) -> None:
        """Raise UndeclaredMethods unless the HTTP rules and ``served`` are the same routes."""
        self._check({name for name in self._rules if not name.startswith("/")}, set(served))

    def every_scope(self) -> frozenset[str]:
        """All scopes any rule asks for."""
        return frozenset(rule.scope for rule in self._rules.values())

    def every_role(self) -> frozenset[str]:
        """All roles any rule asks for."""
        return frozenset(role for rule in self._rules.values() for role in rule.roles)

    @staticmethod
    def _check(declared: set[str], served: set[str]) -> None:
        open_doors = [f"{name} is served but has no rule in the policy." for name in sorted(served - declared)]
        dead_rules = [f"{name} has a rule in the policy but is not served." for name in sorted(declared - served)]
        if open_doors or dead_rules:
            raise UndeclaredMethods(" ".join(open_doors + dead_rules))
