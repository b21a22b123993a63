"""Reading: from a mail to facts."""

import os

# One mail is read at a time in a process, on one thread: small matrices gain nothing from more, and several processes on
# one machine would fight for its cores. Matrix libraries look at this once, when numpy is first imported; what an operator
# has set stands.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
