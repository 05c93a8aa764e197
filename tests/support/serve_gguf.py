"""Serve a GGUF file over OpenAI's protocol until stdin closes: `python serve_gguf.py FILE PORT`.

A process of its own, because the native server lives and dies with its interpreter.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def main() -> None:
    xllamacpp: Any = import_module("xllamacpp")  # an optional peer without types
    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(sys.argv[2])
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.use_jinja = True
    server = xllamacpp.Server(parameters)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main()
