"""``lesson``: train on a set and see that it teaches what it is for."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from data_scripts.builder import BuildError
from data_scripts.cli.terminal import DATA, JsonOption, OutOption, chosen, out, print_json, steps
from data_scripts.discovery import builders
from data_scripts.production import read, set_path


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(lesson)


def lesson(
    name: Annotated[str, typer.Argument(help="The set.")],
    data: OutOption = DATA,
    seeds: Annotated[int, typer.Option(min=1, help="Train this often, with seeds 0, 1, 2 ...")] = 1,
    json: JsonOption = False,
) -> None:
    """Train small nets on a set and print what they reach, a column for each seed."""
    (builder,) = chosen([name], builders())
    if builder.lesson is None:
        raise BuildError(f"{name} has no lesson; one of {', '.join(each.name for each in builders().values() if each.lesson)} has")
    stored = read(set_path(data, name))
    with steps(json) as stages:
        figures = [builder.lesson(stored, seed, stages) for seed in range(seeds)]
    if json:
        print_json({"set": name, "seeds": {seed: each for seed, each in enumerate(figures)}})
        return
    table = Table(title=f"what {name} teaches", title_justify="left")
    for heading in ("", *(f"seed {seed}" for seed in range(seeds)), *(["mean"] if seeds > 1 else [])):
        table.add_column(heading, justify="right" if heading else "left")
    for key in figures[0]:
        values = [each[key] for each in figures]
        table.add_row(key, *(f"{value:.2f}" for value in [*values, *([sum(values) / seeds] if seeds > 1 else [])]))
    out.print(table)
