"""Checks of a learning recipe before anything is played, and paid for."""

from sidecritic.assembly.critics import critic_for
from sidecritic.critics.compact import FULL, rendering
from sidecritic.datasets.balance import BALANCES
from sidecritic.errors import ConfigError
from sidecritic.settings.critic_names import HUMAN, names_in
from sidecritic.settings.learning import LearnRecipe
from sidecritic.settings.names import choice
from sidecritic.workflows.labels import sources_of
from sidecritic.workflows.training import lora_recipe, require_tunable


def require_sound(recipe: LearnRecipe) -> None:
    """Check what a later stage would refuse.

    Raises:
        ConfigError: a source, rendering, balance, critic or base that is not there.
    """
    sources = sources_of(recipe.label.sources)
    if "teacher" in sources and not recipe.label.teacher:
        raise ConfigError("label.sources: the source 'teacher' needs label.teacher, a model")
    read_as = rendering(recipe.export.rendering)
    choice("balance", recipe.export.balance, BALANCES)
    for name in names_in(recipe.start):
        # A model is asked for when it is needed, and a person too.
        if not name.startswith(("llm:", "decision:")) and name != HUMAN:
            for env in recipe.tasks.env:
                critic_for(name, env)
    if recipe.kind == "lora":
        tuned = lora_recipe(recipe.train, data="-")
        if read_as.name == FULL.name and tuned.max_tokens < _FULL_TOKENS:
            raise ConfigError(
                f"export.rendering = {FULL.name!r} is longer than train.max_tokens = "
                f"{tuned.max_tokens}: no row would be left; set a compact one, such as 'brief'"
            )
        require_tunable(recipe.train)


_FULL_TOKENS = 1500
"""The whole prompt holds the policy, and no policy here is shorter."""
