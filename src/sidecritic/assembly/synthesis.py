"""What new tasks are made with, by environment."""

from typing import NamedTuple

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.envs.shop.benchmark import Shop
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.errors import ConfigError
from sidecritic.packs.registry import pack_for
from sidecritic.ports import Model
from sidecritic.settings.names import suggestion
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.splits.benchmarks import TEST, HeldOutSplit
from sidecritic.synthesis.airline import Airline
from sidecritic.synthesis.drafts import Domain
from sidecritic.synthesis.generator import Author
from sidecritic.synthesis.model_author import ModelAuthor
from sidecritic.synthesis.retail import Retail
from sidecritic.synthesis.shop import ShopDesk
from sidecritic.synthesis.template_author import TemplateAuthor
from sidecritic.synthesis.verifier import Verifier
from sidecritic.types import Task


class Workshop(NamedTuple):
    """All that is needed to make tasks for an environment."""

    author: Author
    verifier: Verifier
    known: tuple[Task, ...]
    """The benchmark's own tasks, which new ones must not repeat."""


SYNTHETIC = ("tau2:retail", "tau2:airline", "shop")


def workshop_for(env: str, model: Model | None = None) -> Workshop:
    """Return what makes tasks for an environment: templates, or the model that is given.

    Raises:
        ConfigError: no tasks can be made for it.
    """
    benchmark = benchmark_for(env)
    domain: Domain
    match benchmark:
        case Tau2(name="tau2:retail"):
            domain = Retail(benchmark.records)
        case Tau2(name="tau2:airline"):
            domain = Airline(benchmark.records)
        case Shop():
            domain = ShopDesk(benchmark.records)
        case _:
            raise ConfigError(f"no tasks can be made for {env!r}{suggestion(env, SYNTHETIC)}")
    held_out = HeldOutSplit(benchmark)
    users = [user for user in domain.users if user not in held_out.users]
    own = tuple(task for split in benchmark.splits() for task in benchmark.tasks(split))
    author: Author = TemplateAuthor(domain, users)
    if model is not None:
        test = benchmark.tasks(TEST)[0]
        desk = benchmark.environment(test, scripted_user()(test, 0))
        author = ModelAuthor(model, domain, users, policy=desk.policy, tools=desk.tools)
    return Workshop(author, Verifier(benchmark, held_out, pack_for(env)), own)
