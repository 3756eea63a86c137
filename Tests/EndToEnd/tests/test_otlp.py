"""Incidents as OpenTelemetry's log records, at collectors of others and of our own."""

import datetime
import os
import pathlib
import socket
import subprocess
import sys

import certificates
import collector as collectors
import yaml
from collector import Collector, plain
from harness import ROOT, EndToEndTest, run_command, wait_for

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Export(EndToEndTest):
    def collector(self, *arguments, **options):
        collector = Collector(*arguments, **options)
        self.addCleanup(collector.stop)
        return collector

    def exporting(self, collector, environment={}, endpoint=True, **options):
        incidents = {"otlp": {"endpoint": collector if isinstance(collector, str) else collector.url}} if endpoint else {}
        return self.proxy(self.node("double_sends.js").address, incidents=incidents, environment=environment, **options)

    def offend(self, proxy, count=1):
        for number in range(count):
            with proxy.connect() as one:
                one.get(f"/long-body?secret={number}", fields=[f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01"])
        proxy.wait_incidents(count)
        return proxy.incidents()

    def check(self, collector, written):
        wait_for(lambda: collector.records, "a record", 20)
        record = collector.records[0]
        attributes = {one.key: plain(one.value) for one in record.attributes}
        self.assertEqual((record.event_name, record.severity_text, record.severity_number), ("sendonce.incident", "warning", 13))
        self.assertEqual(record.body.string_value, written["message"])
        self.assertEqual((record.trace_id.hex(), record.span_id.hex()), (TRACE, written["request"]["span_id"]))
        self.assertGreater(record.time_unix_nano, 1_700_000_000 * 10**9)
        self.assertEqual(attributes["error.type"], "body_after_end")
        self.assertEqual(attributes["log.record.uid"], written["id"])
        self.assertEqual((attributes["url.path"], attributes["url.query"]), ("/long-body", "secret=[REDACTED]"))
        self.assertEqual(attributes["http.response.status_code"], 200)
        self.assertEqual(attributes["sendonce.evidence.surplus_bytes"], written["evidence"]["surplus_bytes"])
        self.assertEqual((attributes["network.protocol.name"], attributes["network.protocol.version"]), ("http", "1.1"))
        self.assertEqual(f"{attributes['server.address']}:{attributes['server.port']}", written["upstream"]["address"])

    def test_protobuf_by_default(self):
        collector = self.collector()
        proxy = self.exporting(collector)
        self.check(collector, self.offend(proxy)[0])
        path, fields, message = collector.requests[0]
        self.assertEqual((path, fields["Content-Type"]), ("/v1/logs", "application/x-protobuf"))
        resource = {one.key: one.value.string_value for one in message.resource_logs[0].resource.attributes}
        self.assertEqual(resource["service.name"], "sendonce")

    def test_json_gzip_headers_and_resource_by_the_environment(self):
        collector = self.collector()
        proxy = self.exporting(collector, endpoint=False, environment={
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=seven%207", "OTEL_SERVICE_NAME": "edge"})
        self.check(collector, self.offend(proxy)[0])
        _, fields, message = collector.requests[0]
        self.assertEqual((fields["Content-Type"], fields["Content-Encoding"], fields["x-tenant"]), ("application/json", "gzip", "seven 7"))
        resource = {one.key: one.value.string_value for one in message.resource_logs[0].resource.attributes}
        self.assertEqual(resource["service.name"], "edge")

    def test_over_tls(self):
        collector = self.collector(certificate=(certificates.file("shop.pem"), certificates.file("shop.key")))
        url = collector.url
        refused = self.exporting(url)
        self.offend(refused)
        wait_for(lambda: "OTLP" in refused.log and "takes no records" in refused.log, "an unknown authority to be refused")
        self.assertEqual(collector.requests, [])

        authority = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates.file("ca.pem"))}
        self.end(refused)
        self.check(collector, self.offend(self.exporting(url, environment=authority), 2)[1])

    def test_records_go_together(self):
        collector = self.collector()
        proxy = self.exporting(collector)
        self.offend(proxy, 10)
        wait_for(lambda: len(collector.records) == 10, "ten records", 20)
        self.assertLess(len(collector.requests), 10)

    def test_a_collector_that_is_busy_is_asked_again(self):
        collector = self.collector([(503, {}, 0), (429, {"Retry-After": "1"}, 0)])
        proxy = self.exporting(collector)
        self.offend(proxy)
        collector.wait_requests(3)
        wait_for(lambda: "takes records again" in proxy.log, "the end of the failure to be told")
        self.assertEqual(proxy.metrics().sum("sendonce_incidents_dropped_total", sink="otlp"), 0)

    def test_what_is_refused_is_counted(self):
        collector = self.collector([(400, {}, 0)])
        proxy = self.exporting(collector)
        self.offend(proxy)
        proxy.wait_metric(1, "sendonce_incidents_dropped_total", sink="otlp")

    def test_what_is_rejected_in_part_is_counted(self):
        collector = self.collector([(200, {}, 1)])
        proxy = self.exporting(collector)
        self.offend(proxy)
        proxy.wait_metric(1, "sendonce_incidents_dropped_total", sink="otlp")
        wait_for(lambda: "too old" in proxy.log, "the reason in the log")

    def test_the_last_records_are_sent_at_the_end(self):
        collector = self.collector()
        proxy = self.exporting(collector)
        self.offend(proxy, 3)
        self.end(proxy)
        self.assertEqual(len(collector.records), 3)

    def test_a_reload_exports_elsewhere(self):
        first, second = self.collector(), self.collector()
        proxy = self.exporting(first)
        self.offend(proxy)
        wait_for(lambda: first.records, "the first record", 20)
        proxy.config["incidents"]["otlp"]["endpoint"] = second.url
        proxy.reload(proxy.config)
        self.offend(proxy, 2)
        wait_for(lambda: second.records, "a record at the other collector", 20)

    def test_a_receiver_of_others(self):
        # oteltap does not say which port 0 became: take one that is free.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        script = ("import asyncio, sys\nfrom oteltap import *\nasync def main():\n"
                  "  async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=int(sys.argv[1]))) as tap:\n"
                  "    print('ready', flush=True)\n    record = await tap.await_log(lambda one: True, timeout=60)\n"
                  "    print(record.event_name, record.body.string_value, flush=True)\nasyncio.run(main())\n")
        tap = subprocess.Popen([sys.executable, "-c", script, str(port)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (tap.kill(), tap.communicate()))
        self.assertEqual(tap.stdout.readline(), "ready\n")
        proxy = self.exporting(f"http://127.0.0.1:{port}")
        written = self.offend(proxy)[0]
        self.assertEqual(tap.stdout.readline(), f"sendonce.incident {written['message']}\n")

    def test_what_cannot_be_used_stops_the_start(self):
        done = run_command("run", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:9", "--admin", "off", "--incidents", f"{self.directory}/i",
                           env={"PATH": "/usr/bin:/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("OTEL_EXPORTER_OTLP_ENDPOINT: expected http(s)://host:port, found collector:4318", done.stderr)


class Filelog(EndToEndTest):
    """The log as the OpenTelemetry Collector's `filelog` receiver reads it with config/otel/filelog.yaml."""

    def test_the_collector_makes_log_records_of_the_log(self):
        ours = Collector()
        self.addCleanup(ours.stop)
        proxy = self.proxy(self.node("double_sends.js").address)
        with proxy.connect() as one:
            one.get("/long-body", fields=[f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01"])
            one.get("/crlf-after-end")
        with proxy.connect() as one:
            one.get("/socket-second")
        written = proxy.wait_incidents(3)

        config = yaml.safe_load((ROOT / "config/otel/filelog.yaml").read_text())
        config["receivers"]["filelog/sendonce"]["include"] = [f"{self.directory}/incidents.jsonl"]
        config["exporters"]["otlphttp"]["endpoint"] = ours.url
        # It would publish metrics of its own on a port that may be taken.
        config["service"]["telemetry"] = {"metrics": {"level": "none"}}
        path = pathlib.Path(self.directory, "filelog.yaml")
        path.write_text(yaml.safe_dump(config))
        # Times are in UTC wherever the collector stands.
        theirs = subprocess.Popen([collectors.contrib(self.directory), "--config", path], env=os.environ | {"TZ": "America/New_York"},
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (theirs.kill(), theirs.communicate()))
        wait_for(lambda: len(ours.records) == 3 or theirs.poll() is not None, "three records", 60)
        self.assertIsNone(theirs.poll(), theirs.stderr.read() if theirs.poll() is not None else "")
        for record, line in zip(ours.records, written):
            attributes = {one.key: plain(one.value) for one in record.attributes}
            self.assertEqual(record.body.string_value, line["message"])
            moment = datetime.datetime.fromisoformat(line["time"])
            self.assertEqual(record.time_unix_nano // 1000, round(moment.timestamp() * 1_000_000))
            self.assertEqual(record.severity_text, line["severity"])
            self.assertEqual(record.severity_number, {"info": 9, "warning": 13, "error": 17}[line["severity"]])
            self.assertEqual((record.trace_id.hex(), record.span_id.hex()), (line["request"]["trace_id"], line["request"]["span_id"]))
            self.assertEqual((attributes["error.type"], attributes["log.record.uid"]), (line["kind"], line["id"]))
            self.assertEqual(attributes["request"]["path"], line["request"]["path"])
            self.assertEqual(attributes["evidence"]["surplus_bytes"], line["evidence"]["surplus_bytes"])
