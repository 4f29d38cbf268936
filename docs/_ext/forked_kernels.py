"""Start the kernels of executed pages as forks of one process, which imports once what most of them import.

Each kernel is a process with names of its own, as usual. Imports would be two thirds of its work.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from importlib.metadata import EntryPoint
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

if TYPE_CHECKING:  # a kernel imports this module, too, and does not need Sphinx
    from sphinx.application import Sphinx

NAME = "forked"
#: Imported before the first fork. What is missing here is imported by each kernel that needs it.
IMPORTED = [
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "pandas",
    "scipy.stats",
    "sklearn.linear_model",
    "truetwin.evaluation",
    "truetwin.estimation.reconciliation",
    "truetwin.report.figures.calibration_figures",
]


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel on this machine as its base class does, but as a fork."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork; in ``cmd``, arguments of the kernel follow ``-m`` and its module."""
        forking = multiprocessing.get_context("forkserver")
        forking.set_forkserver_preload(IMPORTED)
        arguments = cmd[cmd.index("-m") + 2 :]
        self.cwd = kwargs.get("cwd") or os.getcwd()
        process = forking.Process(target=_run_kernel, args=(arguments, str(self.cwd)), daemon=True)
        process.start()
        self.process = _Started(process)
        self.pid = process.pid
        return self.connection_info


class _Started:
    """A process with those methods of ``subprocess.Popen`` that provisioners call."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.kill, self.terminate = process.kill, process.terminate

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self._process.pid and self._process.is_alive():
            os.kill(self._process.pid, number)


def _run_kernel(arguments: list[str], folder: str) -> None:
    """Be a kernel, until told to end or until the parent has ended."""
    import pandas
    from ipykernel.kernelapp import IPKernelApp

    pandas.set_option("display.max_columns", 20)  # as pandas chooses when a page imports it
    gc.freeze()  # what was imported is no garbage
    os.chdir(folder)
    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Let kernels be forks, on systems that can fork."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        factory = KernelProvisionerFactory.instance()
        factory.provisioners[NAME] = EntryPoint(
            NAME, f"{__name__}:{ForkedProvisioner.__name__}", factory.GROUP_NAME
        )
        factory.default_provisioner_name = NAME
    return {"parallel_read_safe": True, "parallel_write_safe": True}
