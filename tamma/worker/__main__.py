"""`python -m tamma.worker`."""

from __future__ import annotations

import asyncio
import os
import sys

from tamma.worker.running import main

if __name__ == "__main__":
    code = asyncio.run(main())
    # The Temporal client's native threads may abort while the interpreter ends, after all work is done.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
