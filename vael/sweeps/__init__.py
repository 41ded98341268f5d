"""Sweeps: which settings of a recipe give the best bound on validation examples, found with Optuna.

    found = vael.sweep("basic", trials=50, jobs=2, minutes=30)
    found.best, found.recipe                    # the best trial; the recipe that retrains it
    found.test.elbo_nats                        # measured once, on the best alone

    runs/sweep-basic/
      sweep.json         what is searched: recipe, space, the data's fingerprint
      journal.log        every trial, as it goes on (Optuna's journal; an SQL address replaces it)
      trials/007/        an ordinary run, that every command opens
      best.toml          `vael train --recipe best.toml` retrains it
      trials.csv  result.json  figures/search.png

`space` reads what may vary, `league` refuses what would make bounds incomparable, `plan` opens a sweep's folder,
`study` and `store` speak to Optuna, `attempt` trains one trial, `work` takes one trial after the other (a `worker` says
that it is alive), `crew` lets several processes do so, `result` says what was found, `search` does all of it. Optuna is
imported when a sweep begins. Next: `cli`.
"""

from vael.sweeps.plan import Sweep, open_sweep
from vael.sweeps.result import SweepResult
from vael.sweeps.search import sweep
from vael.sweeps.space import Choices, Range, Space, shipped_spaces
from vael.sweeps.store import Trial

__all__ = ["Choices", "Range", "Space", "Sweep", "SweepResult", "Trial", "open_sweep", "shipped_spaces", "sweep"]
