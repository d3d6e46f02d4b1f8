"""Records put together of known parts are the records that validation makes."""

import pickle
from copy import copy, deepcopy

import pytest

from sidecritic.types import Assistant, Judgement, Revise, ToolCall, Usage

CALL = ToolCall(id="c1", name="put", arguments={"a": [1]}, raw='{"a": [1]}')
VALIDATED = Assistant(text="Done.", calls=(CALL,))
MADE = Assistant.of_parts(role="assistant", text="Done.", calls=(CALL,), reasoning=None)


def test_a_record_of_parts_is_equal_to_a_validated_one_and_written_alike() -> None:
    assert MADE == VALIDATED
    assert MADE.model_dump_json() == VALIDATED.model_dump_json()
    assert repr(MADE) == repr(VALIDATED)
    usage = Usage.of_parts(input_tokens=1, output_tokens=2, cached_tokens=0, cost_usd=None)
    assert hash(usage) == hash(Usage(input_tokens=1, output_tokens=2))


def test_a_record_of_parts_is_copied_and_read_back_as_any_other() -> None:
    assert copy(MADE) == deepcopy(MADE) == VALIDATED
    assert pickle.loads(pickle.dumps(MADE)) == VALIDATED
    assert MADE.model_copy(update={"text": "No."}) == Assistant(text="No.", calls=(CALL,))
    assert MADE.text == "Done."
    assert Assistant.model_validate_json(MADE.model_dump_json()) == MADE


def test_a_record_of_parts_stays_unchangeable_and_validates_within_another() -> None:
    with pytest.raises(ValueError, match="frozen"):
        MADE.text = "Other."  # pyright: ignore[reportAttributeAccessIssue]
    verdict = Revise.of_parts(kind="revise", feedback="Ask first.", calls=())
    assert Judgement(verdict=verdict, critic="c").verdict is verdict


def test_a_record_of_parts_needs_all_of_them() -> None:
    with pytest.raises(TypeError, match=r"Assistant: give every field: role, text"):
        Assistant.of_parts(role="assistant", text="Done.")
