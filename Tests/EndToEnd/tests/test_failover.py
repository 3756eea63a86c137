"""One of two real servers is killed under load, and comes back."""

import collections
import threading

import upstream
from harness import EndToEndTest, wait_for


class Failover(EndToEndTest):
    alone = True

    def start(self, name, path):
        return self.node("named.js", unix_path=path, NAME=name)

    def test_killed_and_back(self):
        paths = {name: f"{self.directory}/{name}.sock" for name in "ab"}
        servers = {name: self.start(name, path) for name, path in paths.items()}
        proxy = self.proxy(
            [server.address for server in servers.values()], workers=2,
            health={"path": "/healthz", "interval": "100ms", "timeout": "1s", "unhealthy_after": 2, "healthy_after": 2})
        stop, lock = threading.Event(), threading.Lock()
        seen, failures = collections.Counter(), []

        def visit():
            with proxy.connect() as one:
                while not stop.is_set():
                    response = one.get("/slow-ish")
                    with lock:
                        if response.status == 200 and response.complete:
                            seen[response.body.decode()] += 1
                        else:
                            failures.append(response)
                            return
        visitors = [threading.Thread(target=visit) for _ in range(12)]
        for visitor in visitors:
            visitor.start()

        def served(name, count):
            with lock:
                seen.clear()
            wait_for(lambda: failures or seen[name] >= count, lambda: f"{count} answers of {name}: {seen}", 30)
        try:
            served("a", 50)
            served("b", 50)
            servers["b"].stop()
            wait_for(lambda: failures or proxy.metrics().sum("sendonce_upstream_server_up") == 1, "one server to be down")
            served("a", 200)
            self.assertEqual(seen["b"], 0)
            # A file that nobody listens on is in the way of its successor.
            upstream.pathlib.Path(paths["b"]).unlink()
            servers["b"] = self.start("b", paths["b"])
            wait_for(lambda: failures or proxy.metrics().sum("sendonce_upstream_server_up") == 2, "both servers to be up")
            # Its share comes back: of the next 200, between a third and two thirds.
            wait_for(lambda: failures or self.share(served, seen, lock), lambda: f"an equal share: {seen}", 30)
        finally:
            stop.set()
            for visitor in visitors:
                visitor.join()
        # Not even while the server was down and nobody had noticed yet: what it left unanswered went to the other one.
        self.assertEqual(failures, [])
        self.assertEqual([i for i in self.end(proxy) if i["certainty"] == "proven" and i["kind"] != "truncated_response"], [])

    @staticmethod
    def share(served, seen, lock):
        served("a", 100)
        with lock:
            return 1 / 3 < seen["b"] / sum(seen.values()) < 2 / 3
