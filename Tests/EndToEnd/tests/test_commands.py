"""The command line: what each command prints, and how it ends."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

import client
import upstream
from configuration import configuration, yaml
from harness import BINARY, ROOT, EndToEndTest, run_command, wait_for

KINDS = ["second_response", "header_block_in_body", "late_interim", "body_after_end", "misdelivered_response", "duplicate_field",
         "conflicting_framing", "truncated_response", "stalled_response", "hangup_after_end", "malformed_message",
         "application_double_send"]


class CommandTest(EndToEndTest):
    def file(self, text, name="sendonce.yaml"):
        path = pathlib.Path(self.directory, name)
        path.write_text(text)
        return str(path)

    def assertEnds(self, status, *arguments, **options):
        done = run_command(*arguments, cwd=self.directory, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done


class Check(CommandTest):
    def test_good(self):
        self.assertEnds(0, "check", "--config", self.file(yaml(configuration("127.0.0.1:3000", self.directory))))

    def test_the_least(self):
        self.assertEnds(0, "check", "--config", self.file("upstreams:\n  app:\n    servers: [127.0.0.1:3000]\n"))

    def test_the_examples_that_are_shipped(self):
        examples = sorted((ROOT / "config").glob("*.yaml"))
        self.assertTrue(examples, "config/ has no example")
        for example in examples:
            with self.subTest(example=example.name):
                self.assertEnds(0, "check", "--config", str(example))

    def bad(self, text):
        path = self.file(text)
        done = self.assertEnds(2, "check", "--config", path)
        problems = re.findall(rf"^{re.escape(path)}:(\d+):(\d+): (.+)$", done.stdout + done.stderr, re.MULTILINE)
        self.assertTrue(problems, done.stdout + done.stderr)
        return [(int(line), int(column), message) for line, column, message in problems]

    def test_unknown_key_with_a_suggestion(self):
        (line, column, message), = self.bad("listners:\n  - address: 127.0.0.1:0\nupstreams:\n  app:\n    servers: [127.0.0.1:3000]\n")
        self.assertEqual((line, column), (1, 1))
        self.assertRegex(message, r"(?i)listners.*did you mean.*listeners")

    def test_every_problem_at_once(self):
        problems = self.bad(
            "workers: many\n"
            "upstreams:\n"
            "  app:\n"
            "    servers: [127.0.0.1:3000]\n"
            "    timeouts:\n"
            "      connect: soon\n"
            "routes:\n"
            "  - name: main\n"
            "    upstream: ap\n"
            "limits:\n"
            "  header_bytes: 64KB!\n")
        self.assertEqual([line for line, _, _ in problems], [1, 6, 9, 11])
        self.assertEqual([column for _, column, _ in problems][1:], [16, 15, 17])
        self.assertRegex(problems[2][2], r"(?i)did you mean.*app")

    def test_all_that_a_start_would_stumble_over(self):
        problems = self.bad(
            "listeners:\n"
            "  - address: 192.0.2.7:8080\n"
            f"  - address: unix:{self.directory}/nowhere/http.sock\n"
            "admin: 127.0.0.1:0\n"
            "upstreams:\n"
            "  app:\n"
            "    servers: [127.0.0.1:3000, no-such-host.invalid:80]\n"
            "    tls: {ca: nothing.pem}\n"
            "    blance: random_two\n"
            "incidents: {path: no/such/folder/i.jsonl}\n"
            "access_log:\n"
            f"  path: {self.directory}\n"
            "error_pages: {503: nothing.html}\n")
        self.assertEqual([problem[:2] for problem in problems], [(2, 14), (3, 14), (7, 31), (8, 15), (9, 5), (10, 19), (12, 9), (13, 20)])
        for (_, _, message), words in zip(problems, (
                "cannot listen on 192.0.2.7:8080: Cannot assign", "cannot listen on unix:", "cannot resolve no-such-host.invalid:80",
                "nothing.pem", "did you mean 'balance'", "cannot open incident log no/such/folder/i.jsonl: No such file",
                "cannot open access log .*: Is a directory", "nothing.html")):
            self.assertRegex(message, words)

    def test_logs_that_may_not_be_written(self):
        # As somebody who is not allowed everything.
        folder = pathlib.Path(self.directory, "closed")
        folder.mkdir(mode=0o555)
        path = self.file(f"upstreams: {{a: {{servers: ['127.0.0.1:1']}}}}\nincidents: {{path: {folder}/i.jsonl}}\n")
        pathlib.Path(self.directory).chmod(0o755)
        drop = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
        with self.readable_binary() as binary:
            done = subprocess.run([binary, "check", "--config", path], capture_output=True, text=True, cwd="/", timeout=30, **drop)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(f"{path}:2:19: cannot open incident log {folder}/i.jsonl: Permission denied", done.stderr)

    @contextlib.contextmanager
    def readable_binary(self):
        """The program where anybody can execute it."""
        copy = pathlib.Path(self.directory, "sendonce")
        shutil.copy(BINARY, copy)
        copy.chmod(0o755)
        yield str(copy)

    def test_it_leaves_no_trace_and_minds_nobody(self):
        """Beside the proxy that runs with the same file."""
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy = self.proxy(origin.address)
        config = proxy.config | {"listeners": [{"address": proxy.address}], "admin": {"address": proxy.admin},
                                 "access_log": {"path": f"{self.directory}/access.jsonl"}}
        self.assertIn(": fine", self.assertEnds(0, "check", "--config", self.file(yaml(config), "same.yaml")).stdout)
        self.assertFalse(pathlib.Path(self.directory, "access.jsonl").exists())
        self.assertEqual(proxy.get("/").body, b"OK")

    def test_no_upstreams(self):
        self.bad("workers: 1\n")

    def test_not_yaml(self):
        (line, _, _), *_ = self.bad("upstreams:\n  app: [unclosed\n")
        self.assertIn(line, (2, 3))

    def test_no_such_file(self):
        done = self.assertEnds(2, "check", "--config", f"{self.directory}/nothing.yaml")
        self.assertIn("nothing.yaml", done.stderr + done.stdout)

    def test_environment_variables(self):
        text = "upstreams:\n  app:\n    servers: [\"${E2E_SERVER:-127.0.0.1:3000}\"]\nworkers: ${E2E_WORKERS}\n"
        self.assertEnds(0, "check", "--config", self.file(text), env={"E2E_WORKERS": "2"})
        done = self.assertEnds(2, "check", "--config", self.file(text), env={})
        self.assertIn("E2E_WORKERS", done.stdout + done.stderr)


class Healthcheck(CommandTest):
    def test_ready_or_not(self):
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy = self.proxy(origin.address)
        self.assertEqual(self.assertEnds(0, "healthcheck", "--admin", proxy.admin).stdout, "ready\n")
        port = proxy.admin.rsplit(":", 1)[1]
        self.assertEnds(0, "healthcheck", "--admin", f":{port}")

    def test_over_a_unix_socket(self):
        proxy = self.proxy("127.0.0.1:1", admin={"address": f"unix:{self.directory}/admin.sock"})
        self.assertEnds(0, "healthcheck", "--admin", proxy.admin)

    def test_not_ready(self):
        kept, nobody = upstream.refusing_address()
        self.addCleanup(kept.close)
        proxy = self.proxy(nobody, health={"path": "/", "interval": "50ms", "unhealthy_after": 1})
        wait_for(lambda: proxy.ask_admin("/readyz").status == 503, "the server to be down")
        done = self.assertEnds(1, "healthcheck", "--admin", proxy.admin)
        self.assertRegex(done.stderr, r"not ready: .*app")

    def test_nobody_answers(self):
        kept, nobody = upstream.refusing_address()
        self.addCleanup(kept.close)
        self.assertIn("Connection refused", self.assertEnds(1, "healthcheck", "--admin", nobody).stderr)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            done = self.assertEnds(1, "healthcheck", "--admin", "127.0.0.1:%d" % silent.getsockname()[1])
        self.assertIn("timed out", done.stderr)
        self.assertEnds(1, "healthcheck", "--admin", f"unix:{self.directory}/nothing.sock")
        self.assertIn("--admin nonsense", self.assertEnds(2, "healthcheck", "--admin", "nonsense").stderr)

    def test_somebody_else_answers(self):
        other = self.scripted(lambda conversation: conversation.send(b"220 mail.example ESMTP\r\n"))
        self.assertEnds(1, "healthcheck", "--admin", other.address)


class Words(CommandTest):
    def test_version(self):
        self.assertRegex(self.assertEnds(0, "--version").stdout, r"\d+\.\d+\.\d+")

    def test_help(self):
        out = self.assertEnds(0, "--help").stdout
        for command in ("run", "check", "demo", "explain", "healthcheck", "replay"):
            self.assertRegex(out, rf"\b{command}\b")

    def test_bad_usage(self):
        for arguments in (["nonsense"], ["run"], ["run", "--nonsense"], ["run", "--upstream", "nowhere"], ["check"],
                          ["run", "--upstream", "127.0.0.1:99999"], ["run", "--upstream", "127.0.0.1:1", "--workers", "none"]):
            with self.subTest(arguments=arguments):
                done = self.assertEnds(2, *arguments)
                self.assertTrue(done.stderr.strip(), "it should say what is wrong")

    def test_explain_lists_every_kind(self):
        out = self.assertEnds(0, "explain").stdout
        for kind in KINDS:
            self.assertIn(kind, out)

    def test_explain_each_kind(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                out = self.assertEnds(0, "explain", kind).stdout
                self.assertIn(kind, out)
                self.assertGreater(len(out), 400)

    def test_explain_an_unknown_kind(self):
        done = self.assertEnds(2, "explain", "second_respons")
        self.assertIn("second_response", done.stdout + done.stderr)

    def test_replay(self):
        trace = self.file(
            '# Handler writes past its own Content-Length.\n'
            '> +0ms  "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"\n'
            '< +1ms  "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nfirstsecond"\n', "long-body.trace")
        out = self.assertEnds(0, "replay", trace).stdout
        self.assertRegex(out, r"! body_after_end proven exchange=1 .*surplus_bytes=6")

    def test_replay_of_an_innocent_trace(self):
        trace = self.file('> +0ms  "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"\n< +1ms  "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nfirst"\n',
                          "innocent.trace")
        self.assertNotIn("!", self.assertEnds(0, "replay", trace).stdout)

    def test_no_cut_changes_what_a_recorded_trace_yields(self):
        # All of them take a sanitizer more than five minutes.
        traces = sorted(map(str, ROOT.glob("Tests/Traces/http?/*.trace")))[:: 8 if "E2E_NO_MEASURING" in os.environ else 1]
        done = run_command("replay", "--cut", *traces, patience=300)
        self.assertIn(f"# {len(traces)} traces, ", done.stdout, done.stderr)
        self.assertEqual(re.findall(r"(?m)^# cut .*|^\+# .*", done.stdout), [])

    def test_replay_marks_differences(self):
        text = ('> +0ms "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"\n'
                '< +1ms "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nfirstsecond"\n'
                '! body_after_end proven exchange=1 surplus_bytes=%d\n')
        self.assertIn("\n! body_after_end", self.assertEnds(0, "replay", self.file(text % 6, "right.trace")).stdout)
        out = self.assertEnds(1, "replay", self.file(text % 7, "wrong.trace")).stdout
        self.assertIn("+! body_after_end proven exchange=1 surplus_bytes=6", out)
        self.assertIn("-! body_after_end proven exchange=1 surplus_bytes=7", out)
        self.assertIn("1:", self.assertEnds(2, "replay", self.file("nonsense", "bad.trace")).stderr)
        self.assertEnds(1, "replay", "no-such.trace")


class Run(CommandTest):
    def test_a_whole_deployment_in_flags(self):
        app = self.node("double_sends.js")
        path = pathlib.Path(self.directory, "seen.jsonl")
        program = self.program("run", "--listen", "127.0.0.1:0", "--upstream", app.address, "--admin", "127.0.0.1:0",
                               "--incidents", str(path), "--workers", "1", cwd=self.directory)
        address = wait_for(lambda: re.search(r"listening address=(\S+) role=proxy", program.log), lambda: program.log)[1]
        with client.Client(address) as one:
            self.assertEqual(one.get("/long-body").body, b"first")
        wait_for(lambda: path.exists() and "body_after_end" in path.read_text(), "the incident")
        self.assertEqual(program.stop(), 0, program.log)

    def test_incidents_on_standard_output(self):
        app = self.node("double_sends.js")
        program = self.program("run", "--listen", "127.0.0.1:0", "--upstream", app.address, "--admin", "127.0.0.1:0",
                               "--incidents", "-", cwd=self.directory)
        address = wait_for(lambda: re.search(r"listening address=(\S+) role=proxy", program.log), lambda: program.log)[1]
        with client.Client(address) as one:
            one.get("/long-body")
        wait_for(lambda: any('"body_after_end"' in line for line in program.output), lambda: program.output)
        self.assertEqual(program.stop(), 0, program.log)

    def test_flags_that_are_given_twice(self):
        origins = [self.scripted(upstream.by_target({"/": upstream.ok(name)})) for name in (b"a", b"b")]
        program = self.program(
            "run", "--listen", "127.0.0.1:0", "--listen", f"unix:{self.directory}/http.sock", "--admin", "off", "--incidents",
            f"{self.directory}/i.jsonl", "--upstream", origins[0].address, "--upstream", origins[1].address)
        found = wait_for(lambda: re.findall(r"listening address=(\S+) role=proxy", program.log)[1:] and
                         re.findall(r"listening address=(\S+) role=proxy", program.log), lambda: program.log)
        for address in found:
            seen = set()
            for _ in range(4):
                with client.Client(address) as one:
                    seen.add(one.get("/", close=True).body)
            self.assertEqual(seen, {b"a", b"b"})
        self.assertEqual(program.stop(), 0, program.log)

    def test_workers(self):
        for workers in "1", "3":
            proxy = self.proxy("127.0.0.1:1", "--workers", workers, environment={"SENDONCE_SUPERVISE": "off"}, workers=2)
            names = [pathlib.Path(task, "comm").read_text() for task in pathlib.Path(f"/proc/{proxy.pid}/task").iterdir()]
            self.assertEqual(sum(name.startswith("worker") for name in names), int(workers), names)

    def test_the_least_severe_level_of_the_log(self):
        path = f"{self.directory}/http.sock"
        kept, nobody = upstream.refusing_address()
        self.addCleanup(kept.close)
        program = self.program("run", "--listen", f"unix:{path}", "--upstream", nobody, "--admin", "off", "--incidents",
                               f"{self.directory}/i.jsonl", "--log-level", "warning")
        wait_for(lambda: pathlib.Path(path).exists() and self.listens(path), "the socket")
        with client.Client(f"unix:{path}") as one:
            self.assertEqual(one.get("/", close=True).status, 502)
        wait_for(lambda: "warning cannot connect" in program.log, lambda: program.log)
        self.assertEqual(program.stop(), 0, program.log)
        self.assertEqual([line for line in program.lines if " info " in line], [])

    def listens(self, path):
        try:
            client.connect(f"unix:{path}").close()
            return True
        except OSError:
            return False

    def test_flags_in_both_spellings(self):
        flags = {"listen": "127.0.0.1:0", "upstream": "127.0.0.1:7", "admin": "127.0.0.1:0", "incidents": f"{self.directory}/i.jsonl",
                 "workers": "1", "log-level": "info", "log-format": "text", "config": self.file("upstreams: {a: {servers: ['127.0.0.1:9']}}\n")}
        offered = set(re.findall(r"--([a-z-]+) <", self.assertEnds(0, "run", "--help").stdout))
        self.assertEqual(offered, set(flags))
        for arguments in ([word for flag, value in flags.items() for word in (f"--{flag}", value)],
                          [f"--{flag}={value}" for flag, value in flags.items()]):
            program = self.program("run", *arguments, cwd=self.directory)
            admin = wait_for(lambda: re.search(r"listening address=(\S+) role=admin", program.log), lambda: program.log)[1]
            with client.Client(admin) as one:
                config = json.loads(one.get("/config", close=True, host="localhost").body)
            self.assertEqual((config["workers"], config["upstreams"]["default"]["servers"][0]["address"]), (1, "127.0.0.1:7"))
            self.assertEqual(program.stop(), 0, program.log)

    def test_flags_override_the_file(self):
        app = self.node("plain.js")
        proxy = self.proxy("127.0.0.1:1", "--upstream", app.address, "--listen", "127.0.0.1:0")
        self.assertEqual(proxy.get("/ok").body, b"OK")

    def test_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            done = self.assertEnds(1, "run", "--listen", address, "--upstream", "127.0.0.1:1", "--admin", "127.0.0.1:0")
        self.assertIn(address, done.stderr)

    def test_admin_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            done = self.assertEnds(1, "run", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--admin", address)
        self.assertIn(address, done.stderr)

    def test_incident_log_that_cannot_be_written(self):
        path = f"{self.directory}/no/such/folder/incidents.jsonl"
        done = self.assertEnds(1, "run", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--admin", "127.0.0.1:0",
                               "--incidents", path)
        self.assertIn(path, done.stderr)

    def test_bad_config(self):
        path = self.file("upstream: {}\n")
        self.assertIn(f"{path}:1:1: ", self.assertEnds(2, "run", "--config", path).stderr)

    def test_log_as_json(self):
        program = self.program("run", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--admin", "127.0.0.1:0",
                               "--log-format", "json", cwd=self.directory)
        wait_for(lambda: len(program.lines) >= 2, lambda: program.log)
        self.assertEqual(program.stop(), 0, program.log)
        self.assertIn("proxy", [json.loads(line).get("role") for line in program.lines])

    def test_a_stale_unix_socket_is_replaced(self):
        path = f"{self.directory}/proxy.sock"
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(path)
        stale.close()
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy = self.proxy(origin.address, listener=f"unix:{path}")
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"OK")
        self.end(proxy)
        self.assertFalse(pathlib.Path(path).exists(), "the socket is left behind")
