"""Recompute the papers' tables: run `truetwin reproduce` and write `docs/reproduction.md`.

    python benchmarks/reproduction.py [--results build/reproduction] [--only table-2] [--again]

The result of every command is kept in the results folder with the date, the version and the time it took. It is
computed again only with `--again`, so that the slow tables can be run on another day. Cells without available data are
listed as not computed. With `--only ''` nothing is run, and the page is written from the results that exist. What
`text_metric_settings.py` has kept there is shown too.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).parents[1]


def commands() -> list[tuple[str, ...]]:
    """List the arguments of each call of `truetwin reproduce`, the quick ones first."""
    from truetwin.datasets import twin_2k_500
    from truetwin.reproduction.published import published

    default = twin_2k_500.DEFAULT_CONSTRUCTION
    others = [name for name in published()["table-4"] if name != default]
    return [
        ("table-2",),
        ("voice-table-3",),
        ("table-6", "--dataset", "movielens"),
        ("table-6", "--dataset", "opinionqa"),
        ("voice-table-5",),
        *(("table-4", "--construction", name) for name in (default, *others)),
        ("table-5", "--dataset", "movielens"),
        ("table-5", "--dataset", "twin-2k-500"),
        ("appendix-marginals", "--dataset", "movielens"),
        ("table-7",),
        ("table-8",),
        *((f"figure-{k}",) for k in (3, 4, 6, 7)),
        ("voice-table-2",),
        ("voice-table-4",),
        ("voice-table-6",),
    ]


def compute(arguments: tuple[str, ...], path: Path) -> None:
    """Run one command and store its output, or its error message if it fails."""
    program = [
        sys.executable,
        "-c",
        "from truetwin.cli import main; main()",
        "reproduce",
        *arguments,
        "--json",
        *(["--figures", str(path.parent / "figures")] if arguments[0].startswith("figure") else []),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    begun, commit = time.perf_counter(), _commit()
    done = subprocess.run(
        program, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    record: dict[str, Any] = {
        "arguments": list(arguments),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit,
        "seconds": time.perf_counter() - begun,
    }
    if done.returncode == 2 or not done.stdout.strip():
        record["failure"] = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no output"
    else:
        record["result"] = json.loads(done.stdout)
    path.write_text(json.dumps(record), encoding="utf-8")
    print(
        f"{' '.join(arguments)}: {record['seconds']:.0f} s{' FAILED' if 'failure' in record else ''}",
        flush=True,
    )


def _commit() -> str | None:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def kept(results: Path, arguments: tuple[str, ...]) -> Path:
    """Return the path of the stored result of a command."""
    name = "-".join("".join(c if c.isalnum() or c in ".-" else "_" for c in a.lstrip("-")) for a in arguments)
    return results / f"{name}.json"


def main() -> None:
    """Run the commands without a stored result, then write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "reproduction")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "reproduction.md")
    parser.add_argument("--only", help="run only this table ('' for none)")
    parser.add_argument("--again", action="store_true", help="compute anew what is there")
    options = parser.parse_args()
    for arguments in commands():
        path = kept(options.results, arguments)
        if options.only in (None, arguments[0]) and (options.again or not path.exists()):
            compute(arguments, path)
    from reproduction_page import page

    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (kept(options.results, arguments) for arguments in commands())
        if path.exists()
    ]
    tried = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in ("meteor", "bertscore")
        if (path := options.results / f"{name}.json").exists()
    }
    options.page.write_text(page(records, commands(), tried), encoding="utf-8")


if __name__ == "__main__":
    main()
