"""Rounds of learning on the shop: a recipe, and commands."""

from typing import Any

Json = dict[str, Any]

MARGINS = """
alarms = 0.6
brier = 0.1
calibration = 0.2
passes = 0.5
tasks = 3
proposals = 5
steered_at_all = 1.0
"""
RECIPE = f"""
rounds = 2
start = "none"
[tasks]
env = "shop"
files = {{shop = "tasks.jsonl"}}
[play]
trials = 2
[mine]
passed = 1.0
[promotion]
trials = 2
attacks = 2
[promotion.margins]
{MARGINS}"""
LEARN = ("learn", "--recipe", "recipe.toml", "--out", "out", "--workers", "1")


def timeless(learned: Json) -> Json:
    return {
        **learned,
        "rounds": [{k: v for k, v in each.items() if k != "seconds"} for each in learned["rounds"]],
    }


def first(learned: Json) -> Json:
    """Return what one round alone would have answered."""
    (one, *_) = learned["rounds"]
    return {**learned, "rounds": [one], "in_force": one["in_force"]}
