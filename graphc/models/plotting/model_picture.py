"""`plot_model`: a model as a picture in a file, and in a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Literal, get_args

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.models.model import Model
from graphc.models.plotting.boxes import Group
from graphc.models.plotting.dot_text import to_dot
from graphc.models.plotting.model_boxes import Shown, boxes_of
from graphc.models.plotting.pixels import write_pixels
from graphc.models.plotting.placing import Direction, place
from graphc.models.plotting.svg_text import to_svg

Splines = Literal["ortho", "curved", "polyline", "spline", "line"]

_DOT: Final = ("dot", "gv")


class ModelPicture:
    """A picture of a model; a notebook shows it.

    Args:
        group: the boxes and edges.
        direction: from where to where the data flow.
        dpi: of pictures made of pixels.
        splines: how edges run.
    """

    def __init__(self, group: Group, direction: Direction, dpi: int, splines: Splines) -> None:
        self._group = group
        self._direction: Direction = direction
        self._dpi = dpi
        self._splines = splines

    def to_dot(self) -> str:
        """The picture in Graphviz's language."""
        return to_dot(self._group, self._direction, self._dpi, self._splines)

    def to_svg(self) -> str:
        """The picture as an `<svg>` element."""
        places = place(self._group, self._direction, self._splines == "ortho")
        title = f"the layers of {self._group.label}"
        return to_svg(places, title, self._splines in ("curved", "spline"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the ending of the name says in which form, PNG without one.

        Raises:
            GraphcError: the form is not known, needs matplotlib, or the disk refused.
        """
        form = Path(path).suffix[1:].lower() or "png"
        try:
            if form in _DOT:
                Path(path).write_text(self.to_dot(), encoding="utf-8")
            elif form == "svg":
                Path(path).write_text(self.to_svg() + "\n", encoding="utf-8")
            else:
                places = place(self._group, self._direction, self._splines == "ortho")
                write_pixels(places, path, form, self._dpi)
        except OSError as problem:
            raise GraphcError(
                f"the picture cannot be written: {problem.strerror}",
                given=os.fspath(path),
                fix="choose a folder that is there and that you may write",
                origin=capture_origin(),
            ) from problem

    def _repr_svg_(self) -> str:
        return self.to_svg()


def model_to_dot(
    model: Model,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: Direction = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: Splines = "ortho",
    **kwargs: Any,
) -> ModelPicture:
    """The picture of a model, not in a file; `to_dot()` gives it in Graphviz's language.

    Args:
        model: a built model.
        show_shapes: show the shapes of inputs and outputs.
        show_dtype: show the element types of outputs.
        show_layer_names: show the names of layers beside their classes.
        rankdir: where the data flow; see `plot_model`.
        expand_nested: draw the layers of models inside, each in a frame.
        dpi: dots per inch.
        subgraph: taken for Keras's sake; a picture is always whole.
        show_layer_activations: show the activation functions of layers that have one.
        show_trainable: show whether layers with weights are trained.
        splines: how edges run; see `plot_model`.
        **kwargs: none are known.

    Raises:
        GraphcError: the model is not built, or an argument is unknown.
    """
    for name, value, known in (
        *(("rankdir", rankdir, Direction), ("splines", splines, Splines)),
        *((name, name, None) for name in kwargs),
    ):
        choices = get_args(known)
        if value not in choices:
            raise GraphcError(
                f"plot_model has no {name}={value!r}" if choices else f"there is no {name}=",
                fix=did_you_mean(str(value), choices or Shown.__dataclass_fields__),
                origin=capture_origin(),
            )
    shown = Shown(
        *(show_shapes, show_dtype, show_layer_names, expand_nested),
        *(show_layer_activations, show_trainable),
    )
    return ModelPicture(boxes_of(model, shown), rankdir, dpi, splines)


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: Direction = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: Splines = "ortho",
    **kwargs: Any,
) -> ModelPicture:
    """Draw the layers of a model, and write the picture into a file; Keras's `plot_model`.

    No other program is needed: ".svg" and ".dot" are written by graphc itself, ".png", ".pdf" and
    more with matplotlib.

    Args:
        model: a built model: functional, sequential, or a subclass, which is one box.
        to_file: where to; the ending says in which form. None: only return it.
        show_shapes: show the shapes of inputs and outputs.
        show_dtype: show the element types of outputs.
        show_layer_names: show the names of layers beside their classes.
        rankdir: where the data flow: from the top to the bottom ("TB"), or "BT", "LR", "RL".
        expand_nested: draw the layers of models inside, each in a frame.
        dpi: dots per inch of pictures made of pixels.
        show_layer_activations: show the activation functions of layers that have one.
        show_trainable: show whether layers with weights are trained.
        splines: how edges run: at right angles ("ortho"), "curved", "spline", "polyline", "line".
        **kwargs: none are known.

    Returns:
        The picture, which a notebook shows.

    Raises:
        GraphcError: the model is not built, an argument is unknown, or the file cannot be written.
    """
    picture = model_to_dot(
        *(model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi),
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
        **kwargs,
    )
    if to_file is not None:
        picture.save(to_file)
    return picture
