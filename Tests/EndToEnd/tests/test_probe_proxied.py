"""The probe behind the proxy: what both have seen is one incident, and answers carry their requests' ids."""

import json
import os
import pathlib
import socket

import probed
from harness import EndToEndTest, run_command, wait_for


class ProxiedProbeTest(EndToEndTest):
    """The probe behind the proxy: one incident of what both have seen, and answers that carry their requests' ids."""

    def behind(self, program, echo="auto", probe=True, hold="0ms", quarantine="60s", **environment):
        path = os.path.join(self.directory, "probe.socket")
        if probe:
            environment |= {"NODE_OPTIONS": f"--require {probed.PROBE}", "SENDONCE_PROBE_SOCKET": path}
        self.app = self.node(program, **environment)
        return self.proxy(self.app.address, probe={"socket": path, "echo": echo}, connections={"hold": hold}, incidents={"quarantine": {"for": quarantine}})

    def test_the_command_says_where_it_is(self):
        result = run_command("probe", env=os.environ | {"XDG_CACHE_HOME": self.directory})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(pathlib.Path(result.stdout.rstrip("\n")).read_bytes(), probed.PROBE.read_bytes())

    def test_what_never_reached_the_wire(self):
        proxy = self.behind("probe_express.js")
        one = proxy.connect()
        self.addCleanup(one.close)
        self.assertEqual(one.get("/orders/7?token=TOPSECRET").status, 200)
        [incident] = proxy.wait_incidents(1)
        self.assertIncident(
            incident, kind="application_double_send", origin="application", route="main", upstream__name="app", upstream__exchange=1,
            request__template="/orders/{id}", request__path="/orders/7?token=[REDACTED]", application__outcome="thrown",
            client__address=one.name, client__protocol="http/1.1")
        proxy.wait_metric(1, "sendonce_incidents_total", kind="application_double_send", route="main", upstream="app")
        self.assertEqual(len(self.end(proxy)), 1)

    def client_of(self, path):
        proxy = self.behind("probe_express.js")
        with proxy.connect() as one:
            self.assertEqual(one.get(path).status, 200)
            [incident] = proxy.wait_incidents(1)
            self.assertIncident(incident, kind="application_double_send", client__address=one.name)

    def test_the_client_of_a_program_that_ends(self):
        self.client_of("/timer")

    def test_the_client_of_a_program_that_hangs_up(self):
        self.client_of("/next-error")

    def test_what_the_wire_shows_too_is_one_incident(self):
        proxy = self.behind("probe_raw.js")
        self.assertEqual(proxy.get("/socket-late").body, b"first")
        [incident] = proxy.wait_incidents(1)
        self.assertIncident(incident, kind="second_response", application__operation="socket.write", request__path="/socket-late")
        self.assertEqual(len(self.end(proxy)), 1)

    def test_a_report_without_an_exchange_is_told(self):
        proxy = self.behind("plain.js", probe=False)
        report = {"schema": 1, "id": "r1", "kind": "application_double_send", "message": "told",
                  "request": {"id": "nobody", "method": "GET", "path": "/a"},
                  "application": {"outcome": "swallowed", "operation": "end"}}
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(os.path.join(self.directory, "probe.socket"))
            peer.sendall(b"garbage\n" + json.dumps(report).encode() + b"\n" + b"x" * 200_000 + b"\n")
            [incident] = proxy.wait_incidents(1)
            proxy.wait_metric(2, "sendonce_probe_reports_total", result="invalid")
        self.assertIncident(incident, kind="application_double_send", route="_none", request__id="nobody")

    def test_no_stray_reaches_a_victim(self):
        proxy = self.behind("strays.js")
        one = proxy.connect()
        self.addCleanup(one.close)
        for name in ("timeout-0", "timeout-5", "timeout-25"):
            for number in range(20):
                self.assertEqual(one.get(f"/guilty/{name}/{number}").body, f"FIRST-{number}".encode())
                self.assertEqual(one.get(f"/victim/{number}").body, f"OWN-{number}".encode())
        wait_for(lambda: [i for i in proxy.incidents() if i["kind"] == "misdelivered_response"], "a misdelivery")
        found = [i for i in proxy.incidents() if i["kind"] == "misdelivered_response" and i["certainty"] == "proven"]
        self.assertIncident(found[0], evidence__proof="request_id", client_impact="none")

    def test_no_stray_reaches_a_post_which_could_not_be_asked_for_again(self):
        proxy = self.behind("strays.js", hold="auto", quarantine=0)
        with proxy.connect() as one:
            for number in range(20):
                # Its connection echoes from here on; the stray that comes 5 ms later has no id.
                self.assertEqual(one.get(f"/guilty/timeout-5/{number}").body, f"FIRST-{number}".encode())
                self.assertEqual(one.get(f"/victim/{number}", method="POST", body=b"x").body, f"OWN-{number}".encode())

    def test_an_answer_on_the_socket_itself_reaches_its_client(self):
        proxy = self.behind("raw_answers.js")
        for method in ("POST", "GET", "GET", "GET"):
            with proxy.connect() as one:
                # Its connection has echoed before.
                self.assertEqual(one.get("/ok").body, b"OK")
                one.request("/raw", method=method)
                answer = one.read_response()
                self.assertEqual((answer.status, answer.body), (200, b"RAW"))
        # The first GET was asked twice; that its second answer had no id either is remembered.
        self.assertEqual(proxy.get("/count").body, b"5")
        self.assertEqual([i for i in proxy.incidents() if i["kind"] == "misdelivered_response" and i["certainty"] == "proven"], [])

    def test_require_takes_no_answer_on_the_socket_itself(self):
        proxy = self.behind("raw_answers.js", echo="require")
        self.assertEqual(proxy.get("/ok").body, b"OK")
        self.assertEqual(proxy.get("/raw").status, 502)

    def test_require_records_what_it_refuses(self):
        proxy = self.behind("raw_answers.js", echo="require")
        with proxy.connect() as one:
            self.assertEqual(one.get("/ok").body, b"OK")
            one.request("/raw", method="POST")
            self.assertEqual(one.read_response().status, 502)
        [incident] = proxy.wait_incidents(1)
        self.assertIncident(
            incident, kind="misdelivered_response", certainty="suspected", evidence__proof="request_id", victim__path="/raw",
            client_impact="bad_gateway")

    def http2(self, echo="auto"):
        self.app = self.node("h2_other_mark.js")
        app = {"servers": [self.app.address], "protocol": "http2"}
        return self.proxy(None, upstreams={"app": app}, probe={"echo": echo})

    def test_another_s_answer_on_a_stream_reaches_nobody(self):
        proxy = self.http2()
        self.assertEqual(proxy.get("/own").body, b"OWN")
        self.assertEqual(proxy.get("/other").body, b"OWN")
        [incident] = proxy.wait_incidents(1)
        self.assertIncident(
            incident, kind="misdelivered_response", certainty="proven", evidence__proof="request_id", client_impact="none",
            request__path="/own", victim__path="/other")
        with proxy.connect() as one:
            one.request("/other", method="POST")
            self.assertEqual(one.read_response().status, 502)
        self.assertEqual(len(proxy.wait_incidents(2)), 2)

    def test_the_field_stays_between_proxy_and_server(self):
        proxy = self.behind("plain.js")
        with proxy.connect() as one:
            for _ in range(3):
                one.request("/ok", fields=["SendOnce-Id: forged"])
                self.assertIsNone(one.read_response().field("SendOnce-Id"))
        self.assertNoIncidents(proxy)

    def test_require_refuses_answers_without(self):
        proxy = self.behind("plain.js", echo="require", probe=False)
        self.assertEqual(proxy.get("/ok").status, 502)
        self.assertNoIncidents(proxy)

    def test_without_a_probe_nothing_is_expected(self):
        proxy = self.behind("plain.js", probe=False)
        with proxy.connect() as one:
            for _ in range(5):
                self.assertEqual(one.get("/ok").status, 200)
        self.assertNoIncidents(proxy)
