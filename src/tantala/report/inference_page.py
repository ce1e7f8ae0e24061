"""A network on tiles as one HTML page with its pictures, and the same figures as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tantala import __version__
from tantala.report import style
from tantala.report.inference_plots import ablation_plot, accuracy_plot, layer_plot
from tantala.report.inference_summary import (
    age_text,
    cost_figures,
    estimate_text,
    facts,
)

if TYPE_CHECKING:
    from tantala.report.inference import Inference


def write_inference(found: Inference, folder: Path) -> list[Path]:
    """Write inference.html and inference.json into `folder`, both or none.

    Raises InputError if the folder cannot be written.
    """
    from tantala.report.files import write_together

    text = json.dumps(found.as_data(), indent=2, ensure_ascii=False) + "\n"
    pages = {"inference.html": inference_page(found).encode(), "inference.json": text.encode()}
    return write_together(folder, pages)


def inference_page(found: Inference) -> str:
    """The self-contained page: inline style and drawings, no script."""
    environment = Environment(
        loader=PackageLoader("tantala.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ages = [("freshly written", found.accuracy.fresh)]
    ages += [(age_text(age.time, age.temperature), age.estimate) for age in found.accuracy.aged]
    effects = [(age_text(at.time, at.temperature), at) for at in found.ablations]
    return environment.get_template("inference.html.j2").render(
        found=found,
        version=__version__,
        style=style,
        facts=facts(found),
        digital=f"{100.0 * found.digital:.2f} %",
        ages=ages,
        text=estimate_text,
        cost=cost_figures(found.cost),
        assumptions=found.cost.assumptions,
        accuracy_svg=Markup(accuracy_plot(found)),
        ablations=[
            (name, at.ablation, Markup(ablation_plot(at, f"Accuracy by effect, {name}")))
            for name, at in effects
        ],
        layer_svg=Markup(layer_plot(found)),
    )
