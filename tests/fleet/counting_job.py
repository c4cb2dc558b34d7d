"""A call's process as far as counting goes: counts what it is told to, says so, and waits to be ended.

Reads lines of three: a metric's name, a label's value or `-`, an amount.
"""

import sys

from worker.metrics import definitions, switch_on
from worker.metrics.metric import Counter, Histogram, Since

switch_on()
for line in sys.stdin:
    name, label, amount = line.split()
    match getattr(definitions, name):
        case Counter() as counter:
            counter.count(float(amount), **({} if label == "-" else {counter.labels[0].name: label}))
        case Histogram() as histogram:
            histogram.observe(float(amount))
        case Since() as since:
            since.is_so(float(amount) or None)
    print("counted", flush=True)
