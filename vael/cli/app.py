"""All commands in one application."""

from cyclopts import App, Group

from vael.cli import (
    coding,
    detecting,
    grouping,
    inspecting,
    judging,
    keeping,
    listing,
    looking,
    mending,
    refitting,
    showing,
    sweeping,
    training,
    using,
)

__all__ = ["app"]

app = App(
    name="vael",
    help="Train, judge and use variational autoencoders, on images and on tables.",
    help_epilogue="Start with **vael train**: it needs no data and ends within a minute.",
    help_format="markdown",
    version_flags=["--version"],
)
app.register_install_completion_command()

GROUPS = {
    "Train": (training.train, training.resume, sweeping.sweep, refitting.refit_prior),
    "Look up": (listing.runs, listing.show, listing.recipes, listing.datasets),
    "Keep": (keeping.rename, keeping.stop, keeping.delete),
    "Look into": (showing.studio, looking.figures, looking.animate, looking.report),
    "Judge": (judging.evaluate, judging.compare),
    "Use": (
        using.sample,
        using.reconstruct,
        mending.denoise,
        mending.inpaint,
        mending.colorize,
        using.interpolate,
        using.embed,
        inspecting.inspect,
        detecting.detect,
        grouping.cluster,
    ),
    "Code": (coding.compress, coding.decompress),
}

for number, (title, commands) in enumerate(GROUPS.items()):
    group = Group(title, sort_key=number)
    for command in commands:
        app.command(command, group=group)
