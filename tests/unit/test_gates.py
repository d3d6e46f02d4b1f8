"""Which actions are sent to the critic."""

import pytest

from sidecritic.gates import covers, is_final
from sidecritic.types import Assistant
from tests.parties import TOOLS, call, calling


@pytest.mark.parametrize(
    ("action", "gates"),
    [
        (calling(call("get")), {"all"}),
        (calling(call("put")), {"writes", "writes+final", "all"}),
        (calling(call("get", "a"), call("put", "b")), {"writes", "writes+final", "all"}),
        (calling(call("never_declared")), {"writes", "writes+final", "all"}),
        (calling(call("transfer_to_human_agents")), {"writes+final", "all"}),
        (Assistant(text="Is there anything else I can do?"), {"writes+final", "all"}),
        (Assistant(text="Your order has been cancelled."), {"writes+final", "all"}),
        (Assistant(text="Which order do you mean?"), {"all"}),
    ],
)
def test_a_gate_covers_what_it_names(action: Assistant, gates: set[str]) -> None:
    covered = {
        gate for gate in ("writes", "writes+final", "all", "none") if covers(gate, action, TOOLS)
    }  # pyright: ignore[reportArgumentType]
    assert covered == gates


def test_a_question_is_not_final() -> None:
    assert not is_final(Assistant(text="Could you confirm your zip code?"))
