"""What goes wrong on our side of the walls: never a student's fault, so never a student's zero."""

from __future__ import annotations


class SandboxMissing(RuntimeError):
    """This machine cannot build the walls at all; grading refuses to start."""


class SandboxFault(RuntimeError):
    """The walls were expected to stand and did not: the submission is GRADER_ERROR, not a student's mistake."""


class WorkFilesError(ValueError):
    """The files that a submission is to find in its working directory cannot be placed there."""


# What bubblewrap says, and what the person at this machine can do about it.
_REMEDIES = (
    (
        ("uid map", "new namespace", "RTM_NEWADDR", "Creating new namespace failed"),
        "this machine does not let this user create namespaces: run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` "
        "on Ubuntu, `sudo sysctl -w kernel.unprivileged_userns_clone=1` on Debian, start a container with `--privileged`, or grade as root",
    ),
    (("setuid mode",), "this bubblewrap is setuid root and refuses what the walls need: run `sudo chmod u-s` on it"),
    (("mount proc",), "this container hides parts of /proc: start it with `--privileged` or `--security-opt systempaths=unconfined`"),
    (("cannot be run by uid",), "the environment belongs to one user alone: run `chmod -R go+rX` on it"),
)


def remedy(reason: str) -> str:
    """Return what to do about a sandbox that did not start, from what bubblewrap or the launcher said."""
    for signs, advice in _REMEDIES:
        if any(sign in reason for sign in signs):
            return advice
    return "run `python -m autograder doctor` to see what this machine lacks"
