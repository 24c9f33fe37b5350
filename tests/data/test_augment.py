"""Augmentations: what moves moves together, twice a flip is nothing, and every draw comes from the generator."""

from dataclasses import replace

import pytest
import torch

from vislab.data.assembly import assemble, make_recipe
from vislab.data.augment import LUMA, AffineJitter, Augmentation, ColourJitter, Cutout
from vislab.data.info import FieldInfo, mirror_by_name
from vislab.data.moves import swap_joints

HEIGHT, WIDTH, JOINTS = 40, 48, 4
MIRROR = (0, 2, 1, 3)
POSE = {
    "img": FieldInfo("img", "uint8", (3, HEIGHT, WIDTH), "intensity 0-255", "RGB"),
    "pose_2d": FieldInfo("pose_2d", "float32", (JOINTS, 2), "pixel", "joints", "pixel", mirror=MIRROR),
    "pose_3d": FieldInfo("pose_3d", "float32", (JOINTS, 3), "metre", "joints", "camera_root", mirror=MIRROR),
    "root": FieldInfo("root", "float32", (3,), "metre", "root", "camera"),
    "camera": FieldInfo("camera", "float32", (4,), "pixel", "fx fy cx cy"),
    "visible": FieldInfo("visible", "bool", (JOINTS,), "1", "seen", mirror=MIRROR),
    "limb": FieldInfo("limb", "int8", (HEIGHT, WIDTH), "1", "part", label=True, mirror=(1, 0, 2)),
}
FLAT = {name: POSE[name] for name in ("img", "pose_2d", "visible")}
STRONG = AffineJitter(rotation_rad=0.6, scale=(0.8, 1.25), shift=(0.1, 0.1), shear_rad=0.2, padding="zeros")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussians(points: torch.Tensor, sigma: float = 1.5) -> torch.Tensor:
    """Images with a blob at each row's first three points, one in each channel, uint8."""
    x, y = torch.arange(WIDTH), torch.arange(HEIGHT)
    squared = (x - points[..., 0, None, None]) ** 2 + (y[:, None] - points[..., 1, None, None]) ** 2
    return (255 * torch.exp(-squared[:, :3] / (2 * sigma**2))).round().to(torch.uint8)


def found(images: torch.Tensor) -> torch.Tensor:
    """Centre of mass of each channel."""
    x, y = torch.arange(WIDTH), torch.arange(HEIGHT)
    mass = images.sum((-1, -2))
    return torch.stack([(images * x).sum((-1, -2)) / mass, (images * y[:, None]).sum((-1, -2)) / mass], -1)


def batch(count: int = 16, seed: int = 1) -> dict[str, torch.Tensor]:
    draw = generator(seed)
    points = torch.rand(count, JOINTS, 2, generator=draw) * torch.tensor([16.0, 12.0]) + torch.tensor([16.0, 14.0])
    return {
        "img": gaussians(points),
        "pose_2d": points,
        "visible": torch.rand(count, JOINTS, generator=draw) < 0.7,
    }


def run(stored, augmentation: Augmentation, info=None, seed: int = 0, normalise=None) -> dict[str, torch.Tensor]:
    info = info or {name: POSE[name] for name in stored}
    return assemble(stored, make_recipe(info, normalise, torch.float32, augmentation), generator(seed))


@pytest.mark.parametrize(
    "augmentation", [Augmentation(flip=1.0), Augmentation(affine=STRONG), Augmentation(0.5, STRONG)], ids=["flip", "affine", "both"]
)
def test_a_joint_is_found_again_where_its_picture_went(augmentation: Augmentation) -> None:
    stored = batch(64)
    # without a mirror of joints each channel keeps its joint, so that blob and joint can be compared by number.
    info = {name: replace(field, mirror=(0, 1, 2, 3)) for name, field in FLAT.items()}
    result = run(stored, augmentation, info)
    off = (found(result["img"]) - result["pose_2d"][:, :3]).norm(dim=-1)
    assert off.max() < 0.06
    # the control: joints left where they were are pixels away.
    assert (found(result["img"]) - stored["pose_2d"][:, :3]).norm(dim=-1).mean() > 2


def test_twice_a_flip_is_nothing() -> None:
    draw = generator(3)
    stored = {
        "img": torch.randint(0, 256, (9, 3, HEIGHT, WIDTH), generator=draw, dtype=torch.uint8),
        "pose_2d": 40 * torch.rand(9, JOINTS, 2, generator=draw),
        "pose_3d": torch.randn(9, JOINTS, 3, generator=draw),
        "root": torch.randn(9, 3, generator=draw),
        "camera": 50 * torch.rand(9, 4, generator=draw),
        "visible": torch.rand(9, JOINTS, generator=draw) < 0.5,
        "limb": torch.randint(-1, 3, (9, HEIGHT, WIDTH), generator=draw).to(torch.int8),
    }
    once = run(stored, Augmentation(flip=1.0))
    again = {name: values.to(stored[name].dtype) for name, values in once.items()}
    again["img"] = (once["img"] * 255).round().to(torch.uint8)
    twice = run(again, Augmentation(flip=1.0))
    for name, values in stored.items():
        expected = values / 255 if name == "img" else values.long() if name == "limb" else values
        assert torch.allclose(twice[name].double(), expected.double(), atol=1e-5), name
        assert not torch.allclose(once[name].double(), expected.double(), atol=1e-2), name


def test_a_flip_swaps_left_and_right() -> None:
    stored = batch(5)
    result = run(stored, Augmentation(flip=1.0))
    left, right = 1, 2
    assert torch.allclose(result["pose_2d"][:, left, 0], WIDTH - 1 - stored["pose_2d"][:, right, 0])
    assert torch.equal(result["pose_2d"][:, left, 1], stored["pose_2d"][:, right, 1])
    assert torch.equal(result["visible"], stored["visible"][:, list(MIRROR)])
    assert torch.equal(swap_joints(swap_joints(stored["pose_2d"], MIRROR, -2), MIRROR, -2), stored["pose_2d"])
    # a cycle of three is no mirror: the involution fails.
    cycle = (1, 2, 0, 3)
    assert not torch.equal(swap_joints(swap_joints(stored["pose_2d"], cycle, -2), cycle, -2), stored["pose_2d"])


def test_a_flipped_pose_still_projects_onto_its_picture() -> None:
    draw = generator(5)
    pose_3d = 0.5 * torch.randn(6, JOINTS, 3, generator=draw)
    root = torch.tensor([0.2, -0.1, 4.0]).expand(6, 3)
    camera = torch.tensor([60.0, 62.0, 20.0, 19.0]).expand(6, 4)

    def project(space: torch.Tensor, root: torch.Tensor, camera: torch.Tensor) -> torch.Tensor:
        placed = space + root[:, None]
        return camera[:, None, :2] * placed[..., :2] / placed[..., 2:] + camera[:, None, 2:]

    stored = {
        "img": torch.zeros(6, 3, HEIGHT, WIDTH, dtype=torch.uint8),
        "pose_2d": project(pose_3d, root, camera),
        "pose_3d": pose_3d,
        "root": root,
        "camera": camera,
    }
    result = run(stored, Augmentation(flip=0.5))
    assert torch.allclose(project(result["pose_3d"], result["root"], result["camera"]), result["pose_2d"], atol=1e-4)
    assert not torch.allclose(result["pose_2d"], stored["pose_2d"])


def test_flip_and_warp_in_one_resampling_equal_flip_then_warp() -> None:
    stored = batch(8)
    flipped = {"img": stored["img"].flip(-1), "pose_2d": stored["pose_2d"].clone()}
    flipped["pose_2d"][..., 0] = WIDTH - 1 - flipped["pose_2d"][..., 0]
    info = {name: replace(FLAT[name], mirror=(0, 1, 2, 3)) for name in flipped}
    both = run({name: stored[name] for name in flipped}, Augmentation(1.0, STRONG), info)
    warp_alone = run(flipped, Augmentation(0.0, STRONG), info)
    for name in flipped:
        assert torch.allclose(both[name], warp_alone[name], atol=1e-4)


def test_masks_move_with_the_picture_and_stay_whole() -> None:
    stored = batch(12)
    stored["limb"] = torch.where(stored["img"][:, 0] > 127, 1, -1).to(torch.int8)
    info = {"img": POSE["img"], "pose_2d": POSE["pose_2d"], "limb": replace(POSE["limb"], mirror=(0, 1, 2))}
    result = run({name: stored[name] for name in info}, Augmentation(0.5, STRONG), info)
    assert set(result["limb"].unique().tolist()) <= {-1, 1}
    # the warped mask and the mask of the warped picture differ at the rim alone.
    assert ((result["limb"] == 1) != (result["img"][:, 0] > 0.5)).float().sum((-1, -2)).max() <= 6
    assert (result["limb"] == 1).any()


def test_joints_that_leave_the_image_or_lie_under_the_hole_are_not_visible() -> None:
    stored = batch(200) | {"visible": torch.ones(200, JOINTS, dtype=torch.bool)}
    far = AffineJitter(shift=(0.6, 0.6))
    result = run(stored, Augmentation(affine=far))
    x, y = result["pose_2d"].unbind(-1)
    inside = (x >= -0.5) & (x < WIDTH - 0.5) & (y >= -0.5) & (y < HEIGHT - 0.5)
    assert torch.equal(result["visible"], inside) and 0.2 < inside.float().mean() < 0.9
    holes = run(stored, Augmentation(cutout=Cutout(0.6, 1.0, fill=0.5)))
    place = stored["pose_2d"].round().long()
    under = (
        holes["img"].gather(-2, place[:, None, :, 1, None].expand(-1, 3, -1, WIDTH)).gather(-1, place[:, None, :, :1].expand(-1, 3, -1, -1))
    )
    covered = (under[..., 0] == 0.5).all(1)
    assert torch.equal(~holes["visible"], covered) and 0.05 < covered.float().mean() < 0.6


def test_outlines_move_with_the_picture_and_stay_clockwise() -> None:
    mean, scale = (23.0, 19.0), (8.0, 7.0)
    angle = torch.arange(96) / 96 * 2 * torch.pi
    pixels = torch.stack([23 + 9 * torch.cos(angle), 19 + 5 * torch.sin(angle)]).expand(7, 2, 96)
    turned = torch.tensor([1.0, -1.0])[:, None]
    outline = (pixels - torch.tensor(mean)[:, None]) / torch.tensor(scale)[:, None] * turned
    outline = torch.cat([outline, torch.zeros(1, 2, 96)])
    x, y = torch.meshgrid(torch.arange(WIDTH), torch.arange(HEIGHT), indexing="xy")
    disc = (((x - 23) / 9) ** 2 + ((y - 19) / 5) ** 2 <= 1).to(torch.uint8) * 255
    info = {
        "img": POSE["img"],
        "polygon": FieldInfo("polygon", "float32", (2, 96), "1", "outline", "standardised_y_up", mean=mean, scale=scale),
    }
    stored = {"img": disc.expand(8, 3, -1, -1).contiguous(), "polygon": outline}
    for augmentation in (Augmentation(1.0), Augmentation(0.5, STRONG)):
        result = run(stored, augmentation, info)
        assert torch.equal(result["polygon"][7], torch.zeros(2, 96)), "no outline stays no outline"
        back = result["polygon"][:7] * turned * torch.tensor(scale)[:, None] + torch.tensor(mean)[:, None]
        assert (back.mean(-1) - found(result["img"])[:7, 0]).norm(dim=-1).max() < 0.15
        up = result["polygon"][:7]
        area = 0.5 * (up[:, 0] * up[:, 1].roll(-1, -1) - up[:, 0].roll(-1, -1) * up[:, 1]).sum(-1)
        assert (area < 0).all(), "clockwise on the screen"


def test_colour_against_the_steps_one_by_one() -> None:
    stored = {"img": torch.randint(0, 256, (32, 3, HEIGHT, WIDTH), generator=generator(2), dtype=torch.uint8)}
    augmentation = Augmentation(colour=ColourJitter(0.6, 0.5, 0.9), cutout=Cutout(fill=0.25))
    normalise = ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])
    result = run(stored, augmentation, normalise=normalise)["img"]
    draws = augmentation.draw(32, (HEIGHT, WIDTH), generator(0), torch.device("cpu"))
    saturation, gain, offset = (draws.colour[:, part, None, None, None].double() for part in range(3))
    expected = stored["img"].double() / 255
    grey = (expected * torch.tensor(LUMA).double()[:, None, None]).sum(1, keepdim=True)
    expected = (grey + saturation * (expected - grey)) * gain + offset
    expected = expected.clamp(0, 1)
    holes = 0
    for row, (x0, y0, x1, y1) in enumerate(draws.hole.int().tolist()):
        expected[row, :, y0:y1, x0:x1] = 0.25
        holes += x1 > x0
    mean, std = (torch.tensor(numbers).double()[:, None, None] for numbers in normalise)
    assert (result - (expected - mean) / std).abs().max() < 1e-5
    assert 5 < holes < 27


@pytest.mark.parametrize("flip", [0.0, 0.3, 1.0])
def test_the_share_of_flips(flip: float) -> None:
    draws = Augmentation(flip).draw(4000, (4, 4), generator(), torch.device("cpu"))
    share = 0.0 if draws.mirrored is None else draws.mirrored.float().mean().item()
    # four standard deviations of 4,000 draws.
    assert abs(share - flip) <= 4 * (flip * (1 - flip) / 4000) ** 0.5


def test_holes_lie_inside_and_cover_what_they_may() -> None:
    hole = Augmentation(cutout=Cutout(0.5, 0.75)).draw(4000, (HEIGHT, WIDTH), generator(), torch.device("cpu")).hole
    width, height = hole[:, 2] - hole[:, 0], hole[:, 3] - hole[:, 1]
    real = width > 0
    assert abs(real.float().mean() - 0.75) < 0.03
    assert hole.min() == 0 and hole[:, 2].max() == WIDTH and hole[:, 3].max() == HEIGHT
    assert width[real].min() == WIDTH // 6 and width.max() == WIDTH // 2 and height.max() == HEIGHT // 2


def test_every_draw_comes_from_the_generator() -> None:
    stored = batch(8)
    augmentation = Augmentation(0.5, STRONG, ColourJitter(0.2, 0.2, 0.2), Cutout())
    before = torch.random.get_rng_state()
    first, second, other = run(stored, augmentation), run(stored, augmentation), run(stored, augmentation, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["img"], other["img"]) and not torch.equal(first["pose_2d"], other["pose_2d"])
    # one step more leaves the draws of the others alone.
    device = torch.device("cpu")
    alone = Augmentation(0.5).draw(8, (4, 4), generator(), device).mirrored
    assert torch.equal(alone, augmentation.draw(8, (4, 4), generator(), device).mirrored)
    recipe = make_recipe(FLAT, None, torch.float32, augmentation)
    with pytest.raises(ValueError, match="generator is None; an augmentation draws from it"):
        assemble(stored, recipe, None)


def test_what_was_stored_is_left_alone() -> None:
    stored = batch(8)
    kept = {name: values.clone() for name, values in stored.items()}
    run(stored, Augmentation(0.5, STRONG, ColourJitter(0.2), Cutout()))
    assemble(stored, make_recipe(FLAT, ([0.5], [0.5]), torch.float32, None), None)
    assert all(torch.equal(stored[name], kept[name]) for name in stored)


@pytest.mark.parametrize("count", [0, 1])
def test_small_batches(count: int) -> None:
    augmentation = Augmentation(0.5, STRONG, ColourJitter(0.2, 0.2, 0.2), Cutout())
    result = run({name: values[:count] for name, values in batch(2).items()}, augmentation)
    assert result["img"].shape == (count, 3, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("augmentation", "info", "told"),
    [
        (
            Augmentation(0.5),
            {"tokens": FieldInfo("tokens", "uint8", (5, 8), "1", "words")},
            "tokens tells of places in the image as they were",
        ),
        (Augmentation(affine=STRONG), {"pose_3d": POSE["pose_3d"]}, "pose_3d cannot follow affine jitter: no camera would see it so"),
        (Augmentation(affine=STRONG), {"visible": POSE["visible"]}, "visible follows affine jitter only together with pose_2d"),
        (
            Augmentation(0.5),
            {"pose_2d": replace(POSE["pose_2d"], mirror=None)},
            "pose_2d has left and right, but the file does not say which",
        ),
        (Augmentation(0.5), {"limb": replace(POSE["limb"], mirror=None)}, "limb has left and right, but the file does not say which"),
        (
            Augmentation(0.5),
            {"polygon": FieldInfo("polygon", "float32", (2, 96), "1", "outline")},
            "polygon has no known place in the image",
        ),
    ],
)
def test_what_cannot_follow_is_refused_with_the_remedy(augmentation: Augmentation, info: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        augmentation.check({"img": POSE["img"], **info})
    assert "leave it out with fields=[...]" in str(error.value)
    # colour and cutout move nothing.
    Augmentation(colour=ColourJitter(0.1), cutout=Cutout()).check({"img": POSE["img"], **info})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Augmentation(flip=1.5), "flip 1.5 must be a probability"),
        (lambda: AffineJitter(rotation_rad=30), r"rotation_rad 30 must lie in \[0, pi\]; convert degrees with math.radians"),
        (lambda: AffineJitter(scale=(0.0, 1.0)), r"scale \(0.0, 1.0\) must be \(smallest, largest\), both positive"),
        (lambda: AffineJitter(shift=(-0.1, 0.0)), "shift .+ must hold two shares of at least 0"),
        (lambda: AffineJitter(shear_rad=float("nan")), "shear_rad nan must lie in"),
        (lambda: AffineJitter(padding="wrap"), "padding 'wrap' must be one of zeros, border, reflection"),
        (lambda: ColourJitter(contrast=2.0), r"contrast 2.0 must lie in \[0, 1\]: factors are drawn from 1 - contrast to 1 \+ contrast"),
        (lambda: Cutout(share=0.0), r"share 0.0 must lie in \(0, 1\]"),
        (lambda: Cutout(fill=128), "fill 128 must lie in"),
    ],
)
def test_settings_that_make_no_sense(make, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


def test_saturation_needs_three_channels() -> None:
    info = {"img": replace(POSE["img"], shape=(1, 28, 28))}
    with pytest.raises(ValueError, match="saturation needs three channels, img has 1; set saturation to 0"):
        make_recipe(info, None, torch.float32, Augmentation(colour=ColourJitter(saturation=0.1)))
    make_recipe(info, None, torch.float32, Augmentation(colour=ColourJitter(0.1, 0.1)))


def test_images_of_unknown_range_are_not_coloured() -> None:
    info = {"img": replace(POSE["img"], dtype="float32")}
    for augmentation in (Augmentation(colour=ColourJitter(0.1)), Augmentation(cutout=Cutout())):
        with pytest.raises(ValueError, match="img is stored as float32, of unknown range; colour and cutout need uint8"):
            augmentation.check(info)
    Augmentation(0.5, STRONG).check(info)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_dtypes(dtype: torch.dtype) -> None:
    info = {"img": POSE["img"]}
    stored = {"img": batch(4)["img"]}
    augmentation = Augmentation(0.5, STRONG, ColourJitter(0.2, 0.2, 0.2), Cutout())
    normalise = ([0.5], [0.25])
    single = assemble(stored, make_recipe(info, normalise, torch.float32, augmentation), generator())["img"]
    other = assemble(stored, make_recipe(info, normalise, dtype, augmentation), generator())["img"]
    assert other.dtype == dtype
    # a few roundings of numbers up to 2, 8 bits in bfloat16.
    assert (other.double() - single.double()).abs().max() < {torch.float16: 0.02, torch.bfloat16: 0.12, torch.float64: 1e-4}[dtype]


def test_body_parts_are_mirrored_by_name() -> None:
    assert mirror_by_name(["torso", "left arm", "right arm", "left_leg", "right_leg"]) == (0, 2, 1, 4, 3)
    assert mirror_by_name(["torso", "left arm"]) is None
