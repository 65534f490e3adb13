"""What can go wrong with a topic and its broker; the class says who can act.

EventLogError
├── NoBroker                 whoever runs this machine: no broker was named, none can be started; says how to get one
├── TopicDisagrees           the operator: a topic of that name exists with other settings
└── Unavailable
    ├── BrokerUnavailable    the world: nothing certain was written; begin again from the checkpoint
    ├── HoleOpen             the world: the topic lacks events and the log is away; nothing goes on until it is back
    └── ProducerStuck        the client library: no progress in time; a new producer, from the checkpoint

Of what was under way when one of the last two was raised it is not known whether it stands in the topic.
"""

from event_log.errors import EventLogError, Unavailable


class NoBroker(EventLogError):
    """No broker can be had on this machine."""


class TopicDisagrees(EventLogError):
    """The topic exists with other settings than those stated."""


class BrokerUnavailable(Unavailable):
    """The broker did not take what was sent, or did not answer."""


class ProducerStuck(Unavailable):
    """The producer made no progress in the time it was given."""


class HoleOpen(Unavailable):
    """The topic lacks events that the log cannot be asked for now."""

    def __init__(self, holes: int) -> None:
        """Tell how many stretches are missing."""
        super().__init__(f"{holes} holes in the topic, and the log is away")
        self.holes = holes
