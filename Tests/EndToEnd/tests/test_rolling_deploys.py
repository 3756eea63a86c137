"""Real Node servers restarted one right after the other, under load, with every way of balancing."""

import signal
import threading

from harness import EndToEndTest, wait_for

WAYS = ["least_connections", "round_robin", "random_two", "sticky_cookie"]
READERS, WRITERS = 2, 1


class Load:
    """Clients that ask again and again, on connections of their own, and remember what went wrong."""

    def __init__(self, proxy, prefixes):
        self.proxy = proxy
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.served = {}
        self.failed = []
        self.visitors = [threading.Thread(target=self.visit, args=(prefix, method)) for prefix in prefixes
                         for method in ["GET"] * READERS + ["POST"] * WRITERS]
        for visitor in self.visitors:
            visitor.start()

    def visit(self, prefix, method):
        cookies = []
        while not self.stop.is_set():
            with self.proxy.connect() as one:
                for _ in range(20):
                    response = one.get(f"/{prefix}/slow-ish", method=method, fields=cookies)
                    for value in response.all("set-cookie"):
                        cookies = [f"Cookie: {value.split(';')[0]}"]
                    with self.lock:
                        if response.status == 200 and response.complete:
                            key = prefix, response.body.decode()
                            self.served[key] = self.served.get(key, 0) + 1
                        else:
                            self.failed.append((prefix, method, response))
                    if self.stop.is_set() or not response.complete:
                        break

    def failures(self, method):
        with self.lock:
            return [(prefix, response) for prefix, asked, response in self.failed if asked == method]

    def wait_served(self, keys, count=20):
        """Waits until each has been served so often from now on."""
        with self.lock:
            self.served.clear()
        wait_for(lambda: all(self.served.get(key, 0) >= count for key in keys), lambda: f"{count} of {keys}: {self.served}", 30)

    def end(self):
        self.stop.set()
        for visitor in self.visitors:
            visitor.join()


class RollingDeploy(EndToEndTest):
    alone = True

    def start(self, name, port, **environment):
        return self.node("named.js", NAME=name, PORT=str(port), PREFIXES=",".join(self.prefixes), **environment)

    def restart(self, name, number):
        """Another process in the place of one, which ends first."""
        server = self.servers[name]
        server.process.send_signal(number)
        server.process.wait(10)
        self.servers[name] = self.start(name, server.address.rsplit(":", 1)[1], **self.environment)

    def deploy(self, number, *, names="ab", rounds=3, workers=1, **environment):
        self.prefixes = [f"{way}-{health}" for way in WAYS for health in ("checked", "unchecked")]
        self.environment = environment
        self.servers = {name: self.start(name, 0, **environment) for name in names}
        addresses = [server.address for server in self.servers.values()]
        upstreams, routes = {}, []
        for prefix in self.prefixes:
            way, health = prefix.split("-")
            upstreams[prefix] = {"servers": addresses, "balance": way} | (
                {"health": {"path": "/healthz"}} if health == "checked" else {})
            routes.append({"name": prefix, "path_prefix": f"/{prefix}", "upstream": prefix})
        proxy = self.proxy(None, upstreams=upstreams, routes=routes, workers=workers)
        load = Load(proxy, self.prefixes)
        try:
            load.wait_served([(prefix, name) for prefix in self.prefixes for name in names if "sticky" not in prefix], 5)
            for _ in range(rounds):
                for name in names:
                    self.restart(name, number)
            # Everybody is back within moments, whatever way they were found missing.
            load.wait_served([(prefix, name) for prefix in self.prefixes for name in names if "sticky" not in prefix], 5)
        finally:
            load.end()
        return proxy, load

    def assertNoMoreLostThanMust(self, load, restarts):
        """A GET is asked again. A POST that had been sent, also on a connection which its server had not accepted yet, cannot be: each
        client has one on its way when a server ends, and perhaps another that its dying kernel still takes."""
        self.assertEqual(load.failures("GET"), [])
        lost = [response for _, response in load.failures("POST")]
        self.assertEqual([response for response in lost if b"closed the connection without an answer" not in response.body], [])
        self.assertEqual({response.status for response in lost} - {502}, set())
        self.assertLessEqual(len(lost), len(self.prefixes) * WRITERS * restarts * 2)

    def test_servers_that_end_in_good_order(self):
        proxy, load = self.deploy(signal.SIGTERM, GRACEFUL="1")
        self.assertNoMoreLostThanMust(load, 6)
        self.assertEqual([i for i in self.end(proxy) if i["certainty"] == "proven"], [])

    def test_servers_that_are_killed(self):
        proxy, load = self.deploy(signal.SIGKILL)
        self.assertNoMoreLostThanMust(load, 6)

    def test_two_workers_and_three_servers(self):
        proxy, load = self.deploy(signal.SIGTERM, names="abc", rounds=2, workers=2, GRACEFUL="1")
        self.assertNoMoreLostThanMust(load, 6)
