"""Load from wrk and ab: not one error, and everything is counted."""

import re
import subprocess

import upstream
from harness import EndToEndTest
from judges import judge


class Load(EndToEndTest):
    alone = True

    @classmethod
    def setUpClass(cls):
        cls.app = upstream.Node("plain.js")
        cls.addClassCleanup(cls.app.stop)

    def run_tool(self, *arguments):
        done = subprocess.run([judge(arguments[0]), *arguments[1:]], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assertAllGood(self, proxy, count):
        # A tool may end with requests on their way: those may have been answered for nobody.
        proxy.wait_metric(count, "sendonce_requests_total", least=True, code="200")
        self.assertEqual(proxy.metrics().sum("sendonce_requests_total", code="502"), 0)
        self.assertNoIncidents(proxy)

    def wrk(self, path, *arguments, **options):
        proxy = self.proxy(self.app.address, **options)
        # Its own patience is 2 s, which a busy machine may need for one answer.
        out = self.run_tool("wrk", "-t1", "-c32", "-d2s", "--timeout", "30s", *arguments, f"http://{proxy.address}{path}")
        self.assertNotRegex(out, r"Socket errors|Non-2xx")
        count = int(re.search(r"(\d+) requests in", out)[1])
        self.assertGreater(count, 0)
        self.assertAllGood(proxy, count)

    def test_wrk_small(self):
        self.wrk("/ok")

    def test_wrk_two_workers(self):
        self.wrk("/ok", workers=2)

    def test_wrk_64_kib(self):
        self.wrk("/bytes?bytes=65536")

    def test_wrk_chunked(self):
        self.wrk("/bytes?bytes=100000&chunked=1")

    def test_wrk_few_upstream_connections(self):
        self.wrk("/ok", connections={"max": 4}, wait_queue={"timeout": "30s"})

    def ab(self, *arguments):
        proxy = self.proxy(self.app.address)
        out = self.run_tool("ab", "-q", "-n", "3000", "-c", "16", *arguments, f"http://{proxy.address}/ok")
        self.assertRegex(out, r"Complete requests:\s+3000\n")
        self.assertRegex(out, r"Failed requests:\s+0\n")
        self.assertNotIn("Non-2xx", out)
        self.assertAllGood(proxy, 3000)

    def test_ab_a_connection_a_request(self):
        self.ab()

    def test_ab_keep_alive(self):
        self.ab("-k")
