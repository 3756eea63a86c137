"""What the differential comparison starts: Node programs that tell what they read, and nginx and HAProxy set up to change as little as they can."""

import asyncio
import base64
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import configuration
import harness
import upstream
from judges import judge
from processes import end

AT_ONCE = 8


class Views:
    """apps/views.js, and all that it has told."""

    def __init__(self, role):
        self.process = subprocess.Popen(["node", str(upstream.APPS / "views.js"), role], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ports = re.match(r"LISTENING (\S+)", self.process.stdout.readline())[1]
        self.ports = [int(port) for port in ports.split(",")]
        self.told = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line == "DONE\n":
                return
            view = json.loads(line)
            for part in (view, *view.get("requests", ())):
                for name in ("raw", "body"):
                    if part.get(name) is not None:
                        part[name] = base64.b64decode(part[name])
            self.told.append(view)

    def end(self, patience=60):
        """Everything told, once all connections have ended."""
        if self.reader.is_alive():
            self.process.stdin.write("end\n")
            self.process.stdin.close()
            self.reader.join(patience)
        alive = self.reader.is_alive()
        self.process.kill()
        self.process.wait()
        if alive:
            raise AssertionError("a connection of views.js does not end")
        return self.told


class Peer:
    """Another proxy before a server, on a port of its own; it tells the server the client's address in X-Client."""

    def __init__(self, server):
        self.directory = tempfile.mkdtemp(prefix="peer-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        command = self.configure(pathlib.Path(self.directory), server)
        self.process = subprocess.Popen(command, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_for(self._listens, f"{type(self).__name__} to listen")

    def _listens(self):
        host, port = self.address.rsplit(":", 1)
        with socket.socket() as one:
            return one.connect_ex((host, int(port))) == 0

    def stop(self):
        end(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)


class Nginx(Peer):
    def configure(self, folder, server):
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;\n"
            f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; proxy_ignore_client_abort on; lingering_close off;\n"
            "keepalive_requests 1000000; client_header_buffer_size 64k; large_client_header_buffers 8 128k; merge_slashes off; underscores_in_headers on;\n"
            "proxy_buffer_size 128k; proxy_buffers 8 128k; proxy_busy_buffers_size 256k;\n"
            f"server {{ listen {self.address}; location / {{ proxy_pass http://{server}; proxy_http_version 1.1; proxy_next_upstream off;\n"
            "proxy_set_header X-Client $remote_addr; } } }\n")
        return [judge("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


class HAProxy(Peer):
    def configure(self, folder, server):
        (folder / "haproxy.cfg").write_text(
            "global\n  nbthread 1\n  tune.bufsize 131072\n  tune.http.maxhdr 1000\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
            f"  retries 0\nfrontend front\n  bind {self.address}\n  http-request set-header X-Client %[src]\n  default_backend back\n"
            f"backend back\n  http-reuse never\n  server one {server}\n")
        return [judge("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


PEERS = {"nginx": Nginx, "haproxy": HAProxy}


class Ours:
    """SendOnce before a server, with an access log; `stop` gives its lines."""

    def __init__(self, server):
        self.directory = tempfile.mkdtemp(prefix="wire-")
        config = configuration.configuration(
            server, self.directory, eject={"consecutive_failures": 0}, access_log={"path": f"{self.directory}/access.jsonl"},
            incidents={"quarantine": {"for": "0s"}, "limit": {"burst": 1_000_000, "per_second": 1_000_000}})
        self.proxy = harness.SendOnce(self.directory, config)
        self.address = self.proxy.address

    def stop(self):
        status = self.proxy.stop()
        lines = [json.loads(line) for line in pathlib.Path(self.directory, "access.jsonl").read_text().splitlines()]
        log = self.proxy.log
        shutil.rmtree(self.directory, ignore_errors=True)
        if status != 0 or re.search(r"(?i)fatal error|crashed|stack dump", log):
            raise AssertionError(f"SendOnce ended with {status}:\n{log[-3000:]}")
        return lines


def play(address, cases, network):
    """Sends each case on a connection of its own, ends our side, and reads to the end: {name: (our address, bytes read or None if it hangs)}.

    Our address tells whose a request is: each case has one of its own, of 127.NETWORK.0.0.
    """
    host, port = address.rsplit(":", 1)
    seen = {}

    async def one(number, name, data, room):
        async with room:
            own = f"127.{network}.{number >> 8}.{number & 255}"
            reader, writer = await asyncio.open_connection(host, int(port), local_addr=(own, 0))
            got = None
            try:
                async with asyncio.timeout(20):
                    writer.write(data)
                    writer.write_eof()
                    got = await reader.read()
            except TimeoutError:
                pass
            except OSError:
                got = b""
            seen[name] = own, got
            writer.close()

    async def every():
        room = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(one(number, *case, room) for number, case in enumerate(cases.items(), 1)))
    asyncio.run(every())
    return seen


def path_of(target):
    """A target in absolute form as the path that it names: who forwards it may write it as that."""
    if match := re.match(r"(?i)https?://[^/?#]*", target):
        target = target[match.end():]
        return target if target.startswith("/") else "/" + target
    return target
