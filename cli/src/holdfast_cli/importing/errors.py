"""Why an import cannot go on.

ImportFailed            its text says what happened and what to do; nothing was done by half, and trying again is safe
├── CannotRead          the caller: there is no such file, or it cannot be read to its end
├── NotThisFormat       the caller: the file is something else; names the line that shows it
├── TellingRefused      the caller: the token or the tenant is not good for this
└── TellingFailed       the world: call-events did not answer for longer than was to be waited
"""


class ImportFailed(Exception):
    """An import ended early. What was acknowledged stays; started again, the import goes on from there."""


class CannotRead(ImportFailed):
    """The file is missing, unreadable or cut off."""


class NotThisFormat(ImportFailed):
    """The file holds something else than the format asked for. Nothing was told."""


class TellingRefused(ImportFailed):
    """call-events refuses to take anything from this caller."""


class TellingFailed(ImportFailed):
    """call-events could not be reached, again and again, until patience ended."""
