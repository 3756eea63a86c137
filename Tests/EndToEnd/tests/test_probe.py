"""The probe by itself: which lines it names, what it leaves alone, and what a program sees of it."""

import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import unittest

import probed
from harness import ROOT, EndToEndTest, wait_for

OUTCOMES = {
    "/timer": "crashed", "/uncaught": "crashed", "/next-error": "swallowed", "/next-error-late": "swallowed", "/thrown": "swallowed", "/pipe": "swallowed", "/guarded": "swallowed",
    "/guarded-throw": "swallowed", "/end-again": "emitted", "/end-again-late": "swallowed", "/other-status": "swallowed", "/write-after-end": "emitted",
    "/two-pipes": "swallowed", "/socket": "sent", "/socket-late": "sent", "/socket-before": "sent", "/hints-after": "sent",
    "/trailers-after": "swallowed", "/fastify/timer": "crashed", "/fastify/pipe": "swallowed", "/koa/timer": "crashed",
    "/connect/next": "swallowed",
    "/compat/head-late": "swallowed", "/compat/end-again": "swallowed", "/compat/write-after-end": "swallowed",
    "/compat/write-after-end-heard": "emitted", "/compat/timer": "crashed", "/compat/hints-after": "swallowed", "/stream/uncaught": "crashed",
}


class ProbeTest(EndToEndTest):
    def probed(self, program, **options):
        started = probed.Probed(program, self.directory, **options)
        self.addCleanup(started.stop)
        return started

    def ask(self, app, path, fields=()):
        """Whatever comes, as text: some of these programs end in the middle of it."""
        one = app.connect()
        self.addCleanup(one.close)
        one.request(path, fields=["X-Request-Id: asked", *fields])
        try:
            return one.read_response()
        except Exception:
            return None

    def records(self, app, count=1):
        wait_for(lambda: len(app.records()) >= count, lambda: f"{count} reports; there are {app.records()}")
        return app.records()


class DoubleSendProbeTest(ProbeTest):
    """Each marked program gives one record that points at its two lines."""

    def check(self, program, ask=None):
        for mark in probed.marks(program):
            with self.subTest(program=program, path=mark.path):
                app = probed.Probed(program, self.directory)
                try:
                    (ask or self.ask)(app, mark.path)
                    record = self.records(app)[0]
                finally:
                    app.stop()
                self.assertEqual(len(app.records()), 1, app.records())
                application = record["application"]
                self.assertEqual(probed.lines(application["first"], program)[:1], [mark.first], application)
                self.assertEqual(probed.lines(application["second"], program)[:1], [mark.second], application)
                self.assertIncident(
                    record, kind="application_double_send", certainty="proven", origin="application", request__id="asked",
                    request__method="GET", request__path=mark.path, response__status={200, 302, 503},
                    application__outcome=OUTCOMES.get(mark.path, "thrown"))
                self.assertRegex(record["group"], r"^[0-9a-hjkmnp-tv-z]{8}$")
                if program == "probe_express.js":
                    self.assertIncident(record, application__framework="express", application__route=mark.route)
                if program == "probe_shapes.js":
                    self.assertEqual((application.get("framework"), application.get("route")), self.route(mark.route), application)
                app.file.unlink()

    @staticmethod
    def route(route):
        """Who knows what of the route: Koa and Hapi say it by the probe's own symbol, Connect has no routes."""
        name = route.split("/")[1]
        framework = {"nest": "express"}.get(name, name)
        return framework if framework not in ("koa", "hapi", "connect") else None, route if name != "connect" else None

    def test_other_frameworks(self):
        self.check("probe_shapes.js")

    def test_express(self):
        self.check("probe_express.js")

    def test_node(self):
        self.check("probe_raw.js")

    def test_http2(self):
        def ask(app, path):
            echoes = probed.echoes_in(probed.ask_by_http2(app, path))
            # Some programs reset the stream before the answer has left.
            self.assertIn(echoes, (["e1"], []) if "write-after" in path else (["e1"],))
        self.check("probe_h2.js", ask)

    def test_a_record_has_the_route_s_template_and_no_value_of_a_query(self):
        app = self.probed("probe_express.js")
        self.ask(app, "/orders/7?token=TOPSECRET&x")
        self.assertIncident(self.records(app)[0], request__path="/orders/7?token=[REDACTED]&[REDACTED]",
                            request__template="/orders/{id}", evidence__second_status=500)

    MOUNTED = """
        const express = require('express');
        const app = express(), orders = express.Router({ mergeParams: true }), deep = express.Router();
        const twice = (req, res) => { res.send('a'); try { res.send('b'); } catch (error) {} };
        orders.get('/orders/:n', twice);
        orders.get('/', twice);
        deep.get('/x', twice);
        orders.use('/in/:kind', deep);
        app.use('/t/:tenant', orders);
        app.use('/plain', orders);
        app.use(orders);
        const server = app.listen(0, '127.0.0.1', () => console.log('LISTENING ' + server.address().port));
    """

    def test_where_a_router_is_mounted_may_vary_too(self):
        pathlib.Path(self.directory, "mounted.js").write_text(self.MOUNTED)
        app = self.probed("mounted.js", apps=self.directory)
        asked = {"/t/acme/orders/1": "/t/{tenant}/orders/{n}", "/t/globex/orders/2": "/t/{tenant}/orders/{n}", "/t/acme": "/t/{tenant}",
                 "/t/acme/in/a/x": "/t/{tenant}/in/{kind}/x", "/plain/orders/3": "/plain/orders/{n}", "/orders/4": "/orders/{n}",
                 "/t/a%20b/orders/5": "/t/{tenant}/orders/{n}"}
        for path in asked:
            self.ask(app, path)
        found = {record["request"]["path"]: record for record in self.records(app, len(asked))}
        self.assertEqual({path: record["request"]["template"] for path, record in found.items()}, asked)
        self.assertEqual(len({found[path]["group"] for path in asked if "/t/" in path and "orders" in path}), 1)

    def test_a_next_of_no_error_object(self):
        """Express hangs up all the same; nothing leads back to the line."""
        app = self.probed("probe_express.js")
        self.ask(app, "/next-string")
        self.assertIncident(self.records(app)[0], application__operation="next(err)", application__outcome="swallowed", application__route="/next-string")

    def test_a_route_that_the_program_tells_may_be_a_regular_expression(self):
        app = self.probed("probe_raw.js")
        self.ask(app, "/told-route")
        self.assertIncident(self.records(app)[0], application__route=r"/^\/told-(\w+)$/")

    def test_the_same_offence_is_the_same_group(self):
        app = self.probed("probe_express.js")
        for number in (7, 8):
            self.ask(app, f"/orders/{number}")
        first, second = self.records(app, 2)
        self.assertEqual(first["group"], second["group"])
        self.assertNotEqual(first["id"], second["id"])

    def test_a_process_that_survives_has_not_crashed(self):
        app = self.probed("probe_express.js", SURVIVE="1")
        self.ask(app, "/timer")
        self.assertIncident(self.records(app)[0], application__outcome="thrown")
        self.assertEqual(self.ask(app, "/ok").status, 200)

    def test_nobody_is_named_for_certain_on_a_connection_that_served_two(self):
        app = self.probed("probe_raw.js")
        with app.connect() as one:
            # The timer of the first writes when the second has been answered: by the connection alone it may be either's.
            for path in ("/socket-late", "/ok"):
                one.request(path, fields=[f"X-Request-Id: {path[1:]}"])
            record = self.records(app)[0]
        self.assertIncident(record, kind="application_double_send", certainty="suspected", attribution="open")
        self.assertIn("may be an earlier request of this connection", record["message"])

    def test_answers_whose_calls_alternate(self):
        app = self.probed("probe_express.js")
        with app.connect() as one, app.connect() as other:
            for client, name in ((one, "one"), (other, "other")):
                client.request(f"/pair/{name}", fields=[f"X-Request-Id: {name}", f"SendOnce-Id: {name}"])
            for client, name in ((one, "one"), (other, "other")):
                answer = client.read_response()
                self.assertEqual((answer.status, answer.all("SendOnce-Id"), answer.all("X-Pair")), (201, [name], ["yes"]))
        found = {record["request"]["id"]: record for record in self.records(app, 2)}
        self.assertEqual(set(found), {"one", "other"})
        for name, record in found.items():
            self.assertIncident(record, echo=name, application__operation="setHeader", application__route="/pair/:name", response__status=201)

    def test_stacks_can_be_off(self):
        app = self.probed("probe_express.js", SENDONCE_PROBE_STACKS="off")
        self.ask(app, "/orders/7")
        self.assertIncident(self.records(app)[0], application__first=[], application__second=[])

    def test_it_can_be_off(self):
        app = self.probed("probe_express.js", SENDONCE_PROBE="off")
        answer = self.ask(app, "/orders/7", fields=["SendOnce-Id: e1"])
        self.assertIsNone(answer.field("SendOnce-Id"))
        self.assertEqual(self.ask(app, "/ok").status, 200)
        self.assertEqual(app.records(), [])


class SocketProbeTest(ProbeTest):
    """Reports that leave by a Unix socket."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.directory, "probe.socket")
        self.lines = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.addCleanup(self.listener.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=lambda: self.lines.extend(map(json.loads, peer.makefile())), daemon=True).start()

    def test_a_report_survives_sigkill_in_the_same_tick(self):
        app = self.probed("probe_raw.js", SENDONCE_PROBE_SOCKET=self.path)
        self.ask(app, "/killed")
        self.assertEqual(app.process.wait(10), -signal.SIGKILL)
        wait_for(lambda: self.lines, "a report")
        self.assertIncident(self.lines[0], application__operation="setHeader", request__id="asked")

    def test_a_crash_corrects_the_report(self):
        app = self.probed("probe_express.js", SENDONCE_PROBE_SOCKET=self.path)
        self.ask(app, "/timer")
        self.assertNotEqual(app.process.wait(10), 0)
        wait_for(lambda: len(self.lines) >= 2, lambda: f"two lines; {self.lines}")
        first, second = self.lines
        self.assertIncident(first, application__outcome="thrown")
        self.assertEqual(second, {"schema": 1, "id": first["id"], "application": {"outcome": "crashed"}})

    def test_without_a_listener_the_file_takes_them(self):
        file = os.path.join(self.directory, "reports.jsonl")
        app = self.probed("probe_raw.js", SENDONCE_PROBE_SOCKET=self.path + ".not", SENDONCE_PROBE_FILE=file)
        self.ask(app, "/set-header")
        self.assertIncident(self.records(app)[0], application__operation="setHeader")

    def test_without_anybody_the_program_goes_on(self):
        app = self.probed("probe_raw.js", SENDONCE_PROBE_SOCKET=self.path + ".not")
        self.ask(app, "/set-header")
        self.assertEqual(self.ask(app, "/ok").status, 200)


class FIFOProbeTest(ProbeTest):
    """Reports that go to a FIFO: the program waits for nobody."""

    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.directory, "reports.fifo")
        os.mkfifo(self.path)
        self.app = self.probed("probe_raw.js", SENDONCE_PROBE_FILE=self.path)

    def read(self):
        """A reader whose pipe holds one page."""
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(reader, getattr(fcntl, "F_SETPIPE_SZ", 1031), 4096)
        return reader

    def take(self, reader):
        """What is in it; a program that has not written, and waits for nobody, will have by its next answer but one."""
        for _ in range(2):
            self.assertEqual(self.ask(self.app, "/ok").status, 200)
        try:
            return os.read(reader, 65536)
        except BlockingIOError:
            return b""

    def test_without_a_reader_the_program_goes_on(self):
        self.ask(self.app, "/set-header")
        self.assertEqual(self.ask(self.app, "/ok").status, 200)
        reader = self.read()
        self.ask(self.app, "/set-header?then")
        record, = map(json.loads, self.take(reader).splitlines())
        self.assertIncident(record, request__path="/set-header?[REDACTED]", application__dropped=1)

    def test_a_reader_that_stalls_holds_nothing_up(self):
        reader = self.read()
        for _ in range(6):
            self.ask(self.app, "/set-header")
        records = list(map(json.loads, self.take(reader).splitlines()))
        self.assertIn(len(records), range(1, 6))
        self.ask(self.app, "/set-header")
        # What was full has room again.
        self.assertEqual(len(self.take(reader).splitlines()), 1)

    def test_the_next_report_does_not_stand_behind_half_a_line(self):
        reader = self.read()
        # Longer than what a pipe takes as a whole or not at all: its path stands in it three times.
        self.ask(self.app, "/set-header?" + "&".join(["a=1"] * 400))
        torn = self.take(reader)
        self.assertEqual((len(torn), b"\n" in torn), (4096, False))
        self.ask(self.app, "/set-header")
        self.ask(self.app, "/set-header")
        before, *lines = self.take(reader).splitlines()
        self.assertEqual(before, b"")
        first, second = map(json.loads, lines)
        self.assertIncident(first, request__path="/set-header", application__dropped=1)
        self.assertIncident(second, request__path="/set-header")


class UnseenProbeTest(ProbeTest):
    """What the program sees stays as it was, and innocents are left in peace."""

    def test_innocents(self):
        app = self.probed("innocents.js")
        paths = re.findall(r"^  '(/\S+)':", (probed.APPS / "innocents.js").read_text(), re.MULTILINE)
        self.assertIn("/trailers", paths)
        for path in set(paths) - {"/endless", "/upload"}:
            self.ask(app, path)
        self.assertEqual(self.ask(app, "/ok").status, 200)
        self.assertEqual(app.records(), [])

    def test_the_program_sees_nothing(self):
        def seen(*arguments):
            result = subprocess.run(["node", *arguments, str(probed.APPS / "probe_sight.js")], capture_output=True, text=True, timeout=30)
            self.assertEqual(result.returncode, 0, result.stderr)
            return result.stdout.split("\n")
        self.assertEqual(seen("--require", str(probed.PROBE)), seen())

    def check_errors(self, program, ends):
        """What it prints, and what Node prints where it ends in an uncaught error, is the same with the probe and without."""
        def seen(end, *arguments):
            # Debian has its packages in a place of their own.
            environment = os.environ | {"NODE_PATH": "/usr/share/nodejs", "SENDONCE_PROBE_FILE": os.path.join(self.directory, "reports.jsonl")}
            result = subprocess.run(["node", *arguments, str(probed.APPS / program), *end], capture_output=True, text=True, timeout=60, env=environment)
            return result.returncode, result.stdout.split("\n"), result.stderr.split("\n")
        for end, code in ends.items():
            with self.subTest(end=end):
                without = seen(end.split())
                self.assertEqual(without[0], 1 if end else 0, without[2])
                self.assertIn(code, str(without))
                self.assertEqual(seen(end.split(), "--require", str(probed.PROBE)), without)

    def test_errors_have_the_stacks_that_they_had(self):
        sent, after_end = "ERR_HTTP_HEADERS_SENT", "ERR_STREAM_WRITE_AFTER_END"
        self.check_errors("probe_stacks.js", {"": sent, "setHeader": sent, "writeHead": sent, "json": sent, "write": after_end, "end": after_end})

    def test_errors_over_http2_have_the_stacks_that_they_had(self):
        sent, gone = "ERR_HTTP2_HEADERS_SENT", "ERR_HTTP2_INVALID_STREAM"
        self.check_errors("probe_stacks_h2.js", {"": sent, "setHeader": sent, "writeHead": sent, "respond": gone, "additionalHeaders": gone})

    def test_it_is_loaded_once_and_keeps_no_process_alive(self):
        program = f"const p = {json.dumps(str(probed.PROBE))}; const f = require('http').ServerResponse.prototype.writeHead;" \
                  "delete require.cache[require.resolve(p)]; require(p);" \
                  "console.log(f === require('http').ServerResponse.prototype.writeHead)"
        result = subprocess.run(["node", "--require", str(probed.PROBE), "-e", program], capture_output=True, text=True, timeout=30)
        self.assertEqual(result.stdout, "true\n", result.stderr)

    def test_the_file_is_made_of_its_parts(self):
        check = subprocess.run([str(ROOT / "scripts/tools/bundle_probe.py"), "--check"], capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stderr)

    def test_templates_and_groups_are_the_proxy_s(self):
        program = "const fs = require('fs'), m = {}; new Function('require', 'exports', fs.readFileSync(process.argv[1], 'utf8'))(require, m);" \
                  "for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\\n')) {" \
                  "  const [sort, from, to] = line.split('\\t'); if (to === undefined) continue;" \
                  "  const made = sort === 'path' ? m.ofPath(from) : sort === 'route' ? m.ofRoute(from) : m.group(...from.split('|'));" \
                  "  if (made !== to) console.log(line, made); }"
        result = subprocess.run(["node", "-e", program, str(ROOT / "Sources/NodeProbe/src/templates.js"),
                                 str(ROOT / "Tests/Unit/ReportTests/templates.tsv")], capture_output=True, text=True, timeout=30)
        self.assertEqual((result.stdout, result.stderr), ("", ""))

    def test_the_id_echo(self):
        app = self.probed("probe_raw.js")
        one = app.connect()
        self.addCleanup(one.close)
        for number in range(3):
            one.request("/ok", fields=[f"SendOnce-Id: e{number}"])
            self.assertEqual(one.read_response().all("SendOnce-Id"), [f"e{number}"])
        one.request("/ok")
        self.assertEqual(one.read_response().all("SendOnce-Id"), [])


class ReadmeTest(ProbeTest):
    """What README promises who has just cloned it: no build, no package but Express."""

    def test_its_program_and_its_command_give_its_message(self):
        readme = (ROOT / "README.md").read_text()
        program = re.search(r"```js\n(const express.*?)```", readme, re.S)[1]
        message = re.search(r"(?m)^    (GET /orders/x was answered with .*)$", readme)[1]
        path = pathlib.Path(self.directory, "shop.js")
        # It says where it listens, and the kernel chooses.
        path.write_text(program.replace("app.listen(3000)", "app.listen(0, function () { console.log('LISTENING ' + this.address().port); })"))
        app = probed.Probed("shop.js", self.directory, arguments=[], apps=self.directory, NODE_OPTIONS=f"--require {ROOT}/Sources/NodeProbe/sendonce-probe.cjs")
        self.addCleanup(app.stop)
        self.assertRegex(readme, r'(?m)^    NODE_OPTIONS="--require /path/to/this/clone/Sources/NodeProbe/sendonce-probe\.cjs" SENDONCE_PROBE_FILE=\S+ node shop\.js$')
        with app.connect() as one:
            self.assertEqual(one.get("/orders/x").status, 400)
        record, = self.records(app)
        self.assertEqual(*(re.sub(r"[0-9.]+ ms", "N ms", text) for text in (record["message"], message)))


if __name__ == "__main__":
    unittest.main()
