"""TCP on the sandbox's loopback to a unix socket outside it. Not imported: run as a script in the sandbox.

`python -I -S relay.py SOCKET COMMAND...` starts COMMAND with the proxy variables set to a free loopback
port whose connections go to SOCKET, where the worker's allowlisting proxy listens. Leaves with COMMAND's
exit code.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

_CHUNK = 65536


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    except OSError:
        pass  # one side is gone: the other is closed below, which is all there is to do
    finally:
        for side, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                side.shutdown(how)
            except OSError:
                continue


def serve(listener: socket.socket, path: str) -> None:
    while True:
        client, _ = listener.accept()
        upstream = socket.socket(socket.AF_UNIX)
        try:
            upstream.connect(path)
        except OSError:
            client.close()
            continue
        for pair in ((client, upstream), (upstream, client)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def main() -> int:
    path, command = sys.argv[1], sys.argv[2:]
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, path), daemon=True).start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), address)
    return subprocess.run(command, env=os.environ | proxies, check=False).returncode


if __name__ == "__main__":
    code = main()
    os._exit(code if code >= 0 else 128 - code)
