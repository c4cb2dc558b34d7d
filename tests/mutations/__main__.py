"""`make mutations`: breaks the product in every way of the list, and looks whether the tests notice."""

import sys
import tempfile
from pathlib import Path

from tests.mutations.mutation import Copy, Fate, NoLongerApplies
from tests.mutations.mutations import MUTATIONS


def main() -> int:
    """Prints a table; 1 if a mutation survives, no longer applies, or the tests fail without one."""
    with tempfile.TemporaryDirectory(prefix="verbatim-mutations-") as directory:
        copy = Copy(Path(directory))
        whole = copy.run(sorted({test for mutation in MUTATIONS for test in mutation.tests}))
        if whole.returncode:
            print(whole.stdout[-4000:])
            print("The tests fail without any mutation: mend that first.")
            return 1
        missed = 0
        for mutation in MUTATIONS:
            try:
                result = copy.result(mutation)
            except NoLongerApplies as reason:
                print(f"{'unfit':10}{reason}")
                missed += 1
                continue
            print(f"{result.fate.value:10}{mutation.name:60}{result.took_s:5.1f} s  {result.noticed_by}", flush=True)
            missed += result.fate is not Fate.CAUGHT
    print(f"{len(MUTATIONS) - missed} of {len(MUTATIONS)} mutations were caught.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
