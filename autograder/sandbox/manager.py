"""Jupyter's side of a sandboxed kernel: the manager that nbclient drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import traitlets
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

from autograder.sandbox.messages import StrictSession

PROVISIONER_NAME = "vislab-bwrap"
# The kernel keeps nothing that is worth a farewell: after this it is killed.
SHUTDOWN_S = 0.5


class KernelHome(Protocol):
    """Where a kernel runs: ``Sandbox`` behind walls, ``PlainSandbox`` without."""

    def argv(self) -> list[str]:
        """Return the kernel's command line, paths as the kernel sees them."""

    def launch(self, argv: Sequence[str], info: Mapping[str, Any]) -> str:
        """Start the kernel with jupyter's connection info; return the ``ip`` under which its sockets are reached."""

    def poll(self) -> int | None:
        """Return the kernel's exit status, None while it runs."""

    @property
    def launched(self) -> bool:
        """Tell whether a kernel has been started and not yet released."""

    @property
    def connection_file(self) -> str:
        """Return a path, private to the grader, for jupyter's own copy of the connection info."""

    def adopt(self, manager: SandboxKernelManager) -> None:
        """Remember a manager, to be closed when the run is over."""

    def kill(self) -> None:
        """Kill the kernel and everything it started."""

    def release(self) -> None:
        """Kill what is left and give back all that the kernel held."""


class SandboxKernelManager(AsyncKernelManager):
    """A kernel manager whose kernel lives in a ``KernelHome``.

    The kernel specification is made here and never read from a notebook or from this machine's installed kernels:
    whatever a submission names in its metadata, this kernel runs.
    """

    home: KernelHome = traitlets.Any()  # type: ignore[assignment]

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._clients: list[AsyncKernelClient] = []
        self.home.adopt(self)

    def client(self, **traits: Any) -> AsyncKernelClient:  # type: ignore[override]
        """Return a client connected to the kernel; it is closed with the manager at the latest."""
        made = super().client(**traits)
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Close what this manager and its clients hold open; nbclient leaves both open when it was given a manager."""
        for made in self._clients:
            if made.channels_running:
                made.stop_channels()
        self._close_control_socket()
        if self._created_context and not self.context.closed:
            self.context.destroy(linger=0)

    @default("session")
    def _strict_session(self) -> StrictSession:
        return StrictSession(parent=self)

    @default("transport")
    def _transport_default(self) -> str:
        return "ipc"

    @default("connection_file")
    def _connection_file_default(self) -> str:
        return self.home.connection_file

    @default("ip")
    def _ip_default(self) -> str:
        # Replaced at launch by the address that the home returns.
        return self.home.connection_file.removesuffix(".json")

    @default("shutdown_wait_time")
    def _shutdown_wait_time_default(self) -> float:
        return SHUTDOWN_S

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=self.home.argv(),
            display_name="Vislab",
            language="python",
            # A signal would have to cross the walls; the kernel's control thread can interrupt its own main thread.
            interrupt_mode="message",
            metadata={"kernel_provisioner": {"provisioner_name": PROVISIONER_NAME}},
        )


def manager_class(home: KernelHome) -> type[SandboxKernelManager]:
    """Return a manager class bound to one home, for callers that take a class (``NotebookClient.kernel_manager_class``)."""

    class BoundKernelManager(SandboxKernelManager):
        @default("home")
        def _home_default(self) -> KernelHome:
            return home

    return BoundKernelManager
