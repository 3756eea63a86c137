"""What a client may ask for and how long anybody may take: each limit with its status, its counter, and a body that says why."""

import html.parser
import json
import os
import pathlib
import re
import threading
import time

import upstream
from harness import BINARY, EndToEndTest, wait_for


class LimitTest(EndToEndTest):
    def silent(self, timeouts_={}, **options):
        """A proxy before an upstream that never answers."""
        def script(conversation):
            conversation.read_request()
            conversation.wait_for_end()
        return self.proxy(self.scripted(script).address, timeouts_={"drain": "100ms"} | timeouts_, **options)

    def assertCounted(self, proxy, reason, count=1):
        proxy.wait_metric(count, "sendonce_client_rejected_total", reason=reason)


class Statuses(LimitTest):
    def ask(self, proxy, text):
        with proxy.connect() as one:
            one.send(text)
            return one.read_response()

    def test_408_for_a_header_block(self):
        proxy = self.silent(timeouts_={"client_header": "100ms"})
        self.assertEqual(self.ask(proxy, b"GET / HTTP/1.1\r\nHost: a\r\n").status, 408)
        self.assertCounted(proxy, "header_timeout")

    def test_408_for_a_body(self):
        proxy = self.silent(timeouts_={"client_body": "100ms"})
        self.assertEqual(self.ask(proxy, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").status, 408)
        self.assertCounted(proxy, "body_timeout")

    def test_a_body_that_does_not_come_is_counted_also_when_its_answer_has_begun(self):
        def script(conversation):
            conversation.read_head()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, timeouts_={"client_body": "100ms"})
        response = self.ask(proxy, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        self.assertEqual((response.body, response.complete), (b"half", False))
        self.assertCounted(proxy, "body_timeout")

    def test_413(self):
        proxy = self.silent(limits={"body_bytes": "4"})
        self.assertEqual(self.ask(proxy, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde").status, 413)
        self.assertCounted(proxy, "body_too_large")
        self.assertEqual(
            self.ask(proxy, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n").status, 413)
        self.assertCounted(proxy, "body_too_large", 2)

    def test_414_and_431(self):
        proxy = self.silent(limits={"header_bytes": "1KiB", "header_count": 10})
        self.assertEqual(self.ask(proxy, b"GET /" + b"a" * 2000).status, 414)
        self.assertEqual(self.ask(proxy, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 2000).status, 431)
        self.assertEqual(self.ask(proxy, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10 + b"\r\n").status, 431)
        self.assertCounted(proxy, "header_too_large", 3)

    def test_502(self):
        kept, nobody = upstream.refusing_address()
        self.addCleanup(kept.close)
        response = self.proxy(nobody).get("/")
        self.assertEqual((response.status, response.field("retry-after")), (502, None))

    def test_503_when_nobody_comes_free(self):
        proxy = self.silent(connections={"max": 1})
        with proxy.connect() as first:
            first.request("/")
            proxy.wait_metric(1, "sendonce_upstream_connections", state="active")
            response = proxy.get("/")
            self.assertEqual((response.status, response.field("retry-after")), (503, "1"))
            self.assertCounted(proxy, "no_server")

    def test_504(self):
        proxy = self.silent(timeouts={"response_header": "100ms"})
        self.assertEqual(proxy.get("/").status, 504)
        proxy.wait_metric(1, "sendonce_requests_total", code="504", route="main", upstream="app")


class Bodies(LimitTest):
    def setUp(self):
        super().setUp()
        self.kept, self.nobody = upstream.refusing_address()
        self.addCleanup(self.kept.close)

    def test_the_form_is_what_the_client_likes_best(self):
        proxy = self.proxy(self.nobody)
        for accept, expected in (
                (None, "text/plain"), ("*/*", "text/plain"), ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
                ("application/json, text/plain, */*", "application/json"), ("text/html;q=0.1, application/json", "application/json"),
                ("application/problem+json", "application/json"), ("image/png", "text/plain"), ("text/html;q=0", "text/plain"),
                ("text/html;q=x, text/plain;q=0.2", "text/plain")):
            with self.subTest(accept):
                response = proxy.get("/<script>", fields=[f"Accept: {accept}"] if accept else [])
                self.assertEqual(response.status, 502)
                self.assertEqual(response.field("content-type").split(";")[0], expected)
                self.assertLess(len(response.body), 500)
                self.assertEqual(response.field("cache-control"), "no-store")
                self.assertIn(response.field("x-request-id"), response.body.decode())
                self.assertNotIn(b"script", response.body)
                if expected == "application/json":
                    self.assertEqual(json.loads(response.body)["request_id"], response.field("x-request-id"))
                if expected == "text/html":
                    html.parser.HTMLParser().feed(response.body.decode())

    def test_a_heads_answer_has_no_body(self):
        response = self.proxy(self.nobody).get("/", method="HEAD")
        self.assertEqual((response.status, response.body), (502, b""))
        self.assertGreater(int(response.field("content-length")), 0)

    def test_pages_from_files(self):
        pages = {"502": ("bad.html", "<style>p {color: red}</style><p>{status} {reason}: {request_id}</p>"),
                 "404": ("none.json", '{"code": {status}, "why": "{detail}"}'), "503": ("busy.txt", "later")}
        for name, text in pages.values():
            pathlib.Path(self.directory, name).write_text(text)
        proxy = self.proxy(
            self.nobody, routes=[{"name": "main", "path_prefix": "/a", "upstream": "app"}],
            error_pages={status: f"{self.directory}/{name}" for status, (name, _) in pages.items()})
        response = proxy.get("/a", fields=["Accept: application/json"])
        self.assertEqual(response.field("content-type"), "text/html; charset=utf-8")
        self.assertEqual(response.body.decode(), f"<style>p {{color: red}}</style><p>502 Bad Gateway: {response.field('x-request-id')}</p>")
        response = proxy.get("/b")
        self.assertEqual((response.status, response.field("content-type")), (404, "application/json"))
        self.assertEqual(json.loads(response.body), {"code": 404, "why": "no route for this host and path"})
        self.assertEqual(proxy.get("/b", method="HEAD").body, b"")

    def test_a_page_that_cannot_be_read_has_its_place(self):
        path = pathlib.Path(self.directory, "bad.yaml")
        path.write_text("upstreams: {app: {servers: [127.0.0.1:3000]}}\nerror_pages:\n  502: /nowhere/a.html\n")
        for command in ("check", "run"):
            program = self.program(command, "--config", str(path))
            self.assertEqual(program.wait(), 2)
            self.assertIn(f"{path}:3:8: /nowhere/a.html: cannot be read: No such file or directory", program.log)


class Descriptors(LimitTest):
    alone = True

    def test_running_out_of_them_pauses_and_recovers(self):
        # A limit that holds for the child and all that it starts.
        script = pathlib.Path(self.directory, "limited")
        script.write_text(f'#!/bin/sh\nulimit -n 100\nexec {BINARY} "$@"\n')
        script.chmod(0o755)
        origin = self.scripted(upstream.by_target({"/": upstream.ok(b"OK")}))
        proxy = self.proxy(origin.address, binary=str(script), timeouts_={"client_header": "5m", "client_idle": "5m"})
        kept = [proxy.connect() for _ in range(150)]
        wait_for(lambda: "accepting paused" in proxy.log, "accepting to pause")
        # Those that got in are served: descriptors for upstreams are left.
        accepted = accepted_ports()
        served = [one for one in kept if one.socket.getsockname()[1] in accepted]
        self.assertGreater(len(served), 40)
        for one in served[:20]:
            self.assertEqual(one.get("/").body, b"OK")
        # Nothing spins meanwhile.
        before, start = cpu_seconds(proxy), time.monotonic()
        threading.Event().wait(1)
        self.assertLess(cpu_seconds(proxy) - before, 0.25 * (time.monotonic() - start))
        self.assertLessEqual(len(re.findall("accepting paused", proxy.log)), 2)
        for one in served:
            one.close()
        # Whoever waited outside comes in.
        for one in [one for one in kept if one not in served]:
            self.assertEqual(one.get("/").body, b"OK")
            one.close()
        self.assertEqual(proxy.get("/").body, b"OK")
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_server_up"), 1)


def cpu_seconds(proxy):
    """What the process and its children have used."""
    ticks = 0
    for pid in proxy.pids():
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def accepted_ports():
    """The remote ports of connections that somebody holds: the kernel completes handshakes of those that wait as well."""
    rows = (row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    # A connection that nobody has accepted has no inode.
    return {int(row[2].rsplit(":", 1)[1], 16) for row in rows if row[9] != "0"}
