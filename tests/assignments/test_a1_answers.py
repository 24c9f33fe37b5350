"""Answers to assignment 1 that are right and not allowed."""

from vislab.check.verdict import Verdict


def test_a_built_in_loss_costs_the_rule_points_alone(a1, judged, tmp_path):
    path = tmp_path / "built_in.py"
    path.write_text(
        "from torch.nn import functional as F\n\n\n"
        "def joint_loss(predicted, target, visible, kind='l2'):\n"
        "    loss = getattr(F, 'mse_loss' if kind == 'l2' else 'l1_loss')\n"
        "    return loss(predicted[visible], target[visible], reduction='sum') / max(1, int(visible.sum()))\n"
    )
    record, score = judged(a1.exercises["pose.joint_loss"], path)
    assert score.earned == 5.75 and score.verdict is Verdict.RULE
    assert record.observed.forbidden == ("torch.nn.functional.l1_loss", "torch.nn.functional.mse_loss")


def test_the_shipped_op_is_seen_and_earns_nothing(a1, judged, tmp_path):
    path = tmp_path / "shipped.py"
    path.write_text("import vislab.ops.soft_argmax as shipped\n\n\ndef soft_argmax(maps):\n    return shipped.soft_argmax(maps)\n")
    record, score = judged(a1.exercises["pose.soft_argmax"], path)
    assert score.earned == 0 and score.verdict is Verdict.RULE and record.observed.tripped == ("vislab.ops.soft_argmax.soft_argmax",)


def test_a_ready_density_is_seen_and_earns_nothing(a1, judged, tmp_path):
    path = tmp_path / "ready.py"
    path.write_text(
        "import torch\n\n\n"
        "def point_nll(predicted, log_variance, target, kind):\n"
        "    deviation = torch.exp(log_variance / 2)\n"
        "    ready = torch.distributions\n"
        "    density = ready.Normal(predicted, deviation) if kind == 'gaussian' else ready.Laplace(predicted, deviation / 2**0.5)\n"
        "    return -density.log_prob(target).sum(dim=-1)\n"
    )
    record, score = judged(a1.exercises["pose.point_nll"], path)
    assert score.earned == 0 and score.verdict is Verdict.RULE
    assert record.observed.tripped == ("torch.distributions.Laplace", "torch.distributions.Normal")


def test_work_in_place_costs_the_purity_points(a1, judged, tmp_path):
    path = tmp_path / "in_place.py"
    path.write_text(
        "import torch\n\n\n"
        "def norm_to_pixel(points, height, width, align_corners):\n"
        "    size = torch.tensor([width, height], dtype=points.dtype)\n"
        "    answer = (points + 1) / 2 * (size - 1) if align_corners else ((points + 1) * size - 1) / 2\n"
        "    points.detach().mul_(2)\n"
        "    return answer\n"
    )
    record, score = judged(a1.exercises["pose.norm_to_pixel"], path)
    assert score.observed == 0 and record.observed.mutated and score.verdict is Verdict.MUTATED_INPUT
