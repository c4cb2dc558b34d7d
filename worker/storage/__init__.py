"""Disks and buckets: the only part of the worker that touches either.

* `journal`: one part's append-only file, on disk before anyone goes on.
* `store`: where finished transcripts live: `directory` or `objects` (a bucket), as `stores` finds in the settings;
  `answers`: what a bucket's refusals mean.
* `finalise`: journals into a stored transcript; a journal goes only after the store has confirmed.
* `shipping`: what leaves the node while a call runs. `segments`: what is there of it.
* `spool`: how much waits here for the store. `patience`: when to ask it again.
* `journals`: those on this node. `recovery`: what dead jobs left. `keeper`: a worker's duties towards them.
* `catalogue`, `history`, `verification`, `exporting`: what is there, what happened, whether it is whole, copies.
  `places`: where sessions lie, as keys tell. `here`, `under_way`: journals of this node, leases of any. `session`: one
  as a listing shows it. `finding`: which one a person means.
* `removal`: what goes for good. `tombstone`: what keeps it away. `retention`: what goes by its age.
* `concurrency`: many requests at once, and never too many.
* `lock`: who a journal and a session belong to. `opening`: descriptors that threads open.
* `names`: what files and keys are called. `disk`: the calls that make a write durable.
"""
