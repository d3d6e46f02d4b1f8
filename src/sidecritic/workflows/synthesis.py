"""Make new tasks and write them; what a model wrote is kept if the model goes away."""

import asyncio
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path

from sidecritic.assembly.models import Models
from sidecritic.assembly.synthesis import workshop_for
from sidecritic.envs.task_files import to_lines
from sidecritic.errors import ConfigError, ModelUnavailable
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import settings_from
from sidecritic.settings.model_names import model_name
from sidecritic.synthesis.account import SynthesisAccount
from sidecritic.synthesis.generator import SynthesisOrder, Unfinished, make
from sidecritic.synthesis.ledger import Ledger, open_ledger
from sidecritic.types import Task
from sidecritic.workflows.files import write_file


def synthesise(
    env: str,
    order: SynthesisOrder,
    out: Path,
    model: str | None = None,
    base_url: str | None = None,
) -> tuple[SynthesisAccount, str]:
    """Make tasks and write them; return the account, and why the model went away if it did.

    Raises:
        ModelUnavailable: it did before there was anything to write.
        ConfigError: the file exists, and is not the unfinished result of the same order.
    """
    # Templates make the same tasks again in no time; what a model wrote would be lost.
    progress = out.with_name(f"{out.name}.progress")
    unfinished = model is not None and progress.exists()
    if out.exists() and not unfinished:
        raise ConfigError(f"{out} is there already; choose another --out, or remove it")
    ledger = nullcontext() if model is None else open_ledger(progress)
    try:
        with ledger as kept:
            tasks, made = asyncio.run(_make(env, order, model, base_url, kept))
            _write(out, tasks, made)
            return made, ""
    except Unfinished as away:
        if not away.tasks:
            raise ModelUnavailable(str(away)) from away
        _write(out, away.tasks, away.made)
        return away.made, f"ModelUnavailable: {away}"


async def _make(
    env: str, order: SynthesisOrder, model: str | None, base_url: str | None, ledger: Ledger | None
) -> tuple[tuple[Task, ...], SynthesisAccount]:
    async with AsyncExitStack() as stack:
        author = None
        if model is not None:
            name = model_name(model, "helper")
            if name is None:
                raise ConfigError(f"--model {model!r} writes nothing; leave it out for templates")
            settings = settings_from({"base_url": base_url})
            models = Models(settings, keys_from_environment(), stack)
            author = models.model(name, settings.base_url)
        shop = workshop_for(env, author)
        return await make(shop.author, shop.verifier, order, shop.known, ledger=ledger)


def _write(file: Path, tasks: tuple[Task, ...], made: SynthesisAccount) -> None:
    if not tasks:
        why = ", ".join(f"{each.number} × {each.reason}" for each in made.rejected)
        raise ConfigError(f"no task was made in {made.attempts} attempts ({why})")
    write_file(file, to_lines(tasks))
