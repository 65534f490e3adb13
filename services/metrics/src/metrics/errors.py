"""What can be wrong with a question about figures; each edge maps these to statuses by one table.

::

    QuestionError                the caller: the question has no answer as it was put
     ├── InvalidInterval         it ends before it begins, lies outside 1900 to 2200, or begins a week on no day
     ├── UnknownTimeZone         no zone of the IANA database has this name
     ├── InvalidThreshold        a threshold or minimum that is negative or beyond a day
     ├── InvalidNames            more queues, agents or figures named than may be at once, or one that can be no name
     ├── TooManyParts            the interval has too many parts; ask for longer ones
     ├── TooManyRows             the answer would be too long; ask for fewer queues or longer parts
     ├── UnknownFigure           there is no such figure, or not for this subject
     └── InvalidPageToken        the page token is not one of ours
    NoSuchAgent                  the caller: unknown, or not theirs to read; the two look alike

Texts hold nothing that was asked for: they may be shown to anyone.
"""


class QuestionError(Exception):
    """The question cannot be answered as it was put."""


class InvalidInterval(QuestionError):
    """The interval must end after it begins, between 1900 and 2200, and its weeks begin on a day from 1 to 7."""


class UnknownTimeZone(QuestionError):
    """There is no such time zone; name one of the IANA database, like Asia/Jerusalem."""


class InvalidThreshold(QuestionError):
    """A threshold must be between 0 and 24 hours, a minimum n between 1 and 1,000,000."""


class InvalidNames(QuestionError):
    """At most 1,000 names can be given at once, each of at most 200 characters, none of them the zero character."""


class TooManyParts(QuestionError):
    """The interval has too many parts; ask for longer parts or a shorter interval."""


class TooManyRows(QuestionError):
    """The answer would have too many rows; name fewer queues or agents, or ask for longer parts."""


class UnknownFigure(QuestionError):
    """There is no such figure for this subject; docs/figures.md and ListFigureDefinitions name them all."""


class InvalidPageToken(QuestionError):
    """The page token is not one that was given out for this question."""


class NoSuchAgent(Exception):
    """There is no such agent, or none that you may read."""
