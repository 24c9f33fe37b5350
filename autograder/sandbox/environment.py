"""The environment variables of a kernel: a fixed list, none of them from the grader."""

from __future__ import annotations

from vislab.data.location import FOLDER_VARIABLE as DATA_VARIABLE

__all__ = ["DATA_VARIABLE", "kernel_variables"]


def kernel_variables(*, home: str, temporary: str, packages: str, programs: str, judge_socket: str | None) -> dict[str, str]:
    """Return the whole environment of a student's kernel.

    Args:
        home: home folder.
        temporary: folder for temporary files.
        packages: folder that holds the ``vislab`` package and nothing else; first on ``sys.path``.
        programs: ``PATH``.
        judge_socket: where the judge listens, as the kernel sees it; None: no judge, ``check`` runs the public cases.
    """
    variables = {
        "HOME": home,
        "USER": "student",
        "LOGNAME": "student",
        "PATH": programs,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "TMPDIR": temporary,
        "PYTHONPATH": packages,
        # Also for programs that students start: the working directory comes first nowhere.
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # A set's order must not differ between two gradings of the same notebook.
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.config/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "TRITON_INTERPRET": "1",
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")},
    }
    if judge_socket is not None:
        variables["VISLAB_JUDGE"] = judge_socket
    return variables
