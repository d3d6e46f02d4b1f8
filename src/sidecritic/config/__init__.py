"""From names to objects: settings, and the parties that they name."""

from sidecritic.config.benchmarks import ENVS, Sources, benchmark_for, sources_of
from sidecritic.config.critic_names import CRITICS, asks_a_person
from sidecritic.config.estimates import Estimate, estimate, require_prices
from sidecritic.config.experiments import Cell, Experiment, experiment_from
from sidecritic.config.parties import Keys, keys_from_environment
from sidecritic.config.plans import Shelf, plan_for, select_tasks
from sidecritic.config.settings import (
    SERVERS,
    Settings,
    command_of,
    settings_from,
    suggestion,
)
from sidecritic.config.strategies import STRATEGIES

__all__ = [
    "CRITICS",
    "ENVS",
    "SERVERS",
    "STRATEGIES",
    "Cell",
    "Estimate",
    "Experiment",
    "Keys",
    "Settings",
    "Shelf",
    "Sources",
    "asks_a_person",
    "benchmark_for",
    "command_of",
    "estimate",
    "experiment_from",
    "keys_from_environment",
    "plan_for",
    "require_prices",
    "select_tasks",
    "settings_from",
    "sources_of",
    "suggestion",
]
