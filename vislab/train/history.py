"""What a training run leaves behind: its numbers, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.axes import Axes

from vislab.show.curves import loss_curves


@dataclass
class History:
    """The numbers of a run.

    Args:
        losses: training loss of every step, that of step 1 first.
        validations: step and number of every validation.
        stopped: ``"steps"``: all steps were taken; ``"early stop"``: the validation no longer got better; ``"interrupted"``: by hand;
            empty while the run goes on, or where an error ended it.
        best_step: step of the best validation; None before the first.
        best_value: its number.

    Example:
        >>> history = History(losses=[2.0, 1.0], validations=[(2, 1.5)], stopped="steps")
        >>> history.steps
        2
    """

    losses: list[float] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)
    stopped: str = ""
    best_step: int | None = None
    best_value: float | None = None

    @property
    def steps(self) -> int:
        """Number of steps that were taken."""
        return len(self.losses)

    def draw(self, *, log: bool = False, caption: str = "", ax: Axes | None = None) -> Axes:
        """Draw the losses and, where there are any, the validations.

        Args:
            log: logarithmic y axis; refused where a number is not above 0.
            caption: title of the panel.
            ax: panel to draw into; None opens a figure.

        Returns:
            The panel.

        Raises:
            ValueError: a run without a single step.

        Example:
            >>> panel = History(losses=[2.0, 1.0], validations=[(2, 1.5)]).draw()
            >>> [line.get_label() for line in panel.lines]
            ['training', 'validation']
        """
        if not self.losses:
            raise ValueError("history has 0 steps; it must have at least 1 to be drawn; train first")
        curves = {"training": self.losses}
        if self.validations:
            curves["validation"] = [value for _, value in self.validations]
        steps = {"validation": [float(step) for step, _ in self.validations]} if self.validations else None
        return loss_curves(curves, steps=steps, log=log, caption=caption, ax=ax)
