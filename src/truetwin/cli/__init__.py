"""Command line: one short module for each verb. Nothing outside this package prints."""

from __future__ import annotations

import _thread
import atexit
import errno
import gc
import io
import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
#: An error is one line, or a short list of lines to paste from; each can be read whatever a file holds.
LONGEST_LINE = 2000


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the program and exit with status 0 if everything was done, 1 if not, 2 for wrong use or bad input."""
    if arguments is None:
        _collect_rarely()
        arguments = sys.argv[1:]
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"] or ["--help"]
    _prepare_streams()
    _hear_dropped_interrupts()
    signal.signal(signal.SIGTERM, _terminate)
    hangup = getattr(signal, "SIGHUP", None)  # absent on Windows; ignored under nohup, and it stays so
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        signal.signal(hangup, _terminate)
    # Use one BLAS thread unless the user says otherwise, because whole processes share the work (--n-jobs).
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    sys.exit(_run(arguments, debug))


def _collect_rarely() -> None:
    """Look for garbage only in long runs, and not at all at the end, when the process gives all its memory back.

    A search passes over every object of every library; a job makes about half a million of them. Nearly everything
    is freed without a search. What only a search would free is at most a million small objects, some 100 MB.
    """
    gc.set_threshold(1_000_000)
    atexit.register(gc.freeze)


def _hear_dropped_interrupts() -> None:
    """Interrupt once more where Python drops an interrupt, as it does in callbacks of C libraries and in finalisers.

    Another thread does so a moment later: from within the hook, the interrupt would be dropped again.
    """
    usual, main_thread = sys.unraisablehook, _thread.get_ident()

    def again() -> None:
        time.sleep(0.01)
        if hasattr(signal, "pthread_kill"):  # absent on Windows; it wakes a main thread that waits
            signal.pthread_kill(main_thread, signal.SIGINT)
        else:
            _thread.interrupt_main()

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(again, ())
        else:
            usual(dropped)

    sys.unraisablehook = hook


def _prepare_streams() -> None:
    """Let nothing that is printed be an error.

    What a caller has closed (``>&-``), and Python then lacks, swallows everything. Characters that the encoding of a
    terminal does not have are written as escapes.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: list[str], debug: bool) -> int:
    import typer

    from truetwin.cli.app import app
    from truetwin.cli.standard_input import with_standard_input
    from truetwin.errors import TruetwinError

    try:
        with with_standard_input(arguments) as given:
            result = app(args=given, prog_name="truetwin", standalone_mode=False)
        sys.stdout.flush()
        code = result if isinstance(result, int) else 0
    except typer.Exit as stop:
        code = stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (TruetwinError, typer.TyperException, MemoryError, OSError) as error:
        if debug:
            raise
        print(f"error: {_listed(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        if debug:
            raise
        print(
            f"internal error: {type(error).__name__}: {_one_line(_said(error))} (run again with --debug for details)",
            file=sys.stderr,
        )
        return 1
    if code == INTERRUPTED:  # typer turns the interrupt into this code too
        print("interrupted", file=sys.stderr)
    return code


def _listed(error: BaseException) -> str:
    """Write an error as one line, or as the lines of a list that it has."""
    from truetwin.errors import DataError

    listed = isinstance(error, DataError) and error.lines
    return "\n".join(map(_one_line, listed or [_said(error)]))


def _one_line(text: str) -> str:
    from truetwin.cli.output import printable

    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def _said(error: BaseException) -> str:
    from truetwin.errors import TruetwinError

    if isinstance(error, MemoryError):
        return f"not enough memory ({error})"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"a name between two slashes may have 255 bytes, and this one has more: {error.filename}"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, TruetwinError):
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error.format_message()) if hasattr(error, "format_message") else str(error)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
