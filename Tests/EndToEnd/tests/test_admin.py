"""The admin endpoint: what each path answers, to people, to Prometheus and to programs that follow the incidents."""

import json
import re
import subprocess

import client
import upstream
from harness import EndToEndTest, wait_for
from judges import judge

TWICE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"


class AdminTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.origin = self.scripted(upstream.by_target({
            "/": TWICE, "/ok": upstream.ok(), "/dup": b"HTTP/1.1 200 OK\r\nETag: a\r\nETag: b\r\nContent-Length: 0\r\n\r\n"}))


class Paths(AdminTest):
    def test_every_series_exists_from_the_start(self):
        metrics = self.proxy(self.origin.address).metrics()
        both = {"header_block_in_body", "misdelivered_response", "stalled_response"}
        for kind in ("second_response", "header_block_in_body", "late_interim", "body_after_end", "misdelivered_response",
                     "duplicate_field", "conflicting_framing", "truncated_response", "stalled_response", "hangup_after_end",
                     "malformed_message"):
            for certainty in {"proven", "suspected"} if kind in both else {"suspected" if kind == "hangup_after_end" else "proven"}:
                with self.subTest(kind=kind, certainty=certainty):
                    self.assertEqual(metrics.find("sendonce_incidents_total", kind=kind, certainty=certainty, route="main",
                                                  upstream="app"), [0])
        for name in ("sendonce_surplus_bytes_total", "sendonce_client_connections", "sendonce_upstream_connections",
                     "sendonce_received_bytes_total", "sendonce_sent_bytes_total", "sendonce_upstream_server_quarantined"):
            self.assertTrue(metrics.find(name), name)
        self.assertEqual(metrics.find("sendonce_build_info"), [1])
        self.assertTrue(metrics.find("process_resident_memory_bytes"))
        self.assertEqual(metrics.types["sendonce_incidents_total"], "counter")
        self.assertEqual(metrics.types["sendonce_request_duration_seconds"], "histogram")

    def test_content_types_and_unknown_paths(self):
        proxy = self.proxy(self.origin.address)
        self.assertRegex(proxy.ask_admin("/metrics").field("content-type"), r"^text/plain; version=0\.0\.4")
        self.assertRegex(proxy.ask_admin("/incidents").field("content-type"), r"^application/json")
        self.assertEqual(proxy.ask_admin("/nothing").status, 404)
        self.assertEqual([proxy.ask_admin(path).status for path in ("/healthz", "/readyz")], [200, 200])

    def test_histograms_add_up(self):
        proxy = self.proxy(self.origin.address)
        for _ in range(5):
            proxy.get("/ok")
        proxy.wait_metric(5, "sendonce_request_duration_seconds_count", route="main", upstream="app")
        metrics = proxy.metrics()
        self.assertEqual(metrics.sum("sendonce_request_duration_seconds_bucket", route="main", upstream="app", le="+Inf"), 5)
        self.assertGreater(metrics.sum("sendonce_request_duration_seconds_sum", route="main"), 0)
        self.assertEqual(metrics.sum("sendonce_upstream_response_header_seconds_count", upstream="app"), 5)

    def test_unknown_methods_share_a_label(self):
        proxy = self.proxy(self.origin.address)
        proxy.get("/ok", method="FROBNICATE")
        proxy.wait_metric(1, "sendonce_requests_total", method="_OTHER", code="200")

    def test_incidents_from_memory(self):
        proxy = self.proxy(self.origin.address)
        proxy.get("/")
        proxy.get("/dup")
        recorded = proxy.wait_incidents(2)

        def ask(query=""):
            return [incident["kind"] for incident in json.loads(proxy.ask_admin("/incidents" + query).body)]
        self.assertCountEqual(ask(), ["body_after_end", "duplicate_field"])
        self.assertEqual(ask("?kind=duplicate_field"), ["duplicate_field"])
        self.assertEqual(ask("?route=main&kind=body_after_end"), ["body_after_end"])
        self.assertEqual(ask("?route=nothing"), [])
        self.assertEqual(ask(f"?after={recorded[0]['id']}"), [recorded[1]["kind"]])
        self.assertEqual(ask(f"?after={recorded[1]['id']}"), [])
        self.assertEqual(len(ask("?limit=1")), 1)

    def test_incidents_in_full(self):
        """The record on /incidents is the one in the log."""
        proxy = self.proxy(self.origin.address)
        proxy.get("/")
        recorded = proxy.wait_incidents(1)
        self.assertEqual(json.loads(proxy.ask_admin("/incidents").body), recorded)

    def test_the_configuration_in_force(self):
        proxy = self.proxy(
            "127.0.0.1:1", "--upstream", self.origin.address, "--workers", "2", environment={"APP_TOKEN": "hunter2"},
            routes=[{"name": "main", "upstream": "app", "request_headers": {"set": {"X-Token": "${APP_TOKEN}"}}}])
        config = json.loads(proxy.ask_admin("/config").body)
        # Flags have replaced the file's upstreams and routes; what neither names has its default.
        self.assertEqual(list(config["upstreams"]), ["default"])
        self.assertEqual(config["upstreams"]["default"]["servers"], [{"address": self.origin.address, "weight": 1}])
        self.assertEqual((config["workers"], config["timeouts"]["drain"]), (2, "30s"))
        self.end(proxy)
        proxy = self.proxy(
            self.origin.address, environment={"APP_TOKEN": "hunter2"},
            routes=[{"name": "main", "upstream": "app", "request_headers": {"set": {"X-Token": "${APP_TOKEN}"}}}])
        shown = proxy.ask_admin("/config").body
        self.assertEqual(json.loads(shown)["routes"][0]["request_headers"]["set"], {"X-Token": "[REDACTED]"})
        self.assertNotIn(b"hunter2", shown)
        # After a reload it is the new one.
        proxy.reload(proxy.config | {"timeouts": {"drain": "7s"}})
        self.assertEqual(json.loads(proxy.ask_admin("/config").body)["timeouts"]["drain"], "7s")

    def test_upstreams(self):
        proxy = self.proxy([self.origin.address, {"address": "127.0.0.1:1", "weight": 3}], balance="round_robin")
        found, = json.loads(proxy.ask_admin("/upstreams").body)["upstreams"]
        self.assertEqual(found["name"], "app")
        self.assertEqual([(server["address"], server["weight"], server["up"], server["quarantined"]) for server in found["servers"]],
                         [(self.origin.address, 1, True, False), ("127.0.0.1:1", 3, True, False)])

    def test_none_at_all(self):
        program = self.program(
            "run", "--listen", "127.0.0.1:0", "--upstream", self.origin.address, "--admin", "off", "--incidents", f"{self.directory}/i.jsonl")
        address = wait_for(lambda: re.search(r"listening address=(\S+) role=proxy", program.log), lambda: program.log)[1]
        with client.Client(address) as one:
            self.assertEqual(one.get("/ok").body, b"OK")
        self.assertEqual(program.stop(), 0)
        self.assertNotIn("role=admin", program.log)

    def test_on_a_unix_socket(self):
        proxy = self.proxy(self.origin.address, admin={"address": f"unix:{self.directory}/admin.sock"})
        self.assertEqual(proxy.admin, f"unix:{self.directory}/admin.sock")
        self.assertEqual(proxy.ask_admin("/healthz").status, 200)

    def test_it_only_reads(self):
        proxy = self.proxy(self.origin.address)
        with client.Client(proxy.admin) as one:
            response = one.get("/metrics", method="POST", body=b"x", host="localhost")
            self.assertEqual((response.status, response.field("allow")), (405, "GET, HEAD"))


class Admission(AdminTest):
    """Who may ask: a page in an operator's browser must not read it under a name of its own (DNS rebinding)."""

    def status(self, proxy, host, *fields, path="/incidents"):
        with client.Client(proxy.admin) as one:
            return one.get(path, host=host, fields=fields).status

    def test_hosts_and_origins(self):
        proxy = self.proxy(self.origin.address)
        for host in ("localhost", "localhost:9180", proxy.admin, "[::1]:80", "10.0.0.1"):
            self.assertEqual(self.status(proxy, host), 200, host)
        for path in ("/incidents", "/config", "/metrics", "/upstreams", "/incidents/stream", "/readyz", "/nothing"):
            self.assertEqual(self.status(proxy, "evil.example", path=path), 403, path)
        self.assertEqual(self.status(proxy, "localhost", "Origin: http://evil.example"), 403)
        self.assertEqual(self.status(proxy, "localhost", "Origin: http://localhost:3000"), 200)

    def test_names_are_the_configurations(self):
        proxy = self.proxy(self.origin.address, admin={"address": "localhost:0", "hosts": ["ops.example"]})
        self.assertEqual([self.status(proxy, host) for host in ("ops.example:1", "www.example")], [200, 403])
        proxy.reload(proxy.config | {"admin": {"address": "localhost:0", "hosts": ["*.example"]}})
        self.assertEqual([self.status(proxy, host) for host in ("ops.example", "www.example", "example")], [200, 200, 403])

    def test_unfinished_requests_keep_nobody_out(self):
        proxy = self.proxy(self.origin.address)
        for _ in range(128):
            one = client.Client(proxy.admin)
            self.addCleanup(one.close)
            one.send(b"G")
        for _ in range(5):
            self.assertEqual(proxy.ask_admin("/healthz").status, 200)


class Exposition(AdminTest):
    """What Prometheus scrapes."""

    TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

    def offended(self):
        proxy = self.proxy(self.origin.address, trusted_proxies=["127.0.0.0/8"])
        proxy.get("/", fields=[f"traceparent: 00-{self.TRACE}-00f067aa0ba902b7-01"])
        proxy.wait_incidents(1)
        return proxy

    def scrape(self, proxy, accept):
        with client.Client(proxy.admin) as one:
            return one.get("/metrics", fields=[f"Accept: {accept}"], close=True, host="localhost")

    def test_open_metrics_with_exemplars(self):
        response = self.scrape(self.offended(), "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        self.assertEqual(response.field("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8")
        text = response.body.decode()
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertRegex(text, r'(?m)^sendonce_incidents_total\{kind="body_after_end",certainty="proven",route="main",upstream="app"\} 1'
                               rf' # \{{trace_id="{self.TRACE}"\}} 1 [0-9.]+$')

    def test_prometheus_has_nothing_to_complain_of(self):
        text = self.scrape(self.offended(), "text/plain").body
        done = subprocess.run([judge("promtool"), "check", "metrics"], input=text, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))


class Following(AdminTest):
    """/incidents/stream: server-sent events."""

    def follow(self, proxy, query="", **options):
        one = client.Client(proxy.admin)
        self.addCleanup(one.close)
        one.request("/incidents/stream" + query, host="localhost", **options)
        # The comment that says that whatever happens from now on is told.
        one.read_until(b": following\n\n")
        return one

    def event(self, one):
        text = one.read_until(b"\n\n").decode()
        while text.startswith(":"):
            text = one.read_until(b"\n\n").decode()
        match = re.fullmatch(r"id: (\S+)\nevent: incident\ndata: (\{.*\})\n\n", text)
        self.assertTrue(match, text)
        record = json.loads(match[2])
        self.assertEqual(record["id"], match[1])
        return record

    def test_each_incident_as_it_happens(self):
        proxy = self.proxy(self.origin.address)
        one = self.follow(proxy)
        for path, kind in (("/", "body_after_end"), ("/dup", "duplicate_field"), ("/", "body_after_end")):
            proxy.get(path)
            self.assertEqual(self.event(one)["kind"], kind)

    def test_only_what_was_asked_for(self):
        proxy = self.proxy(self.origin.address)
        kinds, routes = self.follow(proxy, "?kind=duplicate_field&kind=late_interim"), self.follow(proxy, "?route=elsewhere")
        proxy.get("/")
        proxy.wait_incidents(1)
        proxy.get("/dup")
        self.assertEqual(self.event(kinds)["kind"], "duplicate_field")
        self.end(proxy)
        self.assertNotIn(b"id:", routes.rest())

    def test_going_on_where_one_was_cut_off(self):
        proxy = self.proxy(self.origin.address)
        for _ in range(3):
            proxy.get("/")
        ids = [record["id"] for record in proxy.wait_incidents(3)]
        for one in self.follow(proxy, f"?after={ids[0]}"), self.follow(proxy, fields=[f"Last-Event-ID: {ids[0]}"]):
            self.assertEqual([self.event(one)["id"] for _ in range(2)], ids[1:])
