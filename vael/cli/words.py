"""Numbers in words: tables of bounds, durations."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

__all__ = ["bounds_table", "format_duration", "plain_table"]

ROWS = {
    "elbo_nats": "ELBO (larger is better)",
    "rate_nats": "rate, KL(q(z|x) ‖ p(z))",
    "distortion_nats": "distortion, −E log p(x|z)",
    "nll_nats": "NLL bound, importance-weighted",
}


def bounds_table(results: Mapping[str, Any]) -> Table:
    """Lay an evaluation out, each bound with its standard error."""
    table = plain_table("", "nats", "± s.e.")
    for key, words in ROWS.items():
        value = results.get(key)
        is_trivial = key == "nll_nats" and results["num_samples"] == 1  # with K = 1 it is −ELBO, with more noise
        if value is not None and not is_trivial:
            label = f"{words}, K = {results['num_samples']}" if key == "nll_nats" else words
            table.add_row(label, f"{value:.2f}", f"{results[key + '_se']:.2f}")
    if results.get("bits_per_dim") is not None:
        table.add_row("bits per dimension", f"{results['bits_per_dim']:.4f}", "")
    if results.get("active_units") is not None:
        table.add_row("active units", f"{results['active_units']} of {results['latent_dim']}", "")
    return table


def plain_table(*columns: str, numbers: bool = True) -> Table:
    """Make a table without frame: the first column left, the others right where they hold numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i and numbers else "left", header_style="dim", overflow="fold")
    return table


def format_duration(seconds: float) -> str:
    """Write seconds for people.

    >>> format_duration(3.21), format_duration(75), format_duration(7300)
    ('3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
