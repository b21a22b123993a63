"""Run all benches, or the ones named: `python -m bench throughput latency language`."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `caseworker` itself does, before numpy is imported

from bench import knowledge, language, latency, sets, throughput

Figures = Mapping[str, object]
BENCHES: Mapping[str, Callable[[], Awaitable[Figures]]] = {
    "throughput": throughput.run,
    "latency": latency.run,
    "language": language.run,
    "knowledge": knowledge.run,
    "second-set": sets.second,
    "tuning-sets": sets.tuning,
}


async def main(names: list[str]) -> int:
    """Print each bench's figures as it ends."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"There is no bench {unknown[0]!r}. Benches: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        print(f"== {name}", flush=True)
        figures = await BENCHES[name]()
        print(json.dumps(figures, indent=1, ensure_ascii=False, default=str), flush=True)
    return 0


sys.exit(asyncio.run(main(sys.argv[1:])))
