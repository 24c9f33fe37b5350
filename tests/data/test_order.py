"""Seeds, and what both loaders save and load."""

import pytest
import torch

from vislab.data.order import EpochLoader, mixed_seed, seeded


class Numbers(EpochLoader):
    """Batches of their own numbers."""

    def _batches(self, epoch: int, first: int):
        for number in range(first, len(self)):
            yield {"epoch": torch.tensor(epoch), "number": torch.tensor(number)}


def numbers(count: int = 10, batch_size: int = 3, seed: int = 0, drop_last: bool = False) -> Numbers:
    return Numbers(count, batch_size, seed=seed, shuffle=True, drop_last=drop_last)


def seen(loader: EpochLoader, stop: int = 99) -> list[tuple[int, int]]:
    found = []
    for batch in loader:
        found.append((int(batch["epoch"]), int(batch["number"])))
        if len(found) == stop:
            break
    return found


def test_seeds_are_mixed_and_reproducible() -> None:
    assert mixed_seed(1, 2, 3) == mixed_seed(1, 2, 3)
    assert len({mixed_seed(a, b) for a in range(30) for b in range(30)}) == 900
    assert mixed_seed(1, 23) != mixed_seed(12, 3)
    first = torch.rand(3, generator=seeded(torch.device("cpu"), 5, 6))
    assert torch.equal(first, torch.rand(3, generator=seeded(torch.device("cpu"), 5, 6)))


@pytest.mark.parametrize(
    ("count", "size", "kept", "dropped"), [(1, 1, 1, 1), (9, 3, 3, 3), (10, 3, 4, 3), (10, 10, 1, 1), (10, 11, 1, None)]
)
def test_the_last_batch_is_kept_or_dropped(count: int, size: int, kept: int, dropped: int | None) -> None:
    assert len(numbers(count, size)) == kept
    if dropped is None:
        with pytest.raises(ValueError, match="drop_last leaves nothing of 10 rows in batches of 11"):
            numbers(count, size, drop_last=True)
    else:
        assert len(numbers(count, size, drop_last=True)) == dropped


def test_epochs_follow_one_another_and_a_broken_one_starts_anew() -> None:
    loader = numbers()
    assert seen(loader) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert seen(loader, stop=2) == [(1, 0), (1, 1)]
    assert seen(loader) == [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert loader.epoch == 2


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_loaded_state_goes_on_where_it_was_taken(taken: int) -> None:
    whole = [*seen(numbers()), (1, 0)]
    loader, other = numbers(), numbers()
    if taken:
        seen(loader, taken)
    other.load_state_dict(loader.state_dict())
    assert seen(other) == whole[taken:4]
    assert seen(other, 1) == [(1, 0)]


def test_a_state_after_the_last_batch_leads_to_the_next_epoch() -> None:
    loader, other = numbers(), numbers()
    seen(loader, 4)
    other.load_state_dict(loader.state_dict())
    assert other.epoch == 1 and seen(other, 1) == [(1, 0)]


def test_a_state_of_another_loader_is_refused() -> None:
    state = numbers().state_dict()
    with pytest.raises(ValueError, match=r"state\['batch_size'\] is 3; this loader has 4; make the loader with the arguments of then"):
        numbers(batch_size=4).load_state_dict(state)
    with pytest.raises(ValueError, match=r"state\['seed'\] is 0; this loader has 1"):
        numbers(seed=1).load_state_dict(state)
    with pytest.raises(ValueError, match=r"state\['version'\] is 2"):
        numbers().load_state_dict(state | {"version": 2})
    with pytest.raises(ValueError, match="state holds epoch 0 and batch 5"):
        numbers().load_state_dict(state | {"batch": 5})


def test_sizes_that_make_no_sense() -> None:
    for size in (0, -1, 2.5):
        with pytest.raises(ValueError, match="batch_size .* must be a whole number of at least 1".replace(".*", ".+")):
            numbers(batch_size=size)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there are no rows to load"):
        numbers(count=0)
