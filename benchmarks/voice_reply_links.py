"""Score the reply heuristic against the annotated links of IRC logs: precision, recall and F1, with counts.

    python benchmarks/voice_reply_links.py FOLDER [--json]

FOLDER holds ``train`` and ``new-domains``: logs with ``*.annotation.txt``. The heuristic was tuned on ``train``. The
figures of ``new-domains`` (other channels, other years) were looked at while it was revised. Neither part is therefore
unseen: the figures describe the heuristic on these logs and do not estimate its accuracy elsewhere.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reply_link_scores import RULES, annotation_of, score_links
from truetwin.voice_sets.conversations.message_logs import IrcLog


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    for part in sorted(p for p in asked.folder.iterdir() if p.is_dir()):
        files = [path for path in IrcLog(part).files if annotation_of(path).exists()]
        for others in (False, True):
            for rule in RULES:
                row = score_links(files, rule, others_only=others).row()
                rows.append({"part": part.name, "links": "to others" if others else "all", **row})
    if asked.json:
        print(json.dumps(rows))
        return
    heads = f"{'messages':>8} {'annot.':>7} {'pred.':>7} {'correct':>7}     P     R    F1"
    print(f"{'part':<12} {'links':<10} {'rule':<26} {heads}")
    for r in rows:
        shares = "  ".join("   -" if r[k] is None else f"{r[k]:4.1f}" for k in ("precision", "recall", "f1"))
        counts = f"{r['messages']:>8} {r['annotated']:>7} {r['predicted']:>7} {r['correct']:>7}"
        print(f"{r['part']:<12} {r['links']:<10} {r['rule']:<26} {counts}  {shares}")


if __name__ == "__main__":
    main()
