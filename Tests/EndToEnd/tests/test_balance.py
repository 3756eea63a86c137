"""Which of several servers a request goes to."""

import collections
import threading

import certificates
import upstream
from harness import EndToEndTest


class Balance(EndToEndTest):
    """Servers that answer with their names, in the order in which they stand in the configuration."""

    def named(self, count, script=None, **options):
        def answering(name):
            return lambda conversation: script(name, conversation) if script else upstream.by_target(
                collections.defaultdict(lambda: upstream.ok(name.encode(), "Set-Cookie: mine=1")))(conversation)
        return [self.scripted(answering("abcdef"[place]), **options) for place in range(count)]

    def ask(self, proxy, count, **options):
        return "".join(proxy.get("/", **options).body.decode() for _ in range(count))


class Ways(Balance):
    def shares(self, balance, weights, count):
        servers = [{"address": server.address, "weight": weight} for server, weight in zip(self.named(len(weights)), weights)]
        return collections.Counter(self.ask(self.proxy(servers, balance=balance), count))

    def test_round_robin(self):
        proxy = self.proxy([server.address for server in self.named(3)], balance="round_robin")
        self.assertEqual(self.ask(proxy, 7), "abcabca")

    def test_round_robin_with_weights(self):
        self.assertEqual(self.shares("round_robin", [3, 1], 40), {"a": 30, "b": 10})

    def test_least_connections_shares_idle_servers_by_weight(self):
        self.assertEqual(self.shares("least_connections", [1, 2, 1], 40), {"a": 10, "b": 20, "c": 10})

    def test_random_two_gives_everybody_something(self):
        self.assertEqual(set(self.shares("random_two", [1, 1, 1], 120)), set("abc"))

    def busy(self, balance):
        """What the other clients get while one server is busy with a request."""
        release = threading.Event()

        def script(name, conversation):
            while (request := conversation.read_request()) is not None:
                if request.target == "/slow":
                    release.wait(10)
                conversation.send(upstream.ok(name.encode()))
        proxy = self.proxy([server.address for server in self.named(2, script)], balance=balance)
        with proxy.connect() as one:
            one.request("/slow")
            proxy.wait_metric(1, "sendonce_upstream_connections", state="active")
            others = self.ask(proxy, 10)
            release.set()
            busy = one.read_response().body.decode()
        return busy, others

    def test_least_connections_spares_the_busy(self):
        busy, others = self.busy("least_connections")
        self.assertEqual(set(others), set("ab") - {busy})

    def test_random_two_spares_the_busy(self):
        busy, others = self.busy("random_two")
        self.assertEqual(set(others), set("ab") - {busy})

    def test_round_robin_does_not_look(self):
        busy, others = self.busy("round_robin")
        self.assertEqual(collections.Counter(others), {"a": 5, "b": 5})


class Sticky(Balance):
    def cookies(self, response):
        return [value for value in response.all("set-cookie") if value.startswith("sendonce-")]

    def first_visit(self, proxy, **options):
        response = proxy.get("/", **options)
        cookies = self.cookies(response)
        self.assertEqual(len(cookies), 1, response)
        self.assertIn("mine=1", response.all("set-cookie"))
        return response.body.decode(), cookies[0]

    def visits(self, proxy, cookie, count=6):
        responses = [proxy.get("/", fields=[f"Cookie: a=b; {cookie.split(';')[0]}; c=d"]) for _ in range(count)]
        self.assertEqual([self.cookies(response) for response in responses], [[]] * count)
        return "".join(response.body.decode() for response in responses)

    def test_a_client_stays_with_its_server(self):
        servers = self.named(3)
        addresses = [server.address for server in servers]
        proxy = self.proxy(addresses, balance="sticky_cookie")
        visitors = [self.first_visit(proxy) for _ in range(6)]
        self.assertEqual({name for name, _ in visitors}, set("abc"))
        for name, cookie in visitors:
            self.assertRegex(cookie, r"^sendonce-[0-9a-f]{8}=[0-9a-f]{16}; Path=/; HttpOnly; SameSite=Lax$")
            self.assertEqual(self.visits(proxy, cookie), name * 6)
        self.end(proxy)
        # The same after a restart, and when the servers are listed otherwise.
        proxy = self.proxy(addresses[::-1], balance="sticky_cookie")
        for name, cookie in visitors:
            self.assertEqual(self.visits(proxy, cookie), name * 6)

    def test_a_cookie_that_names_nobody(self):
        proxy = self.proxy([server.address for server in self.named(2)], balance="sticky_cookie")
        name = self.first_visit(proxy)[1].split("=")[0]
        for value in ("0" * 16, "", "x" * 5000):
            self.first_visit(proxy, fields=[f"Cookie: {name}={value}"])

    def test_a_server_that_is_gone_is_replaced(self):
        servers = self.named(2)
        proxy = self.proxy([server.address for server in servers], balance="sticky_cookie", eject={"consecutive_failures": 1})
        name, cookie = self.first_visit(proxy)
        servers["ab".index(name)].stop()
        other, new = self.first_visit(proxy, fields=[f"Cookie: {cookie.split(';')[0]}"])
        self.assertNotEqual(other, name)
        self.assertEqual(self.visits(proxy, new), other * 6)

    def test_with_tls_the_cookie_is_secure(self):
        proxy = self.proxy(
            [server.address for server in self.named(2)], balance="sticky_cookie",
            listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("shop")}])
        with proxy.connect(tls=certificates.trusting(), server_name="shop.example") as one:
            self.assertRegex(self.cookies(one.get("/"))[0], r"; Path=/; HttpOnly; SameSite=Lax; Secure$")

    def test_without_it_there_is_no_cookie(self):
        proxy = self.proxy([server.address for server in self.named(2)])
        self.assertEqual(self.cookies(proxy.get("/")), [])
