"""Say in sentences which answers a calibration leaves alone."""

from __future__ import annotations

import numpy as np

from truetwin.calibration.calibration_result import Calibration


def left_alone(result: Calibration) -> list[str]:
    """Say what a user might expect to be predicted and is not, and which inferred scales limit predictions."""
    panel = result.panel
    texts = []
    missing = np.isnan(panel.human_values) & np.isfinite(panel.twin_values)
    new_items = [panel.item_ids.index(i) for i in panel.new_items]
    new_rows = [panel.respondent_ids.index(r) for r in panel.new_respondents]
    corner = int((missing & np.isnan(result.grid))[np.ix_(new_rows, new_items)].sum())
    missing[:, new_items], missing[new_rows, :] = False, False
    gaps = int(missing.sum())
    if gaps:
        texts.append(f"{gaps} gaps in items that other people have answered were left as they are")
    if corner:
        texts.append(
            f"{corner} answers of new respondents to new items were not predicted: they have no donor"
        )
    notes = result.notes()
    limited = [r for r in notes if r.get("scale_inferred") and r.get("n_clipped")]
    if limited:
        worst = max(limited, key=lambda r: r["n_clipped"])
        texts.append(
            f"scales were inferred from the answers and limit predictions of {len(limited)} items, most of all "
            f"{worst['target']!r} ({worst['scale']}: {worst['n_clipped']} predictions); if the real scale is wider, "
            f"declare it in an --item-file with the columns item_id,low,high"
        )
    weak = [record for record in notes if "weak" in record and record["n_predicted"]]
    if weak:
        texts.append(
            f"intervals of {len(weak)} new items may hold less than they say, for instance of {weak[0]['target']!r}: "
            f"{weak[0]['weak']}"
        )
    return texts
