"""Experiments: recipes, estimates, budgets, resuming, and one table."""

import csv
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.errors import ConfigError
from sidecritic.models.wrappers import load_prices
from sidecritic.reports.grid import grid_to_csv, grid_to_latex, grid_to_markdown
from sidecritic.scoring.grid import Grid
from sidecritic.settings.experiments import experiment_from
from tests.shop_server import AGENT, CUSTOMER, shop_endpoint
from tests.wire import WireServer, wire_server

ROOT = Path(__file__).parents[3]
SIMULATED = """
title = "Two strategies & a 50 % chance"
[settings]
split = "test"
limit = 2
[vary]
env = ["shop", "userbench:fixture"]
strategy = ["tool_calling", "react"]
critic = ["none", "policy"]
seed = [0, 1]
[baseline]
strategy = "tool_calling"
critic = "none"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def recipe(text: str) -> Path:
    file = Path("try.toml")
    file.write_text(text, encoding="utf-8")
    return file


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["experiment", *words], catch_exceptions=False)


def grid(*words: str, exit_code: int = 0) -> Grid:
    result = run(*words, "--json")
    assert result.exit_code == exit_code, result.stderr
    return Grid.model_validate_json(result.stdout)


# --- recipes ----------------------------------------------------------------------------------


def test_cells_are_the_combinations_of_what_varies() -> None:
    found = experiment_from(recipe(SIMULATED), {})
    assert len(found.cells) == 16
    assert len({cell.settings.out for cell in found.cells}) == 16
    assert len({cell.row for cell in found.cells}) == 8
    assert found.cells[0].labels == {
        "env": "shop",
        "strategy": "tool_calling",
        "critic": "none",
    }
    assert {cell.settings.seed for cell in found.cells} == {0, 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[varry]\nenv = ['shop']", "unknown key 'varry'; did you mean 'vary'"),
        ("[vary]\nenvs = ['shop']", "vary: unknown key 'envs'; did you mean 'env'"),
        ("[vary]\nenv = 'shop'", "vary: env is 'shop': write a list"),
        ("[settings]\nlimt = 3\n[vary]\nenv = ['shop']", "settings: unknown key 'limt'; did you"),
        ("[settings]\nout = 'x'\n[vary]\nenv = ['shop']", "settings: unknown key 'out'"),
        ("settings = 3\n[vary]\nenv = ['shop']", "settings is not a table"),
        ("title = 'x'", "varies nothing"),
        ("[vary]\nenv = ['shop']\n[baseline]\ncritic = 'none'", "baseline: 'critic' does not vary"),
        ("[vary]\nenv = ['shop']\n[baseline]\nenv = 'x'", "env is never 'x'"),
        ("[vary]\nenv = ['shop']\ntrials = [0]", "cell shop, 0: trials is 0"),
        (
            "one_at_a_time = ['critic']\n[vary]\nenv = ['shop']",
            "one_at_a_time: 'critic' has no value in [baseline]",
        ),
        ("budget_usd = 'much'\n[vary]\nenv = ['shop']", "budget_usd is 'much'"),
        ("[vary]\nenv = ['shop']\n[[override]]\nset = {}", "override: write when"),
        ("[vary", "is not TOML"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_explained(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"try\.toml") as raised:
        experiment_from(recipe(text), {})
    assert message in str(raised.value)


def test_a_flag_for_what_varies_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--critic: critic varies in try\.toml"):
        experiment_from(recipe(SIMULATED), {"critic": "none"})


def test_keys_may_vary_one_at_a_time() -> None:
    text = SIMULATED.replace("[settings]", 'one_at_a_time = ["strategy", "critic"]\n[settings]')
    rows = {cell.row for cell in experiment_from(recipe(text), {}).cells}
    assert len(rows) == 6
    assert ("shop", "react", "policy") not in rows


@pytest.mark.parametrize("file", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda f: f.stem)
def test_every_model_of_a_recipe_with_a_budget_has_a_price(file: Path) -> None:
    if "budget_usd" not in file.read_text(encoding="utf-8"):
        return
    for cell in experiment_from(file, {}).cells:
        settings = cell.settings
        prices = load_prices(Path(str(settings.prices)))
        named = f"{settings.actor} {settings.user} {settings.critic} {settings.helper}".split()
        models = (name.split("openai:")[1] for name in named if "openai:" in name)
        assert {model.partition("?")[0] for model in models} <= prices.keys()


def test_paths_in_a_recipe_are_relative_to_it_and_those_of_flags_are_not() -> None:
    text = "[settings]\nprices = 'p.toml'\ncassette = '/tapes'\n"
    text += "[vary]\nenv = ['shop']\ntasks = ['a.jsonl']"
    text += "\n[[override]]\nwhen = {env = 'shop'}\nset = {userbench = 'u'}"
    folder = Path("elsewhere")
    folder.mkdir()
    file = recipe(text).rename(folder / "try.toml")
    (cell,) = experiment_from(file, {}).cells
    settings = cell.settings
    assert (settings.prices, settings.tasks) == ("elsewhere/p.toml", "elsewhere/a.jsonl")
    assert (settings.userbench, settings.cassette) == ("elsewhere/u", "/tapes")
    assert cell.labels["tasks"] == "a.jsonl"
    assert settings.out == str(Path("runs/try") / cell.folder.name)
    (cell,) = experiment_from(file, {"prices": "p.toml"}).cells
    assert cell.settings.prices == "p.toml"


def test_a_shipped_recipe_goes_by_its_name_from_anywhere() -> None:
    found = experiment_from(Path("smoke"), {})
    assert (found.name, found.folder, len(found.cells)) == ("smoke", Path("runs/smoke"), 80)
    assert all(Path(str(cell.settings.tau_bench)).is_dir() for cell in found.cells)
    with pytest.raises(ConfigError, match=r"no recipe 'smok': .*did you mean 'smoke'"):
        experiment_from(Path("smok"), {})


def test_an_override_sets_what_one_environment_needs() -> None:
    text = "[vary]\nenv = ['shop', 'tau2:mock']\n[[override]]\n"
    text += "when = {env = 'tau2:mock'}\nset = {split = 'base'}"
    cells = experiment_from(recipe(text), {}).cells
    assert [cell.settings.split for cell in cells] == ["test", "base"]


# --- playing ----------------------------------------------------------------------------------


def test_an_experiment_gives_one_table_with_numbers_where_numbers_belong() -> None:
    result = run(str(recipe(SIMULATED)), "--yes")
    assert result.exit_code == 0, result.stderr
    assert "costs nothing" in result.stderr
    text = Path("runs/try/table.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    assert len(rows) == 8
    assert all(len(row) == len(header) for row in rows)
    texts = {"env", "strategy", "critic", "is_baseline", "simulated"}
    numbers = [
        cell for row in rows for name, cell in zip(header, row, strict=True) if name not in texts
    ]
    assert all(cell == "" or float(cell) == float(cell) for cell in numbers)
    assert {row[header.index("simulated")] for row in rows} == {"simulated actor, simulated user"}
    markdown = Path("runs/try/table.md").read_text(encoding="utf-8")
    assert markdown.startswith("# Two strategies &amp; a 50 % chance (*simulated actor, simulated")
    cells = [line.split(" | ") for line in markdown.splitlines() if line.startswith("| ")]
    assert all(cell.strip(" |") for row in cells for cell in row)
    latex = Path("runs/try/table.tex").read_text(encoding="utf-8")
    assert latex.startswith("% Needs \\usepackage{booktabs} and \\usepackage{graphicx}.")
    assert latex.count(" & ") / latex.count(r" \\") <= 7, "wider than a page"
    assert r"\textwidth" in latex
    assert r"Two strategies \& a 50 \% chance" in latex
    assert latex.count(r" \\") == 9


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_shows_both_ends_of_every_interval(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = run(str(recipe(SIMULATED)), "--yes").stdout
    assert "…" not in shown
    table = shown.partition("n: episodes")[0]
    assert max(map(len, table.splitlines())) <= width
    assert table.count("..+") >= 6
    assert table.count("(-") == table.count(")") - 1, "the title has one more"


def test_seeds_are_trials_of_one_row_and_rows_are_paired_with_their_baseline() -> None:
    found = grid(str(recipe(SIMULATED)))
    assert all(len(row.scores.pass_hat_k) == 2 for row in found.rows)
    shop = [row for row in found.rows if row.labels["env"] == "shop"]
    base = next(row for row in shop if row.is_baseline)
    assert base.labels == {"env": "shop", "strategy": "tool_calling", "critic": "none"}
    react = next(
        r for r in shop if r.labels["strategy"] == "react" and r.labels["critic"] == "none"
    )
    assert react.paired is not None
    assert react.paired.delta == 0.0
    assert react.paired.n == 4
    travel = [row for row in found.rows if row.labels["env"] != "shop"]
    assert all(row.scores.userbench for row in travel)


def test_a_second_call_plays_nothing_and_gives_the_same_table() -> None:
    file = str(recipe(SIMULATED))
    run(file)
    first = Path("runs/try/table.csv").read_text(encoding="utf-8")
    result = run(file)
    assert "0 of them left to play" in result.stderr
    assert Path("runs/try/table.csv").read_text(encoding="utf-8") == first


def test_tables_hold_what_others_wrote_as_text() -> None:
    found = grid(str(recipe(SIMULATED.replace("[0, 1]", "[0]"))))
    row = found.rows[0]
    nasty = row.model_copy(update={"labels": {**row.labels, "critic": "=1+1|<b>&_$"}})
    bad = found.model_copy(update={"rows": (nasty,)})
    assert "'=1+1|<b>&_$" in grid_to_csv(bad)
    assert r"=1+1\|&lt;b&gt;&amp;\_$" in grid_to_markdown(bad)
    assert r"=1+1\textbar{}\textless{}b\textgreater{}\&\_\$" in grid_to_latex(bad)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("times", [1, 60])
def test_latex_fits_a_page_however_wide_and_long_the_table(times: int) -> None:
    found = grid(str(recipe(SIMULATED.replace("[0, 1]", "[0]"))))
    named = {"critic": "chain:default@0.1-0.6,llm:openai:a-model-of-a-long-name"}
    rows = [row.model_copy(update={"labels": {**row.labels, **named}}) for row in found.rows]
    long = found.model_copy(
        update={"rows": (*found.rows, *rows * times), "title": "τ²-bench ≥ 50 % − 1"}
    )
    Path("table.tex").write_text(grid_to_latex(long), encoding="utf-8")
    # Stands in for the package, which a small installation lacks: a line is a line.
    rules = "".join(rf"\newcommand{{\{name}rule}}{{\hline}}" for name in ("top", "mid", "bottom"))
    Path("booktabs.sty").write_text(rules)
    Path("page.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\usepackage{graphicx}"
        r"\begin{document}\input{table.tex}\end{document}"
    )
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-800:]
    assert "Overfull" not in done.stdout
    assert "too large" not in done.stdout


# --- money ------------------------------------------------------------------------------------


def priced(server: WireServer, *, budget: str = "") -> Path:
    prices = f'["{AGENT}"]\ninput = 2.0\noutput = 8.0\n["{CUSTOMER}"]\ninput = 0.5\noutput = 2.0\n'
    Path("prices.toml").write_text(prices, encoding="utf-8")
    return recipe(
        f"""{budget}
[settings]
env = "shop"
split = "test"
actor = "openai:{AGENT}"
user = "openai:{CUSTOMER}"
critic = "none"
base_url = "{server.base_url}"
prices = "prices.toml"
concurrency = 2
[vary]
strategy = ["tool_calling", "think"]
"""
    )


def test_spending_money_needs_a_yes() -> None:
    with wire_server(shop_endpoint) as server:
        result = run(str(priced(server)))
        assert result.exit_code == 2
        assert "add --yes" in result.stderr
        assert server.received == []


def test_estimate_and_cost_agree_on_an_endpoint_that_behaves_as_rehearsed() -> None:
    with wire_server(shop_endpoint) as server:
        result = run(str(priced(server)), "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    found = Grid.model_validate_json(result.stdout)
    line = next(line for line in result.stderr.splitlines() if line.startswith("estimate"))
    estimated = float(line.split("$")[1].split(",")[0])
    spent = sum(row.cost_usd or 0.0 for row in found.rows)
    assert spent > 0
    assert abs(estimated - spent) / spent < 0.1
    assert found.simulated == ()


def test_a_budget_stops_the_run_and_a_larger_one_goes_on() -> None:
    with wire_server(shop_endpoint) as server:
        file = str(priced(server, budget="budget_usd = 0.01"))
        result = run(file, "--yes", "--json")
        assert result.exit_code == 1
        assert "stopped at the budget" in result.stderr
        assert "larger --budget" in result.stderr
        first = Grid.model_validate_json(result.stdout)
        spent = sum(row.cost_usd or 0.0 for row in first.rows)
        assert 0 < first.episodes < first.planned
        # What is under way is finished: at most one episode more than the limit, two at a time.
        assert spent < 0.01 + 2 * spent / first.episodes
        kept = trajectories()
        assert len(kept) == first.episodes
        second = grid(file, "--yes", "--budget", "5")
    assert second.episodes == second.planned == 10
    assert set(kept) < set(trajectories())


def trajectories() -> list[str]:
    files = Path("runs/try").rglob("trajectories.jsonl")
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_budget_without_prices_is_refused() -> None:
    with wire_server(shop_endpoint) as server:
        text = priced(server).read_text(encoding="utf-8").replace('prices = "prices.toml"\n', "")
        result = run(str(recipe(text)), "--yes", "--budget", "1")
    assert result.exit_code == 2
    assert f"have none: {AGENT}, {CUSTOMER}" in result.stderr


def test_the_estimate_covers_reviewers_and_critics() -> None:
    with wire_server(shop_endpoint) as server:
        text = priced(server).read_text(encoding="utf-8")
        text = text.replace('critic = "none"', 'critic = "llm:actor"')
        text = text.replace('"think"', '"reflection"')
        result = run(str(recipe(text)))
        line = next(line for line in result.stderr.splitlines() if line.startswith("estimate"))
        assert float(line.split("$")[1].split(",")[0]) > 0.05
        assert server.received == []


@pytest.mark.full
def test_the_smoke_recipe_runs_everything_with_everything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    found = grid("recipes/smoke.toml", "--yes", "--out", str(tmp_path / "smoke"))
    assert len(found.rows) == 80
    assert found.episodes == found.planned == 240
    assert all(not row.scores.failures.episodes for row in found.rows)
