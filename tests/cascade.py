"""Two language models of a cascade on one server, *simulated*.

They judge renewals of loans. R-7 is right and W-7 is wrong; the number is how risky the loan looks,
in percent.
"""

import json
import re
from math import log

from tests.wire import Received, Reply, chat

SMALL, STRONG = "llm:openai:small", "llm:openai:strong"
CHAIN = f"chain:{SMALL},{STRONG}"


def judging(received: Received) -> Reply:
    """The small model gives the loan's number as its risk; the strong one knows the truth."""
    loan = re.findall(r"\b([RW])-(\d+)\b", json.dumps(received.body))[-1:]
    letter, number = loan[0] if loan else ("R", "1")
    risk = int(number) / 100
    if received.body.get("model") == "strong":
        risk = 0.99 if letter == "W" else 0.01
    risk = min(max(risk, 0.01), 0.99)
    top = [{"token": "No", "logprob": log(risk)}, {"token": "Yes", "logprob": log(1 - risk)}]
    token = {"token": "No", "logprob": log(risk), "top_logprobs": top}
    return chat("No", logprobs=[token])
