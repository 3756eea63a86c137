"""`sendonce gate`: what closes it, what does not, and what it tells."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess

import junitparser

import sarif
from harness import BINARY, EndToEndTest, run_command, wait_for
from judges import judge
from probed import marks
from upstream import APPS, ok

# A second send that is refused, and noticed by nobody.
TWICE = "/async"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class GateTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        paths = [path for path in (os.environ.get("NODE_PATH"), "/usr/share/nodejs") if path]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "SENDONCE_", "NODE_OPTIONS"))}
        self.environment = kept | {"NODE_PATH": ":".join(paths), "TMPDIR": self.directory, "NO_COLOR": "1"}

    def gate(self, *arguments, status=0, environment={}, cwd=None):
        done = run_command("gate", *map(str, arguments), cwd=cwd or self.directory, env=self.environment | environment, patience=120)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("sendonce-gate")], [], "left behind")
        return done

    def suite(self, *paths):
        return "--", "node", APPS / "gate_suite.js", *paths

    def report(self, *arguments, **options):
        path = pathlib.Path(self.directory, "report.json")
        done = self.gate("--report", f"json={path}", *arguments, **options)
        return json.loads(path.read_text()), done

    def script(self, text, name="script.js"):
        path = pathlib.Path(self.directory, name)
        path.write_text(text)
        return path


class Probe(GateTest):
    def test_every_express_bug_is_found_in_a_suite_that_passes(self):
        """Each on its lines, where the server is the suite's own and no proxy can stand before it."""
        programs = marks("probe_express.js")
        self.assertGreater(len(programs), 10)
        report, done = self.report(*self.suite(*(mark.path for mark in programs)), status=3)
        self.assertIn("all passed", done.stdout)
        self.assertEqual((report["verdict"], report["exit_code"], report["command_status"]), ("failed", 3, 0))
        seen = {(group["first_send"]["line"], group["second_send"]["line"]) for group in report["groups"] if "second_send" in group}
        for mark in programs:
            with self.subTest(path=mark.path):
                self.assertIn((mark.first, mark.second), seen)
                self.assertRegex(done.stderr, rf"second send  .*probe_express\.js:{mark.second}:")
                self.assertRegex(done.stderr, rf"first send   .*probe_express\.js:{mark.first}:")

    def test_innocent_ones_pass(self):
        for _ in range(3):
            report, done = self.report("--fail-on", "suspected", "--", "node", "--test", APPS / "gate_innocent.test.js",
                                       environment={"ROUNDS": "10"})
            self.assertEqual((report["groups"], report["verdict"]), ([], "passed"))
            self.assertIn("no answer was sent twice", done.stderr)

    def test_the_commands_own_status_comes_first(self):
        fails = self.script("process.exitCode = 7; require('http')")
        self.gate("--", "node", fails, status=7)
        self.gate("--", "/bin/sh", "-c", "kill -9 $$", status=137)
        report, done = self.report("--", "/bin/sh", "-c", f"node {APPS}/gate_suite.js {TWICE}; exit 5", status=5)
        self.assertEqual((report["verdict"], len(report["groups"])), ("command_failed", 1))
        self.assertIn("status 5", done.stderr)
        self.assertIn("cannot start no-such-program", self.gate("--", "no-such-program", status=1).stderr)

    def test_what_is_allowed_and_what_is_in_the_baseline(self):
        self.gate("--allow", "application_double_send", *self.suite(TWICE))
        self.gate("--allow", "second-response", *self.suite(TWICE), status=3)
        baseline = pathlib.Path(self.directory, "known.json")
        self.assertIn("--update-baseline", self.gate("--baseline", baseline, *self.suite(TWICE), status=2).stderr)
        self.gate("--baseline", baseline, "--update-baseline", *self.suite(TWICE, "/cookie"))
        self.assertEqual(len(json.loads(baseline.read_text())["groups"]), 2)
        # Line numbers and ids are no part of a group: the same bugs are known, a new one is not.
        self.gate("--baseline", baseline, *self.suite(TWICE, "/cookie"))
        done = self.gate("--baseline", baseline, *self.suite(TWICE, "/cookie", "/orders/7"), status=3)
        self.assertIn("new: application_double_send GET /orders/{id}", done.stderr)
        done = self.gate("--baseline", baseline, *self.suite(TWICE))
        self.assertRegex(done.stderr, r"Gone from the baseline[^\n]*\n  \[\w+\] application_double_send GET /cookie")
        before = baseline.read_text()
        self.gate("--baseline", baseline, "--update-baseline", "--", "/bin/sh", "-c", "exit 1", status=1)
        self.assertEqual(baseline.read_text(), before, "a command that failed has not seen all")
        self.gate("--baseline", baseline, "--update-baseline", *self.suite(TWICE))
        self.assertEqual(len(json.loads(baseline.read_text())["groups"]), 1)
        baseline.write_text("{}")
        self.assertIn("known.json", self.gate("--baseline", baseline, *self.suite(TWICE), status=2).stderr)

    def test_the_probe_is_added_to_what_node_has(self):
        prints = self.script("console.log(process.env.NODE_OPTIONS, process.execArgv, global.early)")
        first = self.script("global.early = 'loaded'", "a first.js")
        done = self.gate("--", "node", prints, environment={"NODE_OPTIONS": f'--require "{first}"'})
        self.assertIn("loaded", done.stdout)
        self.assertEqual(done.stdout.count("--require"), 2)

    def test_the_command_has_its_own_input_and_output(self):
        done = subprocess.run([BINARY, "gate", "--", "cat"], input="hello", capture_output=True, text=True, env=self.environment, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "hello"))

    def test_the_command_runs_as_it_would_without_the_gate(self):
        """Its limits, the signals that it ignores, its descriptors."""
        app = self.node("plain.js")
        text = "ulimit -n; grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status; ls -l /proc/self/fd | grep -c -- '->'"
        alone = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, preexec_fn=self.usual)
        gated = subprocess.run([BINARY, "gate", "--upstream", app.address, "--linger", "0", "--", "/bin/sh", "-c", text],
                               capture_output=True, text=True, env=self.environment, preexec_fn=self.usual, timeout=60)
        self.assertEqual(self.without_glibcs_own(gated.stdout), self.without_glibcs_own(alone.stdout), gated.stderr)

    @staticmethod
    def without_glibcs_own(text):
        """posix_spawn has the signals 32 and 33 ignored until the program's own glibc takes them."""
        return re.sub(r"(?<=SigIgn:\t)[0-9a-f]+", lambda mask: hex(int(mask[0], 16) & ~(3 << 31)), text)

    @staticmethod
    def usual():
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        # Python ignores this one as well.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

    def test_bad_usage(self):
        for arguments, text in (
                ([], "after --"), (["--upstream", "127.0.0.1:1", "--start", "x", "--port", "1", "--", "true"], "exclude"),
                (["--start", "x", "--", "true"], "--port"), (["--port", "1", "--", "true"], "--start"), (["--no-probe", "--", "true"], "--no-probe"),
                (["--listen", "127.0.0.1:0", "--", "true"], "--listen"), (["--update-baseline", "--", "true"], "--baseline"),
                (["--allow", "second_respons", "--", "true"], "did you mean 'second_response'"), (["--fail-on", "all", "--", "true"], "fail-on"),
                (["--linger", "x", "--", "true"], "--linger"), (["--report", "xml=a", "--", "true"], "junit=FILE"),
                (["--upstream", "nonsense", "--", "true"], "--upstream")):
            with self.subTest(arguments=arguments):
                self.assertIn(text, self.gate(*arguments, status=2).stderr)


class Supertest(GateTest):
    """Suites of supertest's, run by mocha and by Node's own runner, with the probe alone."""

    # Throws into the test that runs at the moment: that suite fails by itself, too.
    THROWS = "/timer"

    def run_suite(self, runner, paths=(), rounds=0, **options):
        arguments = {"mocha": [judge("mocha")], "node": ["node", "--test"]}[runner]
        return self.report("--", *arguments, APPS / "gate_supertest.test.js", environment={"PATHS": ",".join(paths), "ROUNDS": str(rounds)}, **options)

    def test_every_express_bug_is_found(self):
        programs = marks("probe_express.js")
        for runner in ("mocha", "node"):
            report, _ = self.run_suite(runner, [mark.path for mark in programs if mark.path != self.THROWS], status=3)
            self.assertEqual((report["verdict"], report["command_status"]), ("failed", 0))
            thrown, _ = self.run_suite(runner, [self.THROWS], status=None)
            self.assertEqual((thrown["verdict"], thrown["exit_code"]), ("command_failed", thrown["command_status"]))
            seen = sorted((group["first_send"]["line"], group["second_send"]["line"]) for group in report["groups"] + thrown["groups"])
            self.assertEqual(seen, sorted((mark.first, mark.second) for mark in programs), runner)

    def test_innocent_ones_pass_a_hundred_times(self):
        for runner, rounds in (("mocha", 100), ("node", 10)):
            report, done = self.run_suite(runner, rounds=rounds)
            self.assertEqual((report["groups"], report["verdict"]), ([], "passed"))
            self.assertRegex(done.stdout, rf"(?m)^\s*{rounds} passing|^# pass {rounds}$")


class Proxy(GateTest):
    def start(self, program, *arguments, port=None, **options):
        port = port or free_port()
        return self.gate("--start", f"node {APPS / program}", "--port", port, *arguments, **options)

    def asks(self, *paths, wait=0):
        text = """
            const http = require('http');
            const [paths, wait] = [%s, %d];
            (async () => {
              for (const path of paths) {
                await new Promise((done, fail) => http.get(process.env.SENDONCE_URL + path, (res) => {
                  res.resume().on('end', () => setTimeout(done, wait)).on('error', fail);
                }).on('error', fail));
              }
            })();
        """ % (json.dumps(paths), wait)
        return "--", "node", self.script(text)

    def test_a_server_that_is_running(self):
        app = self.node("double_sends.js")
        done = self.gate("--upstream", app.address, *self.asks("/ok", "/socket-second"), status=3)
        self.assertRegex(done.stderr, r"new: second_response GET /socket-second +proven, once")
        self.gate("--upstream", app.address, *self.asks("/ok"))

    def test_late_second_sends_are_lingered_for(self):
        app = self.node("double_sends.js")
        self.gate("--upstream", app.address, "--linger", "600ms", *self.asks("/socket-second-late"), status=3)

    def test_both_lines_where_the_server_has_the_probe(self):
        done = self.start("probe_express.js", "--listen", "127.0.0.1:0", *self.asks("/orders/7"), status=3)
        mark = next(mark for mark in marks("probe_express.js") if mark.route.startswith("/orders"))
        self.assertRegex(done.stderr, rf"second send  .*probe_express\.js:{mark.second}:")
        self.assertRegex(done.stderr, rf"first send   .*probe_express\.js:{mark.first}:")

    def test_innocent_ones_pass(self):
        for _ in range(2):
            # An answer that its server cuts on purpose is cut all the same.
            done = self.start("gate_innocent.js", "--fail-on", "suspected", "--allow", "truncated_response", "--", "node", "--test", APPS / "gate_innocent.test.js", environment={"ROUNDS": "10"})
            self.assertEqual(re.findall(r"^(\w[\w ]*): (\w+)", done.stderr.split("sendonce gate:")[1], re.M), [("allowed", "truncated_response")])

    def test_what_is_suspected_closes_it_only_when_asked_to(self):
        """Who hangs up right after an answer may have swallowed a second send; that alone proves nothing."""
        def hangs_up(conversation):
            conversation.read_request()
            conversation.send(ok())
        origin = self.scripted(hangs_up)
        done = self.gate("--upstream", origin.address, *self.asks("/orders"))
        self.assertRegex(done.stderr, r"hangup_after_end GET /orders +suspected")
        self.gate("--upstream", origin.address, "--fail-on", "proven", *self.asks("/orders"))
        self.gate("--upstream", origin.address, "--fail-on", "suspected", *self.asks("/orders"), status=3)

    def test_where_the_proxy_listens(self):
        port = free_port()
        done = self.start("plain.js", "--listen", f"127.0.0.1:{port}", "--", "/bin/sh", "-c", 'echo "$SENDONCE_URL"')
        self.assertEqual(done.stdout.strip(), f"http://127.0.0.1:{port}")

    def test_without_the_probe(self):
        self.start("double_sends.js", "--no-probe", *self.asks("/socket-second"), status=3)
        done = self.start("double_sends.js", "--no-probe", "--", "/bin/sh", "-c", 'echo "<$NODE_OPTIONS>"')
        self.assertIn("<>", done.stdout)

    def test_the_server_gets_its_port_and_its_group_ends(self):
        """Not only the shell: what the shell has started, too, and what does not want to go."""
        port = free_port()
        stubborn = self.script("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", "stubborn.js")
        command = f"node {stubborn} & node {APPS / 'plain.js'}; true"
        self.gate("--start", command, "--port", port, "--", "true")
        done = subprocess.run(["pgrep", "-f", str(stubborn)], capture_output=True, text=True)
        self.assertEqual(done.stdout, "", "the group lives on")
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", port), 1)

    def test_a_server_that_does_not_come(self):
        done = self.gate("--start", "exit 9", "--port", free_port(), "--", "true", status=1)
        self.assertIn("ended with status 9 before it listened", done.stderr)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = self.gate("--start", f"node {APPS / 'plain.js'}", "--port", port, "--", "true", status=1)
            self.assertIn(f"127.0.0.1:{port} is taken already", done.stderr)
            done = self.gate("--upstream", "127.0.0.1:1", "--listen", f"127.0.0.1:{port}", "--", "true", status=1)
            self.assertIn(str(port), done.stderr)

    def test_a_signal_ends_all_of_it(self):
        port = free_port()
        mark = pathlib.Path(self.directory, "mark")
        program = self.program("gate", "--start", f"node {APPS / 'plain.js'}", "--port", str(port), "--", "/bin/sh", "-c",
                               f"touch {mark}; exec sleep 1000", environment=self.environment)
        wait_for(mark.exists, "the command to run")
        self.assertEqual(program.stop(signal.SIGTERM), 143)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", port), 1)

    def test_observed_and_not_changed(self):
        """What the server sends, the tests get; even where `fail` or `contain` would step in."""
        app = self.node("double_sends.js")
        text = "require('http').get(process.env.SENDONCE_URL + '/type-twice', (res) => { console.log(res.statusCode, res.rawHeaders.join()); res.resume(); })"
        done = self.gate("--upstream", app.address, "--", "node", self.script(text), status=3)
        self.assertRegex(done.stdout, r"^200 .*Content-Type.*Content-Type")


class Reports(GateTest):
    def test_junit(self):
        path = pathlib.Path(self.directory, "report.xml")
        self.gate("--report", f"junit={path}", *self.suite(TWICE, "/orders/7"), status=3)
        xml = junitparser.JUnitXml.fromfile(str(path))
        self.assertEqual((xml.tests, xml.failures, xml.errors, xml.skipped), (2, 2, 0, 0))
        cases = [case for suite in xml for case in suite]
        self.assertEqual({case.result[0].type for case in cases}, {"application_double_send"})
        self.assertIn("first send: ", cases[0].result[0].text)
        self.gate("--report", f"junit={path}", "--allow", "application_double_send", *self.suite(TWICE))
        self.assertEqual(junitparser.JUnitXml.fromfile(str(path)).skipped, 1)
        self.gate("--report", f"junit={path}", "--", "true")
        self.assertEqual((junitparser.JUnitXml.fromfile(str(path)).tests, junitparser.JUnitXml.fromfile(str(path)).failures), (1, 0))

    def test_sarif(self):
        folder = pathlib.Path(self.directory, "a b")
        shutil.copytree(APPS, folder)
        mark = next(mark for mark in marks("probe_express.js") if mark.path == TWICE)
        self.gate("--report", "sarif=out.sarif", "--", "node", "gate_suite.js", TWICE, status=3, cwd=folder)
        log = json.loads(pathlib.Path(folder, "out.sarif").read_text())
        sarif.check(log)
        self.assertEqual(log["version"], "2.1.0")
        run, = log["runs"]
        result, = run["results"]
        place = result["locations"][0]["physicalLocation"]
        self.assertEqual((place["artifactLocation"], place["region"]["startLine"]),
                         ({"uri": "probe_express.js", "uriBaseId": "SRCROOT"}, mark.second))
        self.assertEqual(result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], mark.first)
        self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"])
        self.assertTrue(run["originalUriBaseIds"]["SRCROOT"]["uri"].endswith("/a%20b/"))
        self.gate("--report", "sarif=out.sarif", "--", "true", cwd=folder)
        clean = json.loads(pathlib.Path(folder, "out.sarif").read_text())
        sarif.check(clean)
        self.assertEqual(clean["runs"][0]["results"], [])

    def test_github_is_the_default_in_its_actions(self):
        summary = pathlib.Path(self.directory, "summary.md")
        summary.write_text("before\n")
        actions = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(APPS.parent), "GITHUB_STEP_SUMMARY": str(summary)}
        mark = next(mark for mark in marks("probe_express.js") if mark.path == TWICE)
        done = self.gate(*self.suite(TWICE), status=3, environment=actions)
        self.assertRegex(done.stdout, rf"(?m)^::error file=apps/probe_express\.js,line={mark.second},col=\d+,title=SendOnce%3A [^:]+::.+%0AThe first send: apps/probe_express\.js:{mark.first}$")
        self.assertRegex(done.stdout, rf"(?m)^::notice file=apps/probe_express\.js,line={mark.first},")
        self.assertTrue(summary.read_text().startswith("before\n### SendOnce\n"), summary.read_text())
        self.assertIn("::error", self.gate("--report", "github", *self.suite(TWICE), status=3).stdout)
        self.assertNotIn("::", self.gate("--report", "junit=x.xml", *self.suite(TWICE), status=3, environment=actions).stdout)
        self.assertNotIn("::", self.gate(*self.suite(TWICE), status=3).stdout)

    def test_a_report_that_cannot_be_written(self):
        self.assertIn("no/such", self.gate("--report", "json=no/such/file", "--", "true", status=1).stderr)

    def test_the_guide_names_every_flag_and_form(self):
        guide = (pathlib.Path(__file__).resolve().parents[3] / "docs/ci.md").read_text()
        for flag in set(re.findall(r"--[a-z-]+", run_command("gate", "--help").stdout)) - {"--version", "--help"}:
            self.assertIn(f"`{flag}", guide)
        for name in "junit=", "sarif=", "json=", "github", "SENDONCE_URL", "NODE_OPTIONS":
            self.assertIn(name, guide)
