"""The verbs of a run, asked for in the browser: each calls the run's own and packs what it answers.

`offers` says which verbs make sense for a run, and with which options; `detecting`, `mending`, `grouping` and `coding`
hold them, a file a subject as in `vael.cli`. Whatever they refuse is what the run itself refuses.
"""
