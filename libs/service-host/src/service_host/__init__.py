"""What every process is hosted by: settings, authentication, errors, limits, health, drain, telemetry.

A service's ``__main__`` is a composition root and stays short. This is a whole one::

    from holdfast.call_events.v1 import call_events_service_pb2_grpc as stubs
    from service_host import postgres, process
    from service_host.authorisation import Policy, Rule
    from service_host.edge import Edge
    from service_host.errors import ErrorTable, ResourceExhausted, Row
    from service_host.grpc_host import GrpcHost
    from service_host.http_host import HttpHost
    from service_host.settings import HostSettings


    class Settings(HostSettings, env_prefix="HOLDFAST_CALL_EVENTS_"):
        '''HostSettings has addresses, database_url, tokens, limits, logs; a service adds its own.'''

        batch_events: int = 100


    POLICY = Policy({
        "/holdfast.call_events.v1.CallEventsService/RecordContactEvents": Rule(scope="events:write", needs_source=True),
        "/holdfast.call_events.v1.CallEventsService/GetContact": Rule(scope="events:read"),
        "POST /v1/contact-events:record": Rule(scope="events:write", needs_source=True),
    })
    ERRORS = ErrorTable({event_log.Full: Row(ResourceExhausted, "LOG_FULL")})


    async def open_service(settings: Settings, service: process.Service) -> None:
        database = await service.enter(postgres.connect(settings.database_url))
        async with database.acquire() as connection:
            await postgres.migrate(connection, package="call_events.migrations", schema="call_events")
        edge = Edge(settings, POLICY, ERRORS)
        grpc = GrpcHost(edge)
        grpc.add(stubs.add_CallEventsServiceServicer_to_server, CallEventsApi(database))
        http = HttpHost(edge, title="call-events")
        http.app.include_router(rest.router(database))
        service.ready_when("database", database.ready)
        service.background("relay", relay.run())         # ends the process if it ends
        service.serve(grpc, http)


    if __name__ == "__main__":
        process.run("call-events", Settings, open_service)

Handlers know who calls, and how long they may still take, by ``service_host.call``::

    async def GetContact(self, request, context):
        caller = call.caller()                       # tenant, subject, scopes, roles, sources; only ever from the token
        row = await self._database.fetchrow("select … where tenant = $1", caller.tenant)
        if row is None:
            raise NotFound("CONTACT_NOT_FOUND", "There is no such contact.")

A streaming handler is an async generator. When the process drains, the requests of a stream end (as if the
caller had stopped sending) and the caller is told ``UNAVAILABLE`` / ``DRAINING``: it resumes elsewhere.

Nothing opens at import. This package knows nothing of calls, logs or figures.
"""
