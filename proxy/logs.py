"""The engine's log: one rotating file, and the terminal for an engine that runs in the foreground."""

import logging
import logging.handlers
import sys

from proxy.paths import Paths, make_private_dir
from proxy.protocol.redact import redact

LOG_BYTES = 2 * 1024 * 1024
LOGS_KEPT = 3


class _Redacting(logging.Formatter):
    """Nothing that looks like a key gets into a log."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def start_log(paths: Paths, level: str, *, foreground: bool) -> None:
    """Log to the file from now on. A log that cannot be written is no reason to stop serving."""
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = []
    if foreground:
        handlers.append(logging.StreamHandler(sys.stderr))
    try:
        make_private_dir(paths.log_file.parent)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                paths.log_file, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8"
            )
        )
    except OSError as error:
        sys.stderr.write(f"cctui: no log file: {error}\n")
    formatter = _Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
