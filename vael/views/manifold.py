"""The latent plane, decoded."""

from collections.abc import Sequence

from vael.errors import VaelError
from vael.experiments import Run
from vael.figures import Figure, draw_manifold, draw_surfaces
from vael.views.base import Look, View
from vael.views.latent import choose_start, rank_dims

__all__ = ["Manifold"]


class Manifold(View):
    """The decoded grid over two latent dimensions; for a table, one map a column."""

    summary = "the decoded grid over two latent dimensions, by the normal's quantiles"
    uses = frozenset({"num_points", "dims", "examples", "seed", "split", "start"})

    def refusal(self, run: Run) -> str | None:
        return None if run.model.latent_dim >= 2 else "two latent dimensions, and this model has one"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        if look.dims is not None and len(look.dims) != 2:
            raise VaelError(f"a manifold expects two dimensions, got {len(look.dims)}: try --dims 0 --dims 1")
        first, second, start, note = *(look.dims or (0, 1)), None, ""
        if run.model.latent_dim > 2:
            first, second = look.dims or sorted(rank_dims(run, look.split)[:2])
            start, where = choose_start(run, look)
            note = f"The other dimensions stay at {where}."
        plane = run.manifold(look.num_points, dims=(first, second), start=start)
        names = (f"z{first}", f"z{second}")
        if run.is_image:
            images = run.pixels(plane.x)
            return draw_manifold(images, x=plane.values, y=plane.values, names=names, note=note, theme=look.theme)
        values = run.in_file_units(plane.x).transpose(2, 0, 1)
        return draw_surfaces(values, x=plane.values, y=plane.values, columns=run.columns, names=names, theme=look.theme)
