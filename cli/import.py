"""`erfsweep import`: a trained network, from an ONNX file, as a sweep file and a file of its weights."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="An ONNX file.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME", help="Write NAME.yaml and NAME.npz [default: the model's name, here]."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="TENSOR",
            help="The tensor that ends the network [default: the last plane of more than one pixel].",
        ),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="HxW", help="The input's height and width, where the file leaves them free."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over files of that name.")] = False,
) -> None:
    """Write a trained network as a sweep file and its weights.

    The sweep file is one as you would write it: `erfsweep run NAME.yaml` measures it, and ONNX is not needed any more.
    """
    from pipeline.models import import_model, write_import
    from pipeline.sweep.input_plane import written_image_sides
    from pipeline.sweep.names import check_new_name

    path = Path(model)
    target = Path(to if to is not None else path.stem)
    check_new_name(target.name, {})
    found = import_model(path, output, None if input_ is None else written_image_sides(input_))
    sweep, weights = write_import(found, target, replace)
    layers = len(found.layers)
    sys.stdout.write(f"{sweep} and {weights}: {layers} layers on {found.plane}, up to {found.tensor}\n")
