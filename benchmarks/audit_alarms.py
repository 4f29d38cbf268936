"""Count false alarms and found faults of the audit of twins in generated worlds.

    python benchmarks/audit_alarms.py [--seeds 100] [--people 400] [--items 40] [--kinds]

For every fault of :data:`truetwin.datasets.audit_worlds.FAULTS` a row says in which share of the worlds each check that
must find it did, and which other checks were flagged (a fault mostly has several consequences: shrunk answers shift
levels). For faithful twins every flag is a false alarm; the rate of any at all must be about 5% at most. ``--kinds``
takes other kinds of items: half of the people of one world stand for the twins of the other half, so that all that is
wrong is that they know nobody; flags of "knows_the_person" and "beats_a_guess" are right there and not counted.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets.audit_worlds import FAULTS, generate_audit_world
from truetwin.datasets.worlds import KINDS, generate_world
from truetwin.diagnosis import TwinAudit

STRANGERS = {"knows_the_person", "beats_a_guess"}


def fault_audit(fault: str, seed: int, n: int, m: int) -> TwinAudit:
    """Audit a world with one fault, with everything that an audit can be told."""
    world = generate_audit_world(fault, n, m, random_state=seed)
    return tt.audit_twins(
        world.panel,
        by=["region"],
        retest=world.retest,
        published=world.published,
        trained_until=world.trained_until,
    )


def kinds_audit(kinds: Iterable[str], seed: int, n: int, m: int) -> TwinAudit:
    """Audit other people of the same kind in place of twins."""
    world = generate_world(
        "perfect",
        2 * n,
        m,
        n_new_items=0,
        kinds=tuple(kinds),  # type: ignore[arg-type]
        random_state=seed,
    )
    ids, items = [f"p{i}" for i in range(n)], list(world.panel.items.values())
    human, twin = world.panel.human_values[:n], world.truth.values[n:]
    return tt.audit_twins(Panel(ResponseMatrix(human, ids, items), ResponseMatrix(twin, ids, items)))


def row(
    name: str,
    audit: Callable[[int], TwinAudit],
    seeds: range,
    wanted: Iterable[str] = (),
    ignored: Iterable[str] = (),
) -> None:
    """Print how often which checks were flagged."""
    flagged: Counter[str] = Counter()
    any_flag, start = 0, time.process_time()
    for seed in seeds:
        names = {c.name for c in audit(seed).sources["twin"].faults} - set(ignored)
        flagged.update(names)
        any_flag += bool(names)
    rates = {check: n / len(seeds) for check, n in sorted(flagged.items(), key=lambda pair: -pair[1])}
    found = ", ".join(f"{check} {rates.get(check, 0.0):.2f}" for check in wanted) or "-"
    rest = (
        ", ".join(f"{check} {rate:.2f}" for check, rate in rates.items() if check not in set(wanted)) or "-"
    )
    seconds = (time.process_time() - start) / len(seeds)
    print(
        f"{name}: any {any_flag / len(seeds):.3f}; wanted: {found}; also: {rest} ({seconds:.2f} s)",
        flush=True,
    )


def main() -> None:
    """Print a row a world."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--faults", nargs="*", default=list(FAULTS))
    asked = parser.parse_args()
    seeds, size = range(asked.seeds), (asked.people, asked.items)
    if asked.kinds:
        for kinds in (*((kind,) for kind in KINDS), KINDS):
            name = kinds[0] if len(kinds) == 1 else "mixed"
            row(name, lambda seed, k=kinds: kinds_audit(k, seed, *size), seeds, ignored=STRANGERS)  # type: ignore[misc]
        return
    for fault in asked.faults:
        row(fault, lambda seed, f=fault: fault_audit(f, seed, *size), seeds, FAULTS[fault][1])  # type: ignore[misc]


if __name__ == "__main__":
    main()
