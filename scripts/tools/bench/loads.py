"""Origins and loads: what is asked, of whom, and how a tool's words are read."""

import pathlib
import re
import subprocess

CPU = ["taskset", "-c", "1"]
HERE = pathlib.Path(__file__).resolve().parent
FIELDS = [word for number in range(40) for word in ("-H", f"x-field-{number}: value-{number:04}-of-a-field-as-long-as-many-are")]


class Scenario:
    """`need`: what the proxy must speak; `origin`: nginx, node, or the same nginx on a Unix socket."""

    def __init__(self, what, need, load, origin="nginx"):
        self.what, self.need, self.load, self.origin = what, need, load, origin


def wrk(path, connections, *options, scheme="http"):
    def load(proxy, seconds):
        port = proxy.tls if scheme == "https" else proxy.plain
        return ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", *options, f"{scheme}://127.0.0.1:{port}{path}"]
    return load


def h2load(path, connections, streams, scheme="http", options=()):
    def load(proxy, seconds):
        port = proxy.tls if scheme == "https" else proxy.plain if "--h1" in options else proxy.h2c
        return ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{max(1, round(seconds))}", "--warm-up-time=0", *options,
                f"{scheme}://127.0.0.1:{port}{path}"]
    return load


def node(*arguments):
    def load(proxy, seconds):
        return ["node", str(HERE / "node.js"), *arguments, str(proxy.plain), str(seconds)]
    return load


SCENARIOS = {
    "h1_small": Scenario("100 bytes, 64 connections", "h1", wrk("/small", 64)),
    "h1_rate5k": Scenario("100 bytes, 5,000 a second on 50 connections", "h1", h2load("/small", 50, 1, options=("--h1", "--rps=100"))),
    "h1_hdr40": Scenario("40 fields more in the request", "h1", wrk("/small", 64, *FIELDS)),
    "h1_post16k": Scenario("a request of 16 KiB, 32 connections", "h1", wrk("/post", 32, "-s", str(HERE / "post16k.lua"))),
    "h1_64k": Scenario("64 KiB, 32 connections", "h1", wrk("/64k", 32)),
    "h1_1m": Scenario("1 MiB, 8 connections", "h1", wrk("/1m", 8)),
    "h1_churn": Scenario("a connection for each request, 32 at a time", "h1", wrk("/small", 32, "-H", "Connection: close")),
    "h1_unix": Scenario("100 bytes, 64 connections, upstream on a Unix socket", "h1", wrk("/small", 64), origin="unix"),
    "tls_small": Scenario("100 bytes over TLS, 64 connections", "tls", wrk("/small", 64, scheme="https")),
    "tls_churn": Scenario("a TLS connection for each request, 16 at a time", "tls",
                          wrk("/small", 16, "-H", "Connection: close", scheme="https")),
    "h2c_small": Scenario("100 bytes, 16 connections of 8 streams", "h2c", h2load("/small", 16, 8)),
    "h2tls_small": Scenario("the same over TLS", "h2tls", h2load("/small", 16, 8, "https")),
    "node_16": Scenario("Node's hello in JSON, 16 connections", "h1", wrk("/hello", 16), origin="node"),
    "node_200": Scenario("Node's hello in JSON, 200 connections", "h1", wrk("/hello", 200), origin="node"),
    "upload_1m": Scenario("a request of 1 MiB to Node, 8 connections", "h1", wrk("/upload", 8, "-s", str(HERE / "upload1m.lua")), origin="node"),
    "ws_echo": Scenario("64 WebSockets that echo 32 bytes, a message each way", "h1", node("echo"), origin="node"),
    "sse_fanout": Scenario("1,000 event streams, an event each every second", "h1", node("events"), origin="node"),
}


class Origins:
    """nginx and Node on the other CPU, for as long as the run lasts."""

    def __init__(self, folder, free_port):
        folder = pathlib.Path(folder)
        for name, size in (("64k", 64 << 10), ("1m", 1 << 20)):
            (folder / name).write_bytes(b"x" * size)
        nginx, inner, program = free_port(), free_port(), free_port()
        socket_path = folder / "origin.sock"
        small = "x" * 100
        (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit; worker_rlimit_nofile 65000;
events {{ worker_connections 30000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; sendfile on; client_max_body_size 0; client_body_buffer_size 2m;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  server {{ listen 127.0.0.1:{inner}; return 200 ok; }}
  server {{
    listen 127.0.0.1:{nginx} backlog=4096; listen unix:{socket_path} backlog=4096;
    location /small {{ default_type text/html; add_header ETag '"64-2jmj7l5rSw0yVb"'; return 200 {small}; }}
    location /post {{ proxy_pass http://127.0.0.1:{inner}; proxy_pass_request_body off; proxy_set_header Content-Length ""; }}
    location / {{ root {folder}; }}
  }}
}}
""")
        self.processes = [
            subprocess.Popen([*CPU, "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL),
            subprocess.Popen([*CPU, "node", str(HERE / "node.js"), "serve", str(program)], stdout=subprocess.PIPE)]
        self.processes[1].stdout.readline()
        self.addresses = {"nginx": f"127.0.0.1:{nginx}", "unix": f"unix:{socket_path}", "node": f"127.0.0.1:{program}"}

    def pids(self):
        return [process.pid for process in self.processes]

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def microseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def read(command, text):
    """What a load says of itself: requests done, how many failed, and percentiles in microseconds where it tells them."""
    if command[0] == "node":
        done, failed = map(int, re.search(r"(\d+) done, (\d+) failed", text).groups())
        return {"done": done, "failed": failed}
    if command[0] == "wrk":
        found = {"done": int(re.search(r"(\d+) requests in", text)[1]), "failed": 0}
        if match := re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text):
            # Where each request has its own connection, wrk counts its end as an error of reading.
            found["failed"] = sum(map(int, match.groups())) if "Connection: close" not in command else int(match[1]) + int(match[4])
        if match := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
            found["failed"] += int(match[1])
        for name, share in (("p50", "50%"), ("p99", "99%")):
            found[name] = microseconds(re.search(rf"{share}\s+(\S+)", text)[1])
        return found
    total, succeeded = map(int, re.search(r"(\d+) done, (\d+) succeeded", text).groups())
    return {"done": succeeded, "failed": total - succeeded}
