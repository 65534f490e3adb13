"""Finding the contact that a reader names, by id or by a source's own name; nothing is bound by reading."""

from uuid import UUID

from call_events.record.aliases import Aliases, taken_literally
from call_events.record.event_form import check_name, read_uuid
from holdfast.call_events.v1 import contact_event_pb2 as pb
from service_host.errors import InvalidArgument


async def contact_id(aliases: Aliases, tenant: str, name: pb.ContactName) -> UUID:
    """The id of the contact named; InvalidArgument if the name says nothing."""
    if name.contact_id:
        return read_uuid(name.contact_id, "contact.contact_id")
    told = name.alias
    if not told.native_id or not told.source_id:
        raise InvalidArgument("MISSING_CONTACT", "Name the contact by its id, or by a source and its name there.")
    for part in (told.source_id, told.kind, told.native_id):
        check_name(part, "contact.alias")
    alias = (told.source_id, told.kind, told.native_id)
    found = await aliases.find(tenant, [alias]) if told.kind else {}
    return found.get(alias) or taken_literally(tenant, alias)
