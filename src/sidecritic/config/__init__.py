"""From names to objects: settings, and the parties that they name."""

from sidecritic.config.critic_names import CRITICS, asks_a_person
from sidecritic.config.parties import ENVS, Keys, benchmark_for, keys_from_environment
from sidecritic.config.plans import plan_for, select_tasks
from sidecritic.config.settings import Settings, command_of, settings_from, suggestion

__all__ = [
    "CRITICS",
    "ENVS",
    "Keys",
    "Settings",
    "asks_a_person",
    "benchmark_for",
    "command_of",
    "keys_from_environment",
    "plan_for",
    "select_tasks",
    "settings_from",
    "suggestion",
]
