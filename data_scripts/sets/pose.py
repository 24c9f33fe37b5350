"""The sets ``pose``, ``pose_pairs`` and ``pose_sequences``, and the instructor's ``pose_hidden``: articulated people over photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_scripts.builder import Builder, Content, Finding, Progress, Stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of pose.h5: of each 25 rows 19 train, 2 validate and 4 test."""
    from data_scripts.pose.content import people

    return people(count, seed, progress)


def verify(stored: Stored) -> list[Finding]:
    """Look at a finished file."""
    from data_scripts.pose.verification import findings

    return findings(stored)


def picture(stored: Stored) -> Figure:
    """Draw samples of a finished file."""
    from data_scripts.pose.contact_sheet import contact_sheet

    return contact_sheet(stored)


def lesson(stored: Stored, seed: int, progress: Progress) -> dict[str, float]:
    """Train a net under three heads; return their test errors in pixels."""
    from data_scripts.pose.lesson import lesson as train

    return train(stored, seed, progress)


def build_hidden(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of pose_hidden.h5: test pictures that students never get."""
    from data_scripts.pose.content import hidden_people

    return hidden_people(count, seed, progress)


def verify_hidden(stored: Stored) -> list[Finding]:
    """Look at a finished file of hidden pictures."""
    from data_scripts.pose.verification import hidden_findings

    return hidden_findings(stored)


def picture_hidden(stored: Stored) -> Figure:
    """Draw samples of a finished file of hidden pictures."""
    from data_scripts.pose.contact_sheet import hidden_sheet

    return hidden_sheet(stored)


def build_pairs(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of pose_pairs.h5."""
    from data_scripts.pose.content import pairs

    return pairs(count, seed, progress)


def verify_pairs(stored: Stored) -> list[Finding]:
    """Look at a finished file of pairs."""
    from data_scripts.pose.verification import pair_findings

    return pair_findings(stored)


def picture_pairs(stored: Stored) -> Figure:
    """Draw samples of a finished file of pairs."""
    from data_scripts.pose.contact_sheet import pair_sheet

    return pair_sheet(stored)


def build_sequences(count: int, seed: int, progress: Progress) -> Content:
    """Return the content of pose_sequences.h5."""
    from data_scripts.pose.content import sequences

    return sequences(count, seed, progress)


def verify_sequences(stored: Stored) -> list[Finding]:
    """Look at a finished file of sequences."""
    from data_scripts.pose.verification import sequence_findings

    return sequence_findings(stored)


def picture_sequences(stored: Stored) -> Figure:
    """Draw samples of a finished file of sequences."""
    from data_scripts.pose.contact_sheet import sequence_sheet

    return sequence_sheet(stored)


_SOURCES = ("data_scripts/pose", "data_scripts/sets/pose.py")
_PACKAGES = ("pillow", "scikit-image", "scikit-learn")
_SHARES = "of each 25 rows 19 train, 2 validate, 4 test"

BUILDERS = (
    Builder(
        name="pose",
        summary="People in 17 joints, rendered over photographs: 2-D and 3-D pose, camera, visibility, map of the limbs.",
        count=6_500,
        counted=f"pictures; {_SHARES}",
        quick_count=50,
        sources=_SOURCES,
        packages=_PACKAGES,
        build=build,
        verify=verify,
        picture=picture,
        lesson=lesson,
    ),
    Builder(
        name="pose_hidden",
        schema="pose",
        summary="Instructors alone: like pose, other people over other photographs, on which submitted nets are marked.",
        count=1_200,
        counted="pictures, all of them test pictures",
        quick_count=50,
        sources=_SOURCES,
        packages=_PACKAGES,
        build=build_hidden,
        verify=verify_hidden,
        picture=picture_hidden,
        seed=20_261,
    ),
    Builder(
        name="pose_pairs",
        summary="Two people side by side who hide each other, otherwise like pose.",
        count=1_000,
        counted=f"pictures; {_SHARES}",
        quick_count=50,
        sources=_SOURCES,
        packages=_PACKAGES,
        build=build_pairs,
        verify=verify_pairs,
        picture=picture_pairs,
    ),
    Builder(
        name="pose_sequences",
        summary="One person who moves through eight frames, ten a second, otherwise like pose.",
        count=300,
        counted=f"sequences; {_SHARES}",
        quick_count=25,
        sources=_SOURCES,
        packages=_PACKAGES,
        build=build_sequences,
        verify=verify_sequences,
        picture=picture_sequences,
    ),
)
