"""Figures of effects."""

from __future__ import annotations

from truetwin.report.figures.effect_figures import MOST_CONTRASTS, effect_scatter_figure, forest_figure


def rows(n: int) -> list[dict[str, object]]:
    return [
        {
            "contrast": f"c{k}",
            "human": 0.1 * k,
            "human_se": 0.05,
            "twin": 0.2 * k,
            "calibrated": 0.12 * k,
            "low": 0.1 * k - 0.2,
            "high": 0.1 * k + 0.3,
        }
        for k in range(n)
    ]


def test_a_forest_plot_has_a_row_a_contrast_in_the_given_order() -> None:
    axes = forest_figure(rows(5)).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["c4", "c3", "c2", "c1", "c0"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["people", "twins", "calibrated"]


def test_a_forest_plot_shows_the_largest_of_many_effects() -> None:
    axes = forest_figure(rows(MOST_CONTRASTS + 20)).axes[0]
    labels = {text.get_text() for text in axes.get_yticklabels()}
    assert len(labels) == MOST_CONTRASTS
    assert "c0" not in labels


def test_a_forest_plot_leaves_out_what_is_unknown() -> None:
    new = [{"contrast": "c", "human": None, "human_se": None, "twin": 0.2, "calibrated": None, "low": None}]
    axes = forest_figure(new).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["twins"]


def test_a_scatter_has_the_ceiling_and_correlations() -> None:
    axes = effect_scatter_figure(rows(4), ceiling=0.95, cosines={"twin": 0.6, "calibrated": 0.7}).axes[0]
    assert axes.get_title(loc="left") == "ceiling of people: r 0.95"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "twins (r 0.60)",
        "calibrated (r 0.70)",
    ]
