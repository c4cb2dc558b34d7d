"""What the worker counts: every metric in `definitions`, how it is counted in `metric` and `tally`.

Counting costs a look at a variable until `switch_on`, which a worker, its jobs and the watcher call: other commands
count nothing, and never import what counts.
"""

from worker.metrics.tally import switch_on

__all__ = ["switch_on"]
