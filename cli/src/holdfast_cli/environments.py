"""What each program of a system on one machine is told, in its environment; pure but for the token it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from holdfast_cli.home import Addresses, Home
from service_host.local_issuer import AUDIENCE, ISSUER

PROGRAMS = {
    "call-events": ("call_events", "serve"),
    "call-events-relay": ("call_events", "relay"),
    "metrics": ("metrics", "serve"),
    "ivr-routing": ("ivr_routing", "serve"),
}
"""Each program by its name: its module, and the word that makes it what it is."""
MIGRATED = ("call-events", "metrics", "ivr-routing")
"""Those whose databases are brought up to date before anything serves."""
STARTED = (frozenset({"call-events", "call-events-relay"}), frozenset({"metrics", "ivr-routing"}))
"""Who is started at once, and who when those are ready."""
TOPIC = "call-events"
LIMITS = {"DRAIN_WAIT": timedelta(seconds=2), "DRAIN_GRACE": timedelta(seconds=4)}
_PREFIXES = {
    "call-events": "CALL_EVENTS",
    "call-events-relay": "RELAY",
    "metrics": "METRICS",
    "ivr-routing": "IVR_ROUTING",
}


def environments(home: Home, tenant: str, addresses: Addresses, url: str) -> dict[str, dict[str, str]]:
    """Return the environment of each program that is wanted; the relay is where there is a broker."""
    told = {
        "call-events": _call_events(home, addresses),
        **({"call-events-relay": _relay(addresses)} if addresses.kafka else {}),
        "metrics": _metrics(home, tenant, addresses),
        "ivr-routing": _ivr_routing(home, tenant, addresses),
    }
    shared = _shared(home, url)
    return {
        name: {f"HOLDFAST_{_PREFIXES[name]}_{key}": value for key, value in {**shared, **own}.items()}
        for name, own in told.items()
    }


def _shared(home: Home, url: str) -> Mapping[str, str]:
    return {
        "DATABASE_URL": url,
        "JWKS": str(home.issuer().jwks),
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        **{f"LIMITS__{name}": str(length.total_seconds()) for name, length in LIMITS.items()},
    }


def _call_events(home: Home, addresses: Addresses) -> Mapping[str, str]:
    return {
        "GRPC_ADDRESS": addresses.call_events_grpc,
        "HTTP_ADDRESS": addresses.call_events_http,
        "ADMIN_ADDRESS": addresses.call_events_admin,
        "LOG_ADDRESS": addresses.call_events_log,
        "MASTER_KEY_FILE": str(home.master_key),
    }


def _relay(addresses: Addresses) -> Mapping[str, str]:
    return {
        "BOOTSTRAP": addresses.kafka,
        "TOPIC": addresses.kafka_topic,
        "ADMIN_ADDRESS": addresses.call_events_relay_admin,
    }


def _metrics(home: Home, tenant: str, addresses: Addresses) -> Mapping[str, str]:
    log = addresses.call_events_log
    return {
        "GRPC_ADDRESS": addresses.metrics_grpc,
        "HTTP_ADDRESS": addresses.metrics_http,
        "ADMIN_ADDRESS": addresses.metrics_admin,
        "FEED": f"kafka://{addresses.kafka}/{addresses.kafka_topic}?log={log}" if addresses.kafka else f"grpc://{log}",
        "FEED_TOKEN_FILE": str(home.keep_feed_token(tenant)),
        "ROUTING_FEED": f"grpc://{addresses.ivr_routing_log}",
        "ROUTING_FEED_TOKEN_FILE": str(home.feed_token),
    }


def _ivr_routing(home: Home, tenant: str, addresses: Addresses) -> Mapping[str, str]:
    """Routing corrects itself from facts as they are told: it reads the log itself, whoever else reads a topic."""
    return {
        "GRPC_ADDRESS": addresses.ivr_routing_grpc,
        "HTTP_ADDRESS": addresses.ivr_routing_http,
        "ADMIN_ADDRESS": addresses.ivr_routing_admin,
        "LOG_ADDRESS": addresses.ivr_routing_log,
        "FEED": f"grpc://{addresses.call_events_log}",
        "FEED_TOKEN_FILE": str(home.feed_token),
        "CALL_EVENTS": addresses.call_events_grpc,
        "CALL_EVENTS_TOKENS": str(home.keep_teller_token(tenant)),
    }
