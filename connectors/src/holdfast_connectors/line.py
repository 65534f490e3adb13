"""What a connector can do with one caller's leg; each phone system has its own way to do it."""

from dataclasses import dataclass
from typing import Protocol

from holdfast.ivr_routing.v1 import instruction_pb2 as pb


@dataclass(frozen=True, slots=True)
class Rung:
    """How the ringing of endpoints ended: the leg that was answered, or why none was, and for how long it rang."""

    leg_id: str = ""
    reservation_id: str = ""
    cause: str = ""
    rang_ms: int = 0

    @property
    def answered(self) -> bool:
        """Whether somebody answered."""
        return bool(self.leg_id)


class NotSupported(Exception):
    """This phone system cannot do that."""


class StepFailed(Exception):
    """A step of a plan failed; the text is the cause, a word that routing knows or the phone system's own."""


class Line(Protocol):
    """One caller's leg. Whatever lasts ends when its task is cancelled, as it is when the caller has gone."""

    @property
    def native_id(self) -> str:
        """The phone system's own id of the caller's leg."""
        ...

    def led_by(self, instruction_id: str) -> None:
        """What is done from now on follows from an instruction; empty: from none. Facts say so."""
        ...

    async def gone(self) -> None:
        """Return when the caller's leg has ended, whoever ended it."""
        ...

    async def play(self, play: pb.Play) -> None:
        """Play it to its end."""
        ...

    async def collect(self, collect: pb.Collect) -> str | None:
        """Collect digits; None if none came in time."""
        ...

    async def enter_queue(self, music: pb.QueueMusic) -> None:
        """Let the caller wait from here on, and tell so; the same visit again changes nothing."""
        ...

    async def ring(self, rings: tuple[pb.Ring, ...]) -> Rung:
        """Ring endpoints at once until one answers, all refused, or the time is over. The caller hears on."""
        ...

    async def bridge(self, bridge: pb.Bridge, rung: Rung) -> None:
        """Let the caller and the leg that answered hear each other; returns when they do."""
        ...

    async def redial(self, redial: pb.Redial) -> None:
        """Call the customer who waits to be called; raises StepFailed, the agent let go, if they are not reached."""
        ...

    async def transfer(self, transfer: pb.Transfer) -> None:
        """Send the caller elsewhere; raises StepFailed if nobody answers there."""
        ...

    async def voicemail(self, voicemail: pb.Voicemail) -> None:
        """Take a message."""
        ...

    async def park(self, park: pb.Park) -> None:
        """Keep the caller; returns when the time is over."""
        ...

    async def hang_up(self, hang_up: pb.HangUp) -> None:
        """End the caller's leg."""
        ...
