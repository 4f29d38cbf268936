"""Verb `truetwin reproduce`."""

from __future__ import annotations

from truetwin.cli.verbs import verb
from truetwin.settings.option_list import options_of
from truetwin.settings.program_settings import ReproduceCommand

#: Settings that go with each kind of table or figure. A setting has no value unless the user gives it.
GOES_WITH = {
    "individual": {"construction", "dataset", "methods"},
    "marginals": {"dataset", "trained_on", "folder", "figures"},
    "figure": {"figures"},
    "hyperparameters": set(),
    "voice": {"answers", "bert_model", "bert_layer"},
    "voice-statistics": set(),
    "voice-people": {"answers", "key", "annotators"},
    "voice-figure": {"answers", "annotations", "figures"},
}


@verb(ReproduceCommand)
def reproduce_command(settings: ReproduceCommand) -> int | None:
    """Recompute a table of the papers, each cell beside the published one; or a figure, with its data."""
    kind = _kind(settings.table)
    _check_what_goes_together(settings, kind)
    if kind == "individual":
        from truetwin.cli.reproduce_individual import reproduce_individual

        reproduce_individual(settings)
    elif kind == "marginals":
        from truetwin.cli.reproduce_marginals import reproduce_marginal_table

        reproduce_marginal_table(settings)
    elif kind == "hyperparameters":
        from truetwin.cli.reproduce_hyperparameters import reproduce_hyperparameter_table

        reproduce_hyperparameter_table(settings)
    elif kind == "voice":
        from truetwin.cli.reproduce_voice import reproduce_voice_table

        reproduce_voice_table(settings)
    elif kind == "voice-statistics":
        from truetwin.cli.reproduce_voice import reproduce_voice_statistics

        reproduce_voice_statistics(settings)
    elif kind == "voice-people":
        from truetwin.cli.reproduce_voice import reproduce_voice_people

        return reproduce_voice_people(settings)
    else:
        from truetwin.cli.reproduce_figures import reproduce_figure

        reproduce_figure(settings)
    return None


def _check_what_goes_together(settings: ReproduceCommand, kind: str) -> None:
    from truetwin.errors import ParameterError

    some = set().union(*GOES_WITH.values())
    for option in options_of(ReproduceCommand):
        name = option.parameter
        if name in some and getattr(settings, name) and name not in GOES_WITH[kind]:
            raise ParameterError(f"{option.name} does not go with {settings.table}")


def _kind(table: str) -> str:
    from truetwin.errors import UnknownNameError
    from truetwin.registry import closest
    from truetwin.report.figures.paper_figures import PAPER_FIGURES, VOICE_FIGURE
    from truetwin.reproduction import TABLES
    from truetwin.reproduction.hyperparameters import HYPERPARAMETER_TABLES
    from truetwin.reproduction.marginal_tables import MARGINAL_TABLES
    from truetwin.reproduction.voice_people import PEOPLE_TABLES
    from truetwin.reproduction.voice_statistics import STATISTICS_TABLE
    from truetwin.reproduction.voice_tables import VOICE_TABLES

    kinds = {
        "individual": TABLES,
        "marginals": MARGINAL_TABLES,
        "hyperparameters": HYPERPARAMETER_TABLES,
        "figure": PAPER_FIGURES,
        "voice-statistics": (STATISTICS_TABLE,),
        "voice": VOICE_TABLES,
        "voice-people": PEOPLE_TABLES,
        "voice-figure": (VOICE_FIGURE,),
    }
    for kind, names in kinds.items():
        if table in names:
            return kind
    known = [name for names in kinds.values() for name in names]
    raise UnknownNameError(
        f"no table or figure named {table!r}.{closest(table, known)} There are {', '.join(known)}."
    )
