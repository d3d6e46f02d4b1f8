"""Verdicts of a model in memory, read by the rule that a server's answers are read by."""

from collections.abc import Sequence
from typing import Any

from sidecritic.critics.answers import risk_of
from sidecritic.datasets.rows import Said
from sidecritic.training.lora.base import verdict_tokens
from sidecritic.training.lora.packages import needed
from sidecritic.types import TokenLogprob

Chat = Sequence[Said]

_BATCH = 8
_SHOWN = 20
"""Alternatives, of which a word may have several spellings; the most that servers show."""


def tokens_of(tokenizer: Any, chat: Chat) -> list[int]:
    """Return the prompt as tokens, up to where the verdict begins."""
    plain = [said.model_dump() for said in chat]
    found = tokenizer.apply_chat_template(plain, add_generation_prompt=True, return_dict=True)
    return list(found["input_ids"])


def risks(model: Any, tokenizer: Any, chats: Sequence[Chat]) -> list[float]:
    """Return the risk of each chat, as a server's log-probabilities give it."""
    torch = needed("torch")
    approve, refuse = verdict_tokens(tokenizer)
    prompts = [tokens_of(tokenizer, chat) for chat in chats]
    # Prompts of a length go together; the padding stands before the prompt.
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
    found = [0.0] * len(prompts)
    training = model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            logits = _last_logits(model, tokenizer, [prompts[at] for at in places])
            share = torch.sigmoid(logits[:, refuse] - logits[:, approve]).tolist()
            best = torch.log_softmax(logits, dim=-1).topk(_SHOWN)
            shown = zip(best.indices.tolist(), best.values.tolist(), share, strict=True)
            for at, (ids, chances, plain) in zip(places, shown, strict=True):
                read = _read(tokenizer, ids, chances)
                # Where neither word is among the likely ones a server gives no verdict.
                found[at] = float(plain) if read is None else read
    model.train(training)
    return found


def _read(tokenizer: Any, ids: Sequence[int], chances: Sequence[float]) -> float | None:
    texts = [tokenizer.decode([id]) for id in ids]
    top = dict(zip(texts, chances, strict=True))
    read = risk_of(TokenLogprob(token=texts[0], logprob=chances[0], top=top))
    return None if read is None else read.risk


def _last_logits(model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]]) -> Any:
    torch = needed("torch")
    width = max(map(len, prompts))
    padding = [[tokenizer.pad_token_id] * (width - len(prompt)) for prompt in prompts]
    ids = [[*pad, *prompt] for pad, prompt in zip(padding, prompts, strict=True)]
    mask = [[0] * len(p) + [1] * (width - len(p)) for p in padding]
    device = next(model.parameters()).device
    out = model(
        input_ids=torch.tensor(ids, device=device),
        attention_mask=torch.tensor(mask, device=device),
        logits_to_keep=1,
        use_cache=False,
    )
    return out.logits[:, -1].float()
