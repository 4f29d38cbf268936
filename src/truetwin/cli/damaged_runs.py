"""Verbs `truetwin runs check` and `recover`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.runs_settings import RunsCheckCommand, RunsRecoverCommand

if TYPE_CHECKING:
    from truetwin.llm.store.salvage import Salvage


@verb(RunsCheckCommand)
def check_command(settings: RunsCheckCommand) -> int:
    """Check whether a stored run is damaged, and say what of it can be saved.

    Every page, checksum and index is read; nothing is changed. Stop processes that work on the run first. The exit
    status is 1 if something is damaged.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.llm.store.run_folder import existing_run
    from truetwin.llm.store.salvage import salvage

    file = existing_run(settings.run)
    found = salvage(file)
    if settings.as_json:
        print_json("runs check", {"run": str(file)}, [_row(found)])
        return 1 if found.fault else 0
    if found.fault is None:
        note(f"{file} is whole: {len(found.calls):,} calls, {found.replies:,} with a reply")
        return 0
    note(f"damaged: {found.fault}")
    _say_what_is_saved(found)
    note(f"`truetwin runs recover {settings.run} --output NEW` saves it; the old file stays as it is")
    return 1


@verb(RunsRecoverCommand)
def recover_command(settings: RunsRecoverCommand) -> int:
    """Save what can be read of a damaged run in a new folder.

    The command that made the run then continues it (`--run NEW`): it asks what is lost, and nothing else. Waits for a
    provider's batches are not kept. The exit status is 1 if something is lost.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.errors import OutputError
    from truetwin.io import make_folder
    from truetwin.llm.store.run_file import FILE_NAME
    from truetwin.llm.store.run_folder import existing_run
    from truetwin.llm.store.salvage import salvage, save

    file, output = existing_run(settings.run), settings.output
    if output.exists() and (not output.is_dir() or (output / FILE_NAME).exists()):
        raise OutputError(f"--output must be a folder without a run; {output} is none. Name a new one.")
    found = salvage(file)
    make_folder(output, "the new run")
    save(found, output)
    if settings.as_json:
        print_json("runs recover", {"run": str(file), "output": str(output)}, [_row(found)])
    else:
        _say_what_is_saved(found)
        note(f"written: {output / FILE_NAME}; the command that made the run continues it with --run {output}")
    return 0 if found.is_whole else 1


def _say_what_is_saved(found: Salvage) -> None:
    from truetwin.cli.output import note

    note(
        f"can be saved: {len(found.calls):,} calls, {found.replies:,} of them with a reply; the settings of "
        f"{', '.join(sorted(found.settings)) or 'no step (the command that made the run writes them again)'}"
    )
    if found.lost:
        some = ", ".join(f"{persona} {item}" for _, persona, item, _ in sorted(found.lost)[:3])
        more = ", ..." if len(found.lost) > 3 else ""
        note(f"lost: {len(found.lost):,} calls, which were paid and will be asked again ({some}{more})")
    if found.unreadable:
        note(f"rows that cannot be read: {found.unreadable:,}, of which some may be among the lost")
    if without := found.prompts_lost:
        note(f"the prompts of {without:,} saved calls cannot be shown any more; their replies can")


def _row(found: Salvage) -> dict[str, Any]:
    return {
        "damaged": found.fault is not None,
        "fault": found.fault,
        "calls": len(found.calls),
        "replies": found.replies,
        "steps": sorted(found.settings),
        "lost": len(found.lost),
        "unreadable_rows": found.unreadable,
        "prompts_lost": found.prompts_lost,
    }
