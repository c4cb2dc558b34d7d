"""Disks and buckets: the only part of the worker that touches either.

* `journal/`: one part's append-only file, on disk before anyone goes on; those on this node, and how much they are.
* `stores/`: where finished transcripts live: a directory or a bucket, as the settings choose; what refusals mean.
* `storing/`: journals into stored transcripts; what leaves the node while a call runs, and its lease.
* `recovery/`: what dead jobs and lost nodes left; a worker's duties towards it.
* `sessions/`: what is there, found, verified, exported, removed, and what came before a part in its room.

Below them: `names` (of files and keys), `disk` (the calls that make a write durable), `errors`, `concurrency`,
`patience`, `opening`, `threads`.
"""
