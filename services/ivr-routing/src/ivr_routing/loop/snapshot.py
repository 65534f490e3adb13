"""A desk as bytes and back. Thrown away when it does not fit: the log has everything."""

import json
from base64 import b64decode, b64encode
from dataclasses import fields
from typing import Any, Final

from google.protobuf.message import Message

from holdfast.ivr_routing.v1 import configuration_pb2, instruction_pb2
from ivr_routing.core import snapshot as core
from ivr_routing.core.snapshot import SnapshotUnfit
from ivr_routing.loop.call import Call, Earlier
from ivr_routing.loop.desk import Desk

FORM: Final = 4
_PLAIN: Final = tuple(field.name for field in fields(Call) if field.name not in ("instruction", "walk"))


def dump(desk: Desk) -> bytes:
    """The desk as bytes; where in the log it stands is kept beside."""
    document = {
        "form": FORM,
        "core": _text(core.dump(desk.core)),
        "number": desk.number,
        "calls": [_call(call) for call in desk.calls.values()],
        "history": desk.history.dump(),
        "catalogue": [_message(message) for message in desk.catalogue.kept],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def load(tenant: str, snapshot: bytes) -> Desk:
    """The desk of a snapshot; raises SnapshotUnfit."""
    try:
        document = json.loads(snapshot)
        if document["form"] != FORM:
            raise SnapshotUnfit("The snapshot is of another version.")
        return _desk(tenant, document)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotUnfit("The snapshot is damaged.") from error


def _desk(tenant: str, document: dict[str, Any]) -> Desk:
    desk = Desk(tenant)
    desk.core = core.load(tenant, b64decode(document["core"]))
    for name, payload in document["catalogue"]:
        desk.catalogue.evolve(getattr(configuration_pb2, name).FromString(b64decode(payload)))
    for plain in document["calls"]:
        call = Call(**dict(zip(_PLAIN, plain[0], strict=True)))
        call.walk = b64decode(plain[1])
        call.instruction = instruction_pb2.Instruction.FromString(b64decode(plain[2])) if plain[2] else None
        desk.calls[call.contact_id] = call
    desk.history.restore({key: [Earlier(*earlier) for earlier in some] for key, some in document["history"].items()})
    desk.number = document["number"]
    return desk


def _call(call: Call) -> list[Any]:
    instruction = _text(call.instruction.SerializeToString()) if call.instruction is not None else ""
    return [[getattr(call, name) for name in _PLAIN], _text(call.walk), instruction]


def _message(message: Message) -> tuple[str, str]:
    return message.DESCRIPTOR.name, _text(message.SerializeToString())


def _text(some: bytes) -> str:
    return b64encode(some).decode()
