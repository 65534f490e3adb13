"""A history is read back as it was written, also while it is being written, also when its writer died."""

from pathlib import Path

from fault_suite.history import ASK, TELL, Attempt, History, Operation, Outcome, Reader, Writer, longest_silence


def operation(number: int, *events: str, contact: str = "c") -> Operation:
    return Operation(number, "teller", float(number), contact, events)


def attempt(number: int, ended: float, outcome: Outcome, *refused: str, door: str = TELL) -> Attempt:
    return Attempt(number, door, ended - 0.1, ended, outcome, outcome.name, refused)


def written(path: Path, *lines: Operation | Attempt) -> History:
    writer = Writer(path)
    for line in lines:
        writer.began(line) if isinstance(line, Operation) else writer.ended(line)
    writer.close()
    return Reader(path).catch_up()


def test_what_was_answered_is_acknowledged_but_for_what_was_refused(tmp_path: Path) -> None:
    history = written(tmp_path / "h", operation(1, "a", "b"), attempt(1, 2.0, Outcome.OK, "b"))
    assert history.operations[1].acknowledged == {"a"}
    assert history.operations[1].refused == {"b"}


def test_an_operation_without_an_answer_is_unknown(tmp_path: Path) -> None:
    history = written(tmp_path / "h", operation(1, "a"), attempt(1, 2.0, Outcome.UNKNOWN), operation(2, "b"))
    assert [found.acknowledged for found in history.operations.values()] == [frozenset(), frozenset()]


def test_an_unknown_attempt_that_is_answered_later_counts(tmp_path: Path) -> None:
    lines = (operation(1, "a"), attempt(1, 2.0, Outcome.UNKNOWN), attempt(1, 3.0, Outcome.OK))
    assert written(tmp_path / "h", *lines).operations[1].acknowledged == {"a"}


def test_a_line_cut_off_is_left_until_it_is_whole(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    written(whole, operation(1, "a"), attempt(1, 2.0, Outcome.OK))
    text = whole.read_bytes()
    cut.write_bytes(text[:-20])
    reader = Reader(cut)
    assert reader.catch_up().attempts == []
    cut.write_bytes(text)
    assert len(reader.catch_up().attempts) == 1


def test_chains_are_the_answered_operations_of_each_contact(tmp_path: Path) -> None:
    lines = (operation(1, "a"), operation(2, "b", contact="d"), operation(3, "c"), attempt(1, 4.0, Outcome.OK))
    history = written(tmp_path / "h", *lines, attempt(3, 5.0, Outcome.OK))
    assert [[found.number for found in chain] for chain in history.chains()] == [[1, 3]]


def test_the_longest_silence_is_between_answers_at_one_door() -> None:
    attempts = [
        attempt(1, 1.0, Outcome.OK),
        attempt(2, 2.0, Outcome.UNKNOWN),
        attempt(0, 2.5, Outcome.OK, door=ASK),
        attempt(2, 4.0, Outcome.OK),
    ]
    assert longest_silence(attempts, TELL, until=4.5) == 3.0
    assert longest_silence(attempts, ASK, until=4.5) == 2.0
