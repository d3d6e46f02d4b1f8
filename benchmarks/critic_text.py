"""Would the words of the conversation tell more than the flags do?

Hashed words and pairs of words of the call and of the last four turns of the user, logistic
regression, folds grouped by user. Digits are one sign, so that no id is a feature.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from sidecritic.recorded import ProposalKey, Recorded
from sidecritic.trace import proposals
from sidecritic.types import Proposal, User

Floats = NDArray[np.float64]
Key = tuple[ProposalKey, str]
"""A proposal, and the id of one of its calls."""

SIZE = 4096
TURNS = 4
STRENGTH = 3.0
STEPS = 150
_WORD = re.compile(r"[a-z]+|#")


def texts_of(runs: Sequence[Recorded]) -> dict[Key, str]:
    """Return call and last user turns of every call that was proposed."""
    return dict(each for run in runs for each in _texts(run))


def _texts(run: Recorded) -> Iterator[tuple[Key, str]]:
    events = run.trajectory.events
    for proposal, _ in proposals(events, task_id=run.trajectory.task.id, briefing=run.briefing):
        said = _last_said(proposal)
        key = ProposalKey(run.file, run.simulation, proposal.turn, proposal.attempt)
        for call in proposal.action.calls:
            yield (key, call.id), f"{call.name} {call.raw} {said}"


def _last_said(proposal: Proposal) -> str:
    turns = [message.text for message in proposal.history if isinstance(message, User)]
    return " ".join(turns[-TURNS:])


def hashed(texts: Sequence[str]) -> Floats:
    """Return the texts as rows of length 1, a place for each hash of a word or a pair."""
    rows = np.zeros((len(texts), SIZE))
    for at, text in enumerate(texts):
        words = _WORD.findall(re.sub(r"\d+", "#", text.lower()))
        for gram in (*words, *map(" ".join, pairwise(words))):
            rows[at, crc32(gram.encode()) % SIZE] = 1
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def out_of_fold(
    texts: Sequence[str], wrong: Floats, users: Sequence[str], folds: Mapping[str, int]
) -> Floats:
    """Return the logit of each text by a model that has not seen its user."""
    rows = hashed(texts)
    held = np.array([folds[user] for user in users])
    found = np.zeros(len(texts))
    for fold in set(held.tolist()):
        train = held != fold
        found[~train] = rows[~train] @ _weights(rows[train], wrong[train])
    return found


def _weights(rows: Floats, wrong: Floats) -> Floats:
    """Return ridge logistic weights by accelerated gradient steps.

    Source: Nesterov, Introductory Lectures on Convex Optimization (2004), section 2.2.
    """
    constant = np.log(wrong.mean() / (1 - wrong.mean()))
    # The squared spectral norm, without the singular vectors of a wide matrix.
    limit = np.linalg.eigvalsh(rows @ rows.T)[-1] / 4 + 1 / STRENGTH
    weights = ahead = np.zeros(rows.shape[1])
    for step in range(STEPS):
        risk = 1 / (1 + np.exp(-(rows @ ahead + constant)))
        moved = ahead - (rows.T @ (risk - wrong) + ahead / STRENGTH) / limit
        ahead = moved + step / (step + 3) * (moved - weights)
        weights = moved
    return weights
