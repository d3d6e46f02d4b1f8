"""Recipes of experiments: settings for all cells, and what varies from cell to cell.

    title = "..."              note = "..."            budget_usd = 20.0
    [settings]                 keys of an evaluation, the same in every cell
    [vary]                     keys with a list of values; the cells are their combinations
    [baseline]                 values of varied keys: what the other cells are compared with
    one_at_a_time = ["..."]    of these keys, at most one differs from the baseline in a cell
    [[override]]               when = {env = "..."}, set = {split = "..."}

Paths are relative to the recipe. Seeds that vary are trials of one row of the table; everything
else that varies is a column.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from sidecritic.errors import ConfigError
from sidecritic.settings.evaluation import READ, Settings, settings_of
from sidecritic.settings.files import beside, read_toml, recipe_at, require_known, table_of
from sidecritic.settings.names import suggestion

POOLED = "seed"
_KEYS = ("title", "note", "budget_usd", "settings", "vary", "baseline", "one_at_a_time", "override")

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of an experiment."""

    labels: Mapping[str, str]
    """Varied keys and their values, seeds aside: what names the row."""
    settings: Settings
    folder: Path

    @property
    def row(self) -> tuple[str, ...]:
        return tuple(self.labels.values())


@dataclass(frozen=True, slots=True)
class Experiment:
    name: str
    folder: Path
    title: str
    cells: tuple[Cell, ...]
    note: str = ""
    budget_usd: float | None = None
    baseline: Mapping[str, str] = field(default_factory=dict[str, str])


def experiment_from(file: Path, flags: Values) -> Experiment:
    """Read a recipe; flags that are not `None` win over its settings.

    The flag `out` names the folder of all runs and tables.

    Raises:
        ConfigError: the file cannot be read, or a key or value cannot be used.
    """
    file = recipe_at(file)
    recipe = _read(file)
    given = {key: value for key, value in flags.items() if value is not None}
    folder = Path(str(given.pop("out", f"runs/{file.stem}")))
    written = _settings(recipe.get("settings", {}), "settings", file)
    shared = {**beside(written, READ, file), **given}
    vary = _varied(recipe, file)
    for key in given.keys() & vary.keys():
        raise ConfigError(f"--{key.replace('_', '-')}: {key} varies in {file}; edit its [vary]")
    overrides = [_override(each, file) for each in recipe.get("override", ())]
    baseline = {key: str(value) for key, value in recipe.get("baseline", {}).items()}
    for key in baseline:
        if key not in vary or key == POOLED:
            raise ConfigError(f"{file}: baseline: {key!r} does not vary{suggestion(key, vary)}")
        if baseline[key] not in map(str, vary[key]):
            known = list(map(str, vary[key]))
            raise ConfigError(f"{file}: baseline: {key} is never {baseline[key]!r}; known: {known}")
    every = _cells(shared, vary, overrides, folder=folder, file=file)
    single = _singles(recipe, baseline, file)
    cells = tuple(
        cell for cell in every if sum(cell.labels[key] != baseline[key] for key in single) <= 1
    )
    budget = recipe.get("budget_usd")
    if budget is not None and (not isinstance(budget, int | float) or budget <= 0):
        raise ConfigError(f"{file}: budget_usd is {budget!r}: write a number of dollars above 0")
    return Experiment(
        name=file.stem,
        folder=folder,
        title=str(recipe.get("title", file.stem)),
        cells=cells,
        note=str(recipe.get("note", "")),
        budget_usd=budget,
        baseline=baseline,
    )


def _read(file: Path) -> Mapping[str, Any]:
    recipe = read_toml(file, "recipe")
    require_known(recipe, _KEYS, f"recipe {file}")
    if not recipe.get("vary"):
        raise ConfigError(f"recipe {file} varies nothing; add a table [vary], or use `eval`")
    return recipe


def _settings(value: object, name: str, file: Path) -> dict[str, Any]:
    """Return a table of the recipe whose keys are settings."""
    table = table_of(value, name, file)
    require_known(table, (key for key in Settings.model_fields if key != "out"), f"{file}: {name}")
    return table


def _varied(recipe: Values, file: Path) -> dict[str, list[Any]]:
    vary = _settings(recipe["vary"], "vary", file)
    for key, values in vary.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{file}: vary: {key} is {values!r}: write a list of values")
    return vary


def _singles(recipe: Values, baseline: Mapping[str, str], file: Path) -> tuple[str, ...]:
    keys = tuple(map(str, recipe.get("one_at_a_time", ())))
    for key in keys:
        if key not in baseline:
            known = suggestion(key, baseline)
            raise ConfigError(f"{file}: one_at_a_time: {key!r} has no value in [baseline]{known}")
    return keys


def _override(table: Values, file: Path) -> tuple[Values, Values]:
    """Return what the values of a cell must be for an override, and what it sets then."""
    if set(table) != {"when", "set"}:
        raise ConfigError(f"{file}: override: write when = {{...}} and set = {{...}}")
    when, changes = (_settings(table[key], "override", file) for key in ("when", "set"))
    return when, changes


def _cells(
    shared: Values,
    vary: Mapping[str, Sequence[Any]],
    overrides: Sequence[tuple[Values, Values]],
    *,
    folder: Path,
    file: Path,
) -> Iterator[Cell]:
    for combination in product(*vary.values()):
        varied = dict(zip(vary, combination, strict=True))
        plain = {**shared, **varied}
        values = {**shared, **beside(varied, READ, file)}
        for when, changes in overrides:
            if all(plain.get(key) == value for key, value in when.items()):
                values |= beside(changes, READ, file)
        labels = {key: str(value) for key, value in varied.items() if key != POOLED}
        source = f"{file}, cell {', '.join(map(str, combination))}"
        own = folder / _slug([str(each) for each in combination])
        yield Cell(labels, settings_of({**values, "out": str(own)}, source), own)


def _slug(values: Sequence[str]) -> str:
    """Return a name for a directory; values that differ in what it leaves out still differ."""
    readable = "-".join(re.sub(r"[^A-Za-z0-9.]+", "_", value).strip("_") for value in values)
    return f"{readable[:80]}-{sha256(repr(values).encode()).hexdigest()[:6]}"
