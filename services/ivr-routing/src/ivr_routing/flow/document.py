"""The form of a flow document, declared once: what is read, checked and published as JSON Schema comes from here.

What a part means stands with it. Rules that need more than one part are in `checks`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Final = "holdfast-flow/1"

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
NodeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
ExpressionText = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Words = Text | dict[LanguageTag, Text]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Weekday = Annotated[str, StringConstraints(pattern=r"^(mon|tues|wednes|thurs|fri|satur|sun)day$")]
Span = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
ServiceNumber = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,20}$")]
Attempts = Annotated[int, Field(ge=1, le=10)]
Seconds = Annotated[float, Field(ge=0.5, le=60)]


class Form(BaseModel):
    """What all parts share: nothing beyond the declared, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Attribute(Form):
    """Something the flow knows of a contact: from the caller's arrival, from a lookup, or set by a node."""

    type: Literal["string", "int", "double", "bool"]
    default: str | int | float | bool
    from_caller: bool = Field(default=False, description="Taken from the attributes that arrive with the contact.")


class Hours(Form):
    """Business hours. Local times as 09:00-18:00; 22:00-06:00 ends on the next day. Days left out are closed."""

    time_zone: str = Field(description="IANA name: Europe/Berlin.")
    weekly: dict[Weekday, list[Span]]
    holidays: dict[Day, str] = Field(default={}, description="Closed days with their names.")
    overrides: dict[Day, list[Span]] = Field(default={}, description="Other hours on one day; none: closed.")


class Spoken(Form):
    """A node that may say something: words, a recording, or a recording followed by words."""

    say: Words | None = Field(default=None, description="Words, for all languages or by language; {fields} are filled.")
    media: Words | None = Field(default=None, description="Name of a recording, for all languages or by language.")


class Play(Spoken):
    """Says or plays something."""

    type: Literal["play"]
    self_served: Name | None = Field(default=None, description="What the caller got by it: SelfServed is told.")
    next: NodeName


class Asking(Spoken):
    """A node that waits for digits, a bounded number of times."""

    again: Words | None = Field(default=None, description="Said before asking again.")
    attempts: Attempts = Field(description="How often it asks at most.")
    first_digit_timeout_seconds: Seconds = 5
    otherwise: NodeName = Field(description="Where a caller goes who gave no valid answer in all attempts.")


class Menu(Asking):
    """Asks for one digit."""

    type: Literal["menu"]
    choices: dict[Key, NodeName] = Field(min_length=1, description="Where each digit leads.")
    input: FieldName | None = Field(default=None, description="Keeps the choice as input.NAME.")


class Collect(Asking):
    """Asks for digits and keeps them as input.NAME."""

    type: Literal["collect"]
    input: FieldName
    min_digits: int = Field(default=1, ge=1, le=32)
    max_digits: int = Field(ge=1, le=32)
    finish_on: Literal["#", "*", ""] = "#"
    next_digit_timeout_seconds: Seconds = 3
    sensitive: bool = Field(
        default=False, description="Told to nobody, kept nowhere: only a lookup that comes directly next can send it."
    )
    safe: bool = Field(default=False, description="Never a secret: InputCollected tells it unmasked.")
    next: NodeName


class Case(Form):
    """One way out of a branch."""

    when: ExpressionText = Field(description="A condition in CEL.")
    next: NodeName


class Branch(Form):
    """Goes the way of the first condition that holds."""

    type: Literal["branch"]
    cases: list[Case] = Field(min_length=1, max_length=50)
    otherwise: NodeName


class Set(Form):
    """Sets attributes to what expressions give, or the language."""

    type: Literal["set"]
    attributes: dict[FieldName, ExpressionText] = {}
    language: LanguageTag | None = None
    next: NodeName


class Lookup(Form):
    """Asks a system of the tenant's by HTTP and keeps parts of its JSON answer as attributes."""

    type: Literal["lookup"]
    method: Literal["GET", "POST"] = "GET"
    url: Annotated[
        str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[^\s{}?#]*)?$", max_length=500)
    ]
    send: dict[FieldName, ExpressionText] = Field(
        default={}, description="Values sent along: in the query of a GET, as JSON of a POST."
    )
    store: dict[FieldName, Annotated[str, StringConstraints(pattern=r"^[\w-]+(\.[\w-]+){0,7}$")]] = Field(
        default={}, description="Attribute to the place of its value in the answer: account.balance."
    )
    timeout_ms: int = Field(default=2000, ge=100, le=10_000)
    next: NodeName
    otherwise: NodeName = Field(description="Where a caller goes when no usable answer came in time.")


class Wanting(Spoken):
    """A node that sends callers to a queue."""

    queue: Name
    priority: int = Field(default=0, ge=0, le=100)
    skills: dict[Name, Annotated[int, Field(ge=1, le=5)]] = Field(default={}, description="Least proficiency, 1-5.")


class Queue(Wanting):
    """Lets the caller wait in a queue."""

    type: Literal["queue"]
    preferred_agent: ExpressionText | None = Field(
        default=None, description="Agent who comes first if available, in CEL; who is unknown or empty is nobody."
    )
    otherwise: NodeName | None = Field(
        default=None, description="Where a caller goes whom the queue sends back: closed, full, waited too long."
    )


class CallbackOffer(Wanting):
    """Offers to call back, the place in the queue being kept. Skipped for a caller whose number is not known."""

    type: Literal["callback_offer"]
    accept: Key = "1"
    confirm: Words | None = Field(default=None, description="Said when the caller accepted.")
    attempts: Attempts = 1
    first_digit_timeout_seconds: Seconds = 5
    otherwise: NodeName = Field(description="Where a caller goes who wants none.")


class Transfer(Spoken):
    """Sends the caller to a number or endpoint outside of our queues."""

    type: Literal["transfer"]
    to: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+*#@.:/_-]{1,128}$")]
    ring_for_seconds: int = Field(default=30, ge=5, le=120)
    otherwise: NodeName = Field(description="Where a caller goes when nobody took the call.")


class Voicemail(Spoken):
    """Takes a message."""

    type: Literal["voicemail"]
    mailbox: Name
    at_most_seconds: int = Field(default=120, ge=5, le=900)


class HangUp(Spoken):
    """Ends the call."""

    type: Literal["hang_up"]
    reason: Name = "flow_ended"


Node = Play | Menu | Collect | Branch | Set | Lookup | Queue | CallbackOffer | Transfer | Voicemail | HangUp
AnyNode = Annotated[Node, Field(discriminator="type")]


class Document(Form):
    """An IVR flow: nodes that a caller goes through, from `start` to one that hands the call on or ends it."""

    format: Literal["holdfast-flow/1"]
    flow: Name
    description: str = Field(default="", max_length=1000)
    service_numbers: list[ServiceNumber] = Field(
        default=[], max_length=100, description="Numbers that lead to it when it is published, unless others are given."
    )
    language: LanguageTag = Field(description="Language of callers of whom no other is known, BCP 47.")
    start: NodeName
    otherwise: NodeName = Field(
        description="Where a caller goes when the flow cannot go on: a queue, a voicemail or a hang_up."
    )
    most_nodes: int = Field(default=60, ge=1, le=300, description="A caller sent through more goes to `otherwise`.")
    attributes: dict[FieldName, Attribute] = Field(default={}, max_length=50)
    hours: dict[FieldName, Hours] = Field(default={}, max_length=20)
    nodes: dict[NodeName, AnyNode] = Field(min_length=1, max_length=300)
