"""Behind scripts/stress-restarts: two servers, clients that keep asking, and ends of either sort; what is recorded is told by kind."""

import collections
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import upstream  # noqa: E402
from configuration import configuration  # noqa: E402
from harness import SendOnce, wait_for  # noqa: E402

# Connections of the clients; each asks again as soon as it has its answer, which takes 5 ms: some 800 requests a second.
CONNECTIONS = 5
SIGNALS = {"orderly restarts": (signal.SIGTERM, {"GRACEFUL": "1"}), "ends by SIGKILL": (signal.SIGKILL, {})}


class Pair:
    """Two servers of one upstream, each of which can be replaced by another process on its address."""

    def __init__(self, environment):
        self.environment = environment
        self.servers = [self.start(name, "0") for name in "ab"]

    def start(self, name, port):
        return upstream.Node("named.js", NAME=name, PORT=port, PREFIXES="all", **self.environment)

    def replace(self, place, number):
        old = self.servers[place]
        old.process.send_signal(number)
        old.process.wait(20)
        self.servers[place] = self.start("ab"[place], old.address.rsplit(":", 1)[1])

    def stop(self):
        for server in self.servers:
            server.stop()


def answers(proxy):
    return proxy.metrics().sum("sendonce_requests_total", code="200")


def run(count, number, environment):
    """Ends servers so often; returns the records, and how many answers came meanwhile."""
    pair = Pair(environment)
    with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
        options = {"upstreams": {"app": {"servers": [server.address for server in pair.servers]}},
                   "routes": [{"name": "all", "path_prefix": "/", "upstream": "app"}],
                   "incidents": {"path": directory + "/incidents.jsonl", "limit": {"burst": 1000, "per_second": 1000}}}
        proxy = SendOnce(directory, configuration(None, directory, workers=1, **options))
        load = subprocess.Popen(["wrk", "-t1", f"-c{CONNECTIONS}", "-d3600s", f"http://{proxy.address}/all/slow-ish"], stdout=subprocess.DEVNULL)
        try:
            for end in range(count):
                before = answers(proxy)
                pair.replace(end % 2, number)
                wait_for(lambda: answers(proxy) >= before + 20 * CONNECTIONS, "answers after a restart", 20)
            served = answers(proxy)
        finally:
            load.kill()
            load.wait()
            status = proxy.stop()
            pair.stop()
        assert status == 0, proxy.log
        return proxy.incidents(), served


def main(count):
    failed = False
    for what, (number, environment) in SIGNALS.items():
        records, served = run(count, number, environment)
        kinds = collections.Counter((record["kind"], record["certainty"]) for record in records)
        told = ", ".join(f"{times} {certainty} {kind}" for (kind, certainty), times in kinds.items()) or "nothing recorded"
        print(f"{count} {what} under {served:.0f} answers: {told}")
        failed = failed or bool(records)
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
