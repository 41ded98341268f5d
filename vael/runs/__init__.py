"""The run folder, where trainer, command line and studio meet: create it, append to it, list it, follow it, keep it.

    runs/<name>/
      recipe.toml        everything needed to rebuild the run
      run.json           format, versions, device, seed, data fingerprint, git commit, status, results
      metrics.jsonl      one JSON object a record, units in the names; the same seed gives the same file
      timings.jsonl      one JSON object a training record: seconds, examples_per_second
      log.txt            what happened when, a line an event, for people
      model.safetensors  the weights to use
      checkpoints/       step_000123.safetensors + .json: enough to go on exactly
      snapshots/         step_000000469.npz: small pictures of the model through its training
      figures/           pictures
      report.html        what `vael report` wrote

Whole files are written to a temporary neighbour, synced and renamed: a reader sees the old or the new one, never half.
No torch here: listing runs must be instant.

`folder` holds one run's folder, `record` a line of its metrics, `following` reads lines as they are appended, `listing`
sums runs up without reading all of them (`skimming`), `locking` knows who trains, `moving` renames and removes,
`writing` puts whole files in their place. Next: `training`, which makes records, and `experiments`, which append them.
"""

from vael.runs.folder import FORMAT, RunFolder
from vael.runs.following import Follower, News
from vael.runs.listing import RunSummary, list_runs, summarise
from vael.runs.record import Record
from vael.runs.writing import atomic_path, write_atomically

__all__ = [
    "FORMAT",
    "Follower",
    "News",
    "Record",
    "RunFolder",
    "RunSummary",
    "atomic_path",
    "list_runs",
    "summarise",
    "write_atomically",
]
