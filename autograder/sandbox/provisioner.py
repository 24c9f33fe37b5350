"""The jupyter_client kernel provisioner that hands a kernel's life to its ``KernelHome``."""

from __future__ import annotations

import asyncio
import signal
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from autograder.sandbox.manager import PROVISIONER_NAME, KernelHome, SandboxKernelManager

_POLL_S = 0.05


class HomeProvisioner(LocalProvisioner):
    """Starts, watches and kills a kernel through ``manager.home``; jupyter's own process handling is not used."""

    @property
    def manager(self) -> SandboxKernelManager:
        # The factory makes each provisioner with its manager as parent.
        assert isinstance(self.parent, SandboxKernelManager)
        return self.parent

    @property
    def home(self) -> KernelHome:
        return self.manager.home

    @property
    def has_process(self) -> bool:
        return self.home.launched

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the connection info; the caller's environment and working directory are left behind."""
        kwargs.pop("cwd", None)
        return await super().pre_launch(**{**kwargs, "env": {}})

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel in its home. Runs in the caller's thread on purpose: see ``Enclosure.start``."""
        self.connection_info = {**self.connection_info, "ip": self.home.launch(cmd, self.connection_info)}
        return self.connection_info

    async def poll(self) -> int | None:
        """Return the kernel's exit status, None while it runs."""
        return self.home.poll() if self.home.launched else 0

    async def wait(self) -> int | None:
        """Wait for the kernel to end, then give back what it held; what it left running is killed."""
        while (status := await self.poll()) is None:
            await asyncio.sleep(_POLL_S)
        self.home.release()
        return status

    async def send_signal(self, signum: int) -> None:
        """Kill the kernel and all it started, for every signal but 0 (a question) and SIGINT (sent as a message)."""
        if signum == signal.SIGINT:
            await self.manager.interrupt_kernel()
        elif signum != 0:
            self.home.kill()

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and all it started."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """Do as ``kill`` does: whoever did not answer the shutdown message would not answer SIGTERM either."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Give back all that the kernel held."""
        self.home.release()

    def resolve_path(self, path_str: str) -> str | None:
        """Tell nothing about this machine's paths."""
        return None


def register() -> None:
    """Make the provisioner known to jupyter_client in this process; calling it again changes nothing.

    The wheel that students install must not carry an entry point of the autograder, so there is no installed one.
    """
    entry = EntryPoint(PROVISIONER_NAME, f"{__name__}:{HomeProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.instance().provisioners[PROVISIONER_NAME] = entry
