"""Where a traceback goes that nobody wants on a screen."""

import os
import sys
import tempfile
import traceback
from pathlib import Path

from caseworker.core.clock import utc_now
from caseworker.settings import from_environment


def write_down(error: BaseException) -> Path:
    """Append the error to `errors.log` under the data directory (or the temporary folder) and return the file's path."""
    text = f"--- {utc_now().isoformat()} caseworker {' '.join(sys.argv[1:])}\n{''.join(traceback.format_exception(error))}\n"
    for folder in (Path(os.environ.get("CASEWORKER_DATA_DIR") or from_environment({}).data_dir), Path(tempfile.gettempdir())):
        path = folder / ("errors.log" if folder != Path(tempfile.gettempdir()) else "caseworker-errors.log")
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return path
    return Path(os.devnull)
