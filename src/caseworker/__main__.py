"""`python -m caseworker` and the console script `caseworker`."""

import os
import sys

from caseworker.cli.main import run

# The reader's vectors are small: several BLAS threads cost more than they save, and workers are processes of their own.
# numpy reads these when it is imported, which is later, inside the commands.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
