"""Lines of a queue_log about agents and about Asterisk itself, as events of their streams. Pure.

Asterisk pauses an agent in one queue at a time: PAUSE names the queue, PAUSEALL stands for all of the agent's. It does
not tell that an agent is available or serves a contact; those states stay untold.
"""

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1.agent_pb2 import AgentLoggedIn, AgentLoggedOut, AgentStateChanged
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent
from holdfast.call_events.v1.observation_pb2 import Observation
from holdfast.call_events.v1.source_pb2 import (
    AGENT_STATE_AVAILABLE,
    AGENT_STATE_NOT_READY,
    AGENT_STATE_UNSPECIFIED,
    AGENT_STATE_WRAP_UP,
    AgentState,
    SourceSnapshot,
)
from holdfast_cli.importing.event_ids import EventIds
from holdfast_cli.importing.queue_log_events import is_endpoint
from holdfast_cli.importing.queue_log_line import (
    LOGINS,
    LOGOUTS,
    OF_SOURCE,
    PAUSES,
    SECOND_US,
    UNPAUSES,
    QueueLogLine,
)

_LOGOUT_CAUSES: Final = {"Autologoff": "timer", "Chanunavail": "lost"}
_SOURCE: Final = "queue_log"


def agent_events_of(line: QueueLogLine, source_id: str) -> list[AgentEvent]:
    """Return the events of a line about an agent or about Asterisk; none if it says nothing."""
    told = _Told(line, source_id)
    verb = line.verb
    if verb in LOGINS:
        told.login()
    elif verb in LOGOUTS:
        told.logout()
    elif verb in PAUSES:
        told.state(AGENT_STATE_NOT_READY, AGENT_STATE_AVAILABLE, reason=line.datum(0))
    elif verb in UNPAUSES:
        told.state(AGENT_STATE_AVAILABLE, AGENT_STATE_NOT_READY)
    elif verb == "WRAPUPSTART":
        told.wrap_up()
    elif verb in OF_SOURCE:
        told.start()
    return told.events


class _Told:
    """The events of one line while they are made."""

    def __init__(self, line: QueueLogLine, source_id: str) -> None:
        self._line = line
        self._source_id = source_id
        self._ids = EventIds(source_id, line.agent or _SOURCE)
        self._observed = Observation(time_precision=line.precision, native_type=line.verb)
        self.events: list[AgentEvent] = []

    def login(self) -> None:
        line = self._line
        paused = line.verb == "ADDMEMBER" and line.datum(0).upper().startswith("PAUSED")
        endpoint = self._endpoint("" if line.verb == "ADDMEMBER" else line.datum(0))
        entered = AgentLoggedIn(observation=self._observed, agent=line.agent, endpoint=endpoint, queue=line.queue)
        self._add("AgentLoggedIn", line.time_us, agent_logged_in=entered)
        if paused:
            self.state(AGENT_STATE_NOT_READY, AGENT_STATE_AVAILABLE)

    def logout(self) -> None:
        line = self._line
        left = AgentLoggedOut(
            observation=self._observed,
            agent=line.agent,
            endpoint=self._endpoint("" if line.verb == "REMOVEMEMBER" else line.datum(0)),
            queue=line.queue,
            cause=_LOGOUT_CAUSES.get(line.datum(2), "agent"),
        )
        self._add("AgentLoggedOut", line.time_us, agent_logged_out=left)

    def state(
        self, state: AgentState.ValueType, previous: AgentState.ValueType, *, reason: str = "", after_us: int = 0
    ) -> None:
        line = self._line
        changed = AgentStateChanged(
            observation=self._observed,
            agent=line.agent,
            state=state,
            previous_state=previous,
            reason=reason,
            queue=line.queue,
        )
        self._add("AgentStateChanged", line.time_us + after_us, agent_state_changed=changed)

    def wrap_up(self) -> None:
        self.state(AGENT_STATE_WRAP_UP, AGENT_STATE_UNSPECIFIED)
        if self._line.wrap_up_us is not None:
            self.state(AGENT_STATE_AVAILABLE, AGENT_STATE_WRAP_UP, after_us=self._line.wrap_up_us)

    def start(self) -> None:
        """Asterisk began: whatever lived there before has ended untold."""
        nothing = SourceSnapshot(observation=self._observed)
        self._add("SourceSnapshot", self._line.time_us, source_snapshot=nothing)

    def _endpoint(self, told: str) -> str:
        return told or (self._line.agent if is_endpoint(self._line.agent) else "")

    def _add(self, kind: str, at_us: int, **body: object) -> None:
        """Add an event; `body` is the one field that holds what happened."""
        line = self._line
        seconds, micros = divmod(at_us, SECOND_US)
        event = AgentEvent(
            event_id=self._ids.of(kind, f"{at_us}/{line.verb}/{line.queue}/{'|'.join(line.data)}"),
            event_time=Timestamp(seconds=seconds, nanos=micros * 1000),
            source_id=self._source_id,
            **body,  # type: ignore[arg-type] # the name of the field is the caller's
        )
        self.events.append(event)
