"""Seeds: keyed, separated by purpose, and never to be read off what is published."""

from __future__ import annotations

import hashlib
import hmac
import itertools

import pytest

from autograder.exercise.seeds import SeedSource

SECRET = b"a course secret of 32 bytes, yes"
HASH = "ab" * 32


def source(secret: bytes = SECRET, submission: str = HASH) -> SeedSource:
    return SeedSource(secret, submission)


def test_a_case_seed_is_the_hmac_that_is_promised() -> None:
    parts = (b"inputs", HASH.encode(), b"toy.a", b"one")
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert source().case_seed("toy.a", "one") == hmac.new(SECRET, message, hashlib.sha256).digest()


def test_every_part_and_purpose_gives_another_seed() -> None:
    seeds = set()
    for secret, submission, exercise, case in itertools.product((SECRET, SECRET[::-1]), (HASH, "cd" * 32), ("t.a", "t.b"), ("one", "two")):
        made = source(secret, submission)
        seeds |= {made.case_seed(exercise, case), made.cotangent_seed(exercise, case), made.order_seed(exercise)}
    assert len(seeds) == 16 + 16 + 8
    assert source().case_seed("t.a", "one") == source().case_seed("t.a", "one")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", ""), ("", "a")),
        (("a\0", "b"), ("a", "\0b")),
        (("a", "b\x00\x00\x00\x01c"), ("a\x00\x00\x00\x01b", "c")),
        (("ä", "b"), ("a", "\u0308b")),
    ],
)
def test_no_two_pairs_of_names_run_together(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert source().case_seed(*one) != source().case_seed(*other)
    assert source().call_seed(*one) != source().call_seed(*other)


def test_a_hash_and_a_name_do_not_run_together() -> None:
    assert source(submission="ab").case_seed("c", "d") != source(submission="a").case_seed("bc", "d")


def test_call_seeds_fit_every_generator_and_say_nothing_of_the_inputs() -> None:
    seeds = [source().call_seed("t.a", f"case {i}") for i in range(200)]
    assert all(0 <= seed < 2**31 for seed in seeds) and len(set(seeds)) == 200
    for i, seed in enumerate(seeds):
        assert seed.to_bytes(4, "big") not in source().case_seed("t.a", f"case {i}")


def test_a_fingerprint_is_public_and_holds_no_seed() -> None:
    seed = source().case_seed("t.a", "one")
    mark = source().fingerprint("t.a", "one")
    assert len(mark) == 16 and int(mark, 16) >= 0
    assert mark not in seed.hex() and mark != hashlib.sha256(seed).hexdigest()[:16]
    assert mark == source().fingerprint("t.a", "one") != source().fingerprint("t.a", "two")
    assert mark != source(secret=SECRET[::-1]).fingerprint("t.a", "one")


@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_short_secret_is_refused(length: int) -> None:
    with pytest.raises(
        ValueError, match=rf"the course secret has {length} bytes; at least 16 are needed; make one with 'python -m autograder doctor"
    ):
        source(b"x" * length)
    assert source(b"x" * 16).case_seed("a", "b")


def test_the_secret_does_not_show_in_a_traceback() -> None:
    assert "secret" not in repr(source()) and SECRET.decode() not in repr(source())
