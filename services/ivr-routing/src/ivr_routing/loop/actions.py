"""Steps of plans, as the proto has them. Pure."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from ivr_routing.core.contact import Visit
from ivr_routing.core.queue import Queue
from ivr_routing.core.reservation import Reservation
from ivr_routing.flow import step as flow

LONGEST_WAIT_MS: Final = 3_600_000
BEFORE_DEADLINE_MS: Final = 500
"""An endpoint stops ringing so long before its reservation's deadline: the phone system's answer comes in time."""
SHORTEST_RING_MS: Final = 1_000
GENERAL: Final = "general"
"""Mailbox of callers of whom no queue is known."""
LONGEST_MESSAGE: Final = timedelta(seconds=120)
DIAL_FOR: Final = timedelta(seconds=30)
"""How long a customer who is called back is rung."""


def play(prompts: Iterable[flow.Prompt]) -> list[pb.Action]:
    """What is heard; nothing if there is nothing."""
    heard = [_prompt(prompt) for prompt in prompts]
    return [pb.Action(play=pb.Play(prompts=heard))] if heard else []


def collect(ask: flow.Ask, prompts: Iterable[flow.Prompt]) -> pb.Action:
    """Ask for digits."""
    asked = pb.Collect(
        node=ask.node,
        name=ask.name,
        min_digits=ask.min_digits,
        max_digits=ask.max_digits,
        finish_on=ask.finish_on,
        sensitive=ask.sensitive,
        prompts=[_prompt(prompt) for prompt in prompts],
    )
    asked.first_digit_timeout.FromTimedelta(ask.first_digit_timeout)
    asked.next_digit_timeout.FromTimedelta(ask.next_digit_timeout)
    return pb.Action(collect=asked)


def queue_music(visit: Visit, queue: Queue | None) -> pb.Action:
    """Let the caller wait, somewhat longer than routing itself lets them."""
    longest_ms = queue.rules.max_wait_ms if queue is not None else 0
    music = pb.QueueMusic(queue=visit.queue, visit_id=visit.visit_id, priority=visit.priority)
    music.at_most.FromMilliseconds(2 * longest_ms or LONGEST_WAIT_MS)
    return pb.Action(queue_music=music)


def ring(held: Reservation, now_us: int) -> pb.Ring:
    """Ring one agent until shortly before the reservation's deadline."""
    left_ms = (held.deadline_us - now_us) // 1_000
    made = pb.Ring(
        agent=held.agent,
        endpoint=held.endpoint,
        reservation_id=held.reservation_id,
        visit_id=held.visit_id,
        queue=held.queue,
    )
    made.ring_for.FromMilliseconds(max(SHORTEST_RING_MS, left_ms - BEFORE_DEADLINE_MS))
    return made


def ringing(rings: list[pb.Ring]) -> pb.Action:
    """Ring one agent, or several at once."""
    return pb.Action(ring=rings[0]) if len(rings) == 1 else pb.Action(ring_all=pb.RingAll(rings=rings))


def bridge(reservation_id: str) -> pb.Action:
    """Let the caller and whoever answered hear each other."""
    return pb.Action(bridge=pb.Bridge(reservation_id=reservation_id))


def redial() -> pb.Action:
    """Call the contact's own caller, whose number the phone system knows."""
    made = pb.Redial()
    made.ring_for.FromTimedelta(DIAL_FOR)
    return pb.Action(redial=made)


def transfer(send: flow.SendTo) -> pb.Action:
    """Send the caller elsewhere."""
    made = pb.Transfer(endpoint=send.endpoint)
    made.ring_for.FromTimedelta(send.ring_for)
    return pb.Action(transfer=made)


def voicemail(mailbox: str, at_most: timedelta) -> pb.Action:
    """Take a message."""
    made = pb.Voicemail(mailbox=mailbox)
    made.at_most.FromTimedelta(at_most)
    return pb.Action(voicemail=made)


def park(at_most: timedelta) -> pb.Action:
    """Keep the caller while something is looked up."""
    made = pb.Park()
    made.at_most.FromTimedelta(at_most)
    return pb.Action(park=made)


def hang_up(reason: str) -> pb.Action:
    """End the caller's leg."""
    return pb.Action(hang_up=pb.HangUp(reason=reason))


def ask_next(node: str) -> pb.Action:
    """Ask what comes next."""
    return pb.Action(ask_next=pb.AskNext(node=node))


def _prompt(prompt: flow.Prompt) -> pb.Prompt:
    return pb.Prompt(text=prompt.text, media=prompt.media, language=prompt.language)
