"""Why a rebuild cannot be; the live facts stay as they were.

::

    RebuildRefused
     ├── RebuildRunning      another one runs: wait
     ├── DecisionsUnknown    the operator: name routing's log, or accept differences
     ├── PoisonedRebuild     the operator: skip the event or mend the fold
     └── LiveFactsAway       the world: nothing follows the log
"""


class RebuildRefused(Exception):
    """The rebuild cannot be; the live facts stay as they were."""


class RebuildRunning(RebuildRefused):
    """Another rebuild is running."""


class PoisonedRebuild(RebuildRefused):
    """An event cannot be folded; skip it or mend the fold, then rebuild again."""

    def __init__(self, position: int) -> None:
        """Tell where the event stands, or the events of which one is at fault begin."""
        super().__init__(f"an event at position {position} or soon after cannot be folded")
        self.position = position


class DecisionsUnknown(RebuildRefused):
    """Live facts have what routing decided; name its log: HOLDFAST_METRICS_ROUTING_FEED=grpc://host:port."""


class LiveFactsAway(RebuildRefused):
    """The live facts did not come up to the new ones in time: nothing follows the log."""
