"""One step of a walk: from a node and what happened there to what comes then. Called by `walk` alone."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Final, assert_never

from ivr_routing.flow import fields, words
from ivr_routing.flow.answers import stored
from ivr_routing.flow.asking import CHOICE, Asker, question, typed
from ivr_routing.flow.business_hours import is_open
from ivr_routing.flow.card_digits import looks_like_card
from ivr_routing.flow.document import (
    Branch,
    CallbackOffer,
    Collect,
    HangUp,
    Lookup,
    Menu,
    Node,
    Play,
    Queue,
    Set,
    Spoken,
    Transfer,
    Voicemail,
    Words,
)
from ivr_routing.flow.expression import Value
from ivr_routing.flow.flow import Flow
from ivr_routing.flow.leaving import Last, outcome
from ivr_routing.flow.state import FlowState, Waiting
from ivr_routing.flow.step import (
    Ask,
    CallBack,
    Context,
    Digits,
    End,
    Enqueue,
    FlowEntered,
    FlowExited,
    Gone,
    InputCollected,
    Look,
    LookupAnswered,
    LookupFailed,
    NodeVisited,
    NoInput,
    Prompt,
    SelfServed,
    SendTo,
    Step,
    Then,
    Told,
)
from ivr_routing.flow.waits import waits_heard

MASK: Final = "[masked]"
NO_WAY_ON: Final = "no_way_on"
SPARE: Final = 10
"""Nodes that a caller may still go through once the flow could not go on."""


class Walker:
    """One step of a walk in the making: reaches nodes, gathers what is heard and told, and ends with a `Step`."""

    __slots__ = ("_context", "_flow", "_open", "_prompts", "_secrets", "_state", "_told")

    def __init__(self, flow: Flow, state: FlowState, context: Context, now: datetime) -> None:
        self._flow = flow
        self._state = state
        self._context = context
        self._open = {name: is_open(hours, now) for name, hours in flow.hours.items()}
        self._prompts: list[Prompt] = []
        self._secrets: dict[str, Value] = {}
        self._told: list[Told] = []

    def tell(self, fact: Told) -> None:
        """Add a fact."""
        self._told.append(fact)

    def go(self, name: str) -> Step:
        """Go to a node and on, until something is awaited or the flow is left."""
        next_name: str | None = name
        then: Then | None = None
        while next_name is not None:
            node = self._visit(next_name)
            if node is None:
                return self._ended(End(self._state.node, NO_WAY_ON))
            next_name, then = self._at(node)
        assert then is not None
        return self._step(then)

    def stay(self, node: Asker | Lookup | Queue | Transfer) -> Step:
        """Say again what the present node awaits."""
        if isinstance(node, Lookup):
            return self._step(self._look(node))
        self._speak(node)
        if isinstance(node, Queue | Transfer):
            return self._step(self._outcome(node))
        return self._step(question(self._state.node, node))

    def left(self) -> Step:
        """The caller hung up. One who had been handed on had left the flow before."""
        return self._ended(Gone(self._state.node))

    def answered(self, node: Asker, given: Digits | NoInput) -> Step:
        """The caller typed something, or nothing."""
        digits = given.digits if isinstance(given, Digits) else ""
        match node:
            case Menu():
                if digits in node.choices:
                    self._collected(node.input or CHOICE, digits, safe=True, kept=node.input is not None)
                    return self.go(node.choices[digits])
            case Collect():
                digits_typed = typed(node, digits)
                if digits_typed is not None:
                    self._keep(node, digits_typed)
                    return self.go(node.next)
            case CallbackOffer():
                if digits == node.accept:
                    return self._call_back(node)
                if digits:
                    return self.go(node.otherwise)
            case _:
                assert_never(node)
        return self._again(node)

    def looked_up(self, node: Lookup, given: LookupAnswered | LookupFailed) -> Step:
        """A lookup was answered, or not."""
        found = stored(self._flow.document, node, given) if isinstance(given, LookupAnswered) else None
        if found is None:
            return self.go(node.otherwise)
        self._change(attributes={**self._state.attributes, **found})
        return self.go(node.next)

    def came_back(self, node: Queue | Transfer) -> Step:
        """The queue or the transfer sent the caller back: the contact enters the flow again where it had left it."""
        self.tell(FlowEntered(self._flow.name, self._flow.version))
        if node.otherwise is not None:
            return self.go(node.otherwise)
        if self._state.fell_back:
            return self._ended(End(self._state.node, NO_WAY_ON))
        self._change(fell_back=True)
        return self.go(self._flow.document.otherwise)

    def _visit(self, name: str) -> Node | None:
        """Reach a node, or the one for callers who were led through too many; None if that leads nowhere either."""
        state = self._state
        if len(state.path) >= self._flow.document.most_nodes + SPARE:
            return None
        if len(state.path) >= self._flow.document.most_nodes and not state.fell_back:
            name = self._flow.document.otherwise
            self._change(fell_back=True)
        self._change(node=name, path=(*state.path, name), attempt=1)
        self.tell(NodeVisited(self._flow.name, self._flow.version, name))
        return self._flow.node(name)

    def _at(self, node: Node) -> tuple[str | None, Then | None]:
        """Do what a node says: where it leads at once, or what comes then."""
        match node:
            case Play():
                self._play(node)
                return node.next, None
            case Branch():
                return self._chosen(node), None
            case Set():
                self._set(node)
                return node.next, None
            case CallbackOffer() if not self._context.caller_ref:
                return node.otherwise, None
            case Menu() | Collect() | CallbackOffer():
                self._speak(node)
                return None, question(self._state.node, node)
            case Lookup():
                return None, self._look(node)
            case Queue() | Transfer() | Voicemail() | HangUp():
                self._speak(node)
                return None, self._outcome(node)
            case _:
                assert_never(node)

    def _play(self, node: Play) -> None:
        self._speak(node)
        if node.self_served is not None:
            self.tell(SelfServed(node.self_served))

    def _chosen(self, node: Branch) -> str:
        values = self._values()
        for number, case in enumerate(node.cases):
            if self._flow.expressions[self._state.node, "cases", str(number), "when"].holds(values):
                return case.next
        return node.otherwise

    def _set(self, node: Set) -> None:
        """Set what has a value; the rest stays as it was. All are computed before any is set."""
        values = self._values()
        attributes = dict(self._state.attributes)
        for name in node.attributes:
            value = self._flow.expressions[self._state.node, "attributes", name].value(values)
            if value is not None:
                attributes[name] = value
        self._change(attributes=attributes, language=node.language or self._state.language)

    def _again(self, node: Asker) -> Step:
        """Ask once more, or give up."""
        if self._state.attempt >= node.attempts:
            return self.go(node.otherwise)
        self._change(attempt=self._state.attempt + 1)
        self._say(getattr(node, "again", None))
        self._speak(node)
        return self._step(question(self._state.node, node))

    def _keep(self, node: Collect, digits: str) -> None:
        """Keep what was typed as long as it may be kept."""
        if node.sensitive:
            self._secrets = {f"input.{node.input}": digits}
        else:
            self._collected(node.input, digits, safe=node.safe, kept=True)

    def _collected(self, name: str, digits: str, *, safe: bool, kept: bool) -> None:
        """Tell what was typed, masked unless safe; a card number is neither kept nor told, whatever the flow says."""
        shown = MASK if looks_like_card(digits) else digits
        if kept:
            self._change(inputs={**self._state.inputs, name: shown})
        self.tell(InputCollected(self._state.node, name, shown if safe else MASK, safe))

    def _look(self, node: Lookup) -> Look:
        values = self._values() | self._secrets
        expressions = self._flow.expressions
        sent = {name: expressions[self._state.node, "send", name].value(values) for name in node.send}
        return Look(
            node=self._state.node,
            method=node.method,
            url=node.url,
            timeout=timedelta(milliseconds=node.timeout_ms),
            send={name: value for name, value in sent.items() if value is not None},
        )

    def _call_back(self, node: CallbackOffer) -> Step:
        self._collected(CHOICE, node.accept, safe=True, kept=False)
        self._say(node.confirm)
        return self._step(CallBack(self._state.node, node.queue, node.priority, node.skills))

    def _outcome(self, node: Last) -> Then:
        preferred = self._flow.expressions.get((self._state.node, "preferred_agent"))
        named = preferred.value(self._values()) if preferred is not None else None
        return outcome(self._state.node, node, str(named or ""))

    def _speak(self, node: Spoken) -> None:
        """Let the caller hear what a node says."""
        language, otherwise = self._state.language, self._flow.document.language
        values = self._values()
        self._prompts += words.prompts(node, language, otherwise, values)
        self._told += waits_heard(self._flow.document, node, language, values, self._context)

    def _say(self, given: Words | None) -> None:
        self._prompts += words.words(given, self._state.language, self._flow.document.language, self._values())

    def _values(self) -> dict[str, Value]:
        return fields.values(self._flow.document, self._state, self._context, self._open)

    def _step(self, then: Then) -> Step:
        """Return the step that ends with this."""
        match then:
            case Ask():
                return self._finished(then, Waiting.DIGITS)
            case Look():
                return self._finished(then, Waiting.LOOKUP)
            case Enqueue():
                return self._exited(then, Waiting.RETURN, then.queue)
            case SendTo():
                return self._exited(then, Waiting.RETURN)
            case CallBack():
                return self._exited(then, Waiting.NOTHING, then.queue)
            case _:
                return self._exited(then, Waiting.NOTHING)

    def _ended(self, then: End | Gone) -> Step:
        return self._step(then)

    def _exited(self, then: Then, waiting: Waiting, queue: str = "") -> Step:
        """Return the step with which the contact leaves the flow; who had left it before leaves it once."""
        if self._told or self._state.waiting is not Waiting.RETURN:
            self.tell(FlowExited(self._flow.name, self._flow.version, self._state.node, queue))
        return self._finished(then, waiting)

    def _finished(self, then: Then, waiting: Waiting) -> Step:
        self._change(waiting=waiting, told=self._state.told + len(self._told))
        return Step(self._state, tuple(self._prompts), then, tuple(self._told))

    def _change(self, **changes: object) -> None:
        self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]  # FlowState's own fields
