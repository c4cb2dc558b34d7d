"""`make mutations`: breaks the product in every way of the list, and looks whether the tests notice.

`python -m tests.mutations terminate` takes those alone whose name has that in it.
"""

import sys
import tempfile
from pathlib import Path

from tests.mutations.mutation import Copy, Fate, NoLongerApplies
from tests.mutations.mutations import MUTATIONS


def main(wanted: str = "") -> int:
    """Prints a table; 1 if a mutation survives, no longer applies, or the tests fail without one."""
    chosen = [mutation for mutation in MUTATIONS if wanted.lower() in mutation.name.lower()]
    if not chosen:
        print(f"No mutation has {wanted!r} in its name.")
        return 1
    with tempfile.TemporaryDirectory(prefix="verbatim-mutations-") as directory:
        copy = Copy(Path(directory))
        whole = copy.run(sorted({test for mutation in chosen for test in mutation.tests}))
        if whole.returncode:
            print(whole.stdout[-4000:])
            print("The tests fail without any mutation: mend that first.")
            return 1
        missed = 0
        for mutation in chosen:
            try:
                result = copy.result(mutation)
            except NoLongerApplies as reason:
                print(f"{'unfit':10}{reason}")
                missed += 1
                continue
            print(f"{result.fate.value:10}{mutation.name:60}{result.took_s:5.1f} s  {result.noticed_by}", flush=True)
            missed += result.fate is not Fate.CAUGHT
    print(f"{len(chosen) - missed} of {len(chosen)} mutations were caught.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
