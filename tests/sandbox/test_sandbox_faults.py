from __future__ import annotations

import pytest

from autograder.sandbox.faults import remedy


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns=0"),
        ("bwrap: No permissions to create new namespace, likely because ...", "unprivileged_userns_clone=1"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "--privileged"),
        ("bwrap: The --size option is not permitted in setuid mode", "sudo chmod u-s"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
        ("PermissionError: /env/bin/python cannot be run by uid 7", "chmod -R go+rX"),
        ("something never seen", "python -m autograder doctor"),
    ],
)
def test_what_bubblewrap_says_becomes_what_to_do(said: str, advice: str) -> None:
    assert advice in remedy(said)
