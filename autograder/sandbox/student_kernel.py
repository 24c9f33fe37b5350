"""The program that becomes the student's kernel: ipykernel, with the submission's folder where it can shadow nothing.

It is started as ``python -P -s student_kernel.py WORK_FOLDER -f CONNECTION_FILE …`` and imports nothing of this package,
because the package is not visible inside the walls.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(work: str, arguments: list[str]) -> None:
    """Start the kernel.

    Args:
        work: folder of the submission's files: last on ``sys.path``, so that ``import helper`` finds a file beside the
            notebook while ``torch.py`` or ``json.py`` there shadows nothing; and the working directory, but only once
            the kernel is configured, so that no start-up code looks for its settings among the submission's files.
        arguments: command line of ipykernel.
    """
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    settings = Config({"IPKernelApp": {"ignore_cwd": True}, "HistoryManager": {"hist_file": ":memory:"}})
    app = IPKernelApp.instance(config=settings)
    app.initialize(arguments)
    sys.path.append(work)
    os.chdir(work)
    if app.shell is not None:
        # IPython remembered the folder it was started in; notebooks read it to find their own place.
        app.shell.user_ns["_dh"][:] = [Path(work)]
    app.start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
