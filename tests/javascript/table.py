"""Print what each client makes of each irregular answer: `python -m tests.javascript.table [WORD]`.

Without a gateway; only cases whose names hold the word, if one is given.
"""

import json
import sys

from tests.javascript.processes import Processes, processes
from tests.javascript.readers import readers
from tests.javascript.streams import CASES
from tests.javascript.test_readers import upstream


def print_case(running: Processes, api: str, name: str) -> None:
    case = CASES[api][name]
    sys.stdout.write(f"\n{api}: {name}\n")
    with upstream(api, case) as server:
        for who, read in readers(running, api).items():
            got = read(server.root, case.stream)
            ran = ", ".join(f"{tool} {json.dumps(given)[:80]}" for tool, given in got.ran)
            sys.stdout.write(f"  {who:30} {ran or got.error[:80] or repr(got.text)}\n")


def main() -> None:
    word = " ".join(sys.argv[1:])
    with processes() as running:
        for api, cases in CASES.items():
            for name in cases:
                if word in name:
                    print_case(running, api, name)


if __name__ == "__main__":
    main()
