"""Disks and buckets: the only part of the worker that touches either.

* `journal`: one part's append-only file, on disk before anyone goes on.
* `store`: where finished transcripts live: `directory` or `objects` (a bucket), as `stores` finds in the settings;
  `answers`: what a bucket's refusals mean.
* `finalise`: journals into a stored transcript; a journal goes only after the store has confirmed.
* `shipping`: what leaves the node while a call runs. `segments`: what is there of it.
* `spool`: how much waits here for the store. `patience`: when to ask it again.
* `journals`: those on this node. `recovery`: what dead jobs left. `keeper`: a worker's duties towards them.
* `catalogue`, `history`, `verification`, `exporting`: what is there, what happened, whether it is whole, copies.
* `lock`: who a journal and a session belong to. `opening`: descriptors that threads open.
* `names`: what files and keys are called. `disk`: the calls that make a write durable.
"""
