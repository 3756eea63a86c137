"""`sendonce tail`: sources, filters and forms, as a script sees them."""

import gzip
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import upstream
from harness import BINARY, PATIENCE, ROOT, EndToEndTest, run_command, wait_for
from records import line, lines


class TailTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.log = pathlib.Path(self.directory, "incidents.jsonl")

    def tail(self, *arguments, status=0, **options):
        done = run_command("tail", *map(str, arguments), cwd=self.directory, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def paths(self, *arguments, **options):
        return self.tail(*arguments, "--format", "{path}", **options).stdout.split()

    def following(self, *arguments):
        return self.program("tail", *map(str, arguments), "--follow", "--format", "{path}", cwd=self.directory)

    def append(self, text, path=None):
        with open(path or self.log, "a") as file:
            file.write(text)

    def wait_output(self, program, *expected):
        wait_for(lambda: program.output == list(expected), lambda: f"{expected}, seen: {program.output} {program.log}")


class Sources(TailTest):
    def test_a_file_is_read_to_its_end(self):
        self.log.write_text(lines(range(30)))
        self.assertEqual(self.paths(self.log), [f"/orders/{n}" for n in range(30)])
        self.assertEqual(self.paths(self.log, "-n", "3"), ["/orders/27", "/orders/28", "/orders/29"])
        self.assertEqual(self.paths(self.log, "-n", "0"), [])

    def test_json_passes_lines_as_they_are(self):
        text = line(1).replace('":', '": ') + line(2, request__path="/\u00e4\u0085") + line(3).rstrip("\n")
        self.log.write_text(text)
        self.assertEqual(self.tail(self.log, "--json").stdout, text + "\n")

    def test_a_file_without_its_last_line_end(self):
        self.log.write_text(lines([1, 2])[:-1])
        self.assertEqual(self.paths(self.log), ["/orders/1", "/orders/2"])

    def test_a_compressed_file(self):
        for name in "incidents.jsonl.gz", "misnamed":
            path = pathlib.Path(self.directory, name)
            path.write_bytes(gzip.compress(lines([1, 2]).encode()) + gzip.compress(lines([3]).encode()))
            self.assertEqual(self.paths(path), ["/orders/1", "/orders/2", "/orders/3"])
        damaged = pathlib.Path(self.directory, "damaged.gz")
        damaged.write_bytes(gzip.compress(lines(range(100)).encode())[:-20])
        self.assertIn("damaged.gz", self.tail(damaged, status=1).stderr)

    def test_standard_input(self):
        for arguments in ["-"], []:
            self.assertEqual(self.paths(*arguments, input=lines([1, 2])), ["/orders/1", "/orders/2"])
        self.assertEqual(self.paths("-", "-n", "1", input=lines([1, 2])), ["/orders/2"])

    def test_standard_input_is_shown_as_it_comes(self):
        process = subprocess.Popen([BINARY, "tail", "-", "--format", "{path}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        for number in 1, 2:
            process.stdin.write(line(number))
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), f"/orders/{number}\n")

    def test_several_are_merged_by_time(self):
        one, two = pathlib.Path(self.directory, "one"), pathlib.Path(self.directory, "two")
        one.write_text(lines([1, 4, 5]))
        two.write_bytes(gzip.compress(lines([2, 3, 6]).encode()))
        self.assertEqual(self.paths(one, two, "-", input=lines([0, 7])), [f"/orders/{n}" for n in range(8)])
        self.assertEqual(self.paths(one, two, "-n", "2"), ["/orders/5", "/orders/6"])
        self.assertEqual(self.paths(one, one), ["/orders/1", "/orders/4", "/orders/5"], "a file named twice")

    def test_the_file_of_this_folder_is_the_default(self):
        self.log.write_text(lines([1]))
        self.assertEqual(self.paths(stdin=subprocess.DEVNULL), ["/orders/1"])

    def test_lines_that_are_no_records_are_counted(self):
        self.log.write_text("nonsense\n{}\n\n" + line(1) + '{"kind":"x","time":"never"}\n' + "\0\xff\n" + line(2)[:100] + "\n")
        done = self.tail(self.log, "--format", "{path}")
        self.assertEqual(done.stdout, "/orders/1\n")
        self.assertIn("passed over 5 lines that are no incident records", done.stderr)

    def test_what_is_not_there(self):
        self.assertIn("nowhere.jsonl: No such file", self.tail("nowhere.jsonl", status=1).stderr)
        self.assertIn("folder", self.tail(self.directory, status=1).stderr)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = "127.0.0.1:%d" % server.getsockname()[1]
        self.assertIn(f"{address}: Connection refused", self.tail(address, status=1).stderr)
        self.assertIn("http://", self.tail("http://", status=2).stderr)
        self.assertIn("plain HTTP", self.tail("https://localhost:9180", status=2).stderr)

    def test_what_answers_is_no_endpoint(self):
        origin = self.scripted(upstream.by_target({"/incidents?limit=1024": b"SSH-2.0-OpenSSH_9.2\r\n"}))
        self.assertIn(origin.address, self.tail(origin.address, status=1).stderr)

    def test_rotated_files_hold_the_rest_of_what_is_wanted(self):
        self.log.write_text(lines([7, 8]))
        pathlib.Path(f"{self.log}.1").write_text(lines([5, 6]))
        pathlib.Path(f"{self.log}.2.gz").write_bytes(gzip.compress(lines([3, 4]).encode()))
        self.assertEqual(self.paths(self.log, "-n", "3"), ["/orders/6", "/orders/7", "/orders/8"])
        self.assertEqual(self.paths(self.log, "-n", "5"), [f"/orders/{n}" for n in (4, 5, 6, 7, 8)])
        self.assertEqual(self.paths(self.log, "--since", "2026-11-22T09:15:04"), [f"/orders/{n}" for n in (4, 5, 6, 7, 8)])
        self.assertEqual(self.paths(self.log, "--since", "2026-11-22T09:15:08"), ["/orders/8"])
        self.assertEqual(self.paths(self.log), ["/orders/7", "/orders/8"])


class Following(TailTest):
    def test_over_renaming_copying_and_half_lines(self):
        self.log.write_text(lines(range(12)))
        program = self.following(self.log)
        shown = [f"/orders/{n}" for n in range(2, 12)]
        self.wait_output(program, *shown)
        half = line(12)
        self.append(half[:50])
        self.append(half[50:])
        self.wait_output(program, *shown, "/orders/12")
        # As logrotate and SendOnce do it: what was written just before is still told.
        self.append(line(13))
        os.rename(self.log, f"{self.log}.1")
        self.append(line(14))
        self.wait_output(program, *shown, "/orders/12", "/orders/13", "/orders/14")
        # As logrotate's copytruncate does it.
        self.log.write_text("")
        wait_for(lambda: self.position(program) == 0, "the cut to be seen")
        self.append(line(15))
        self.wait_output(program, *shown, "/orders/12", "/orders/13", "/orders/14", "/orders/15")
        self.assertEqual(program.stop(signal.SIGINT), 0)

    def position(self, program):
        """Up to where the program has read the log."""
        for entry in pathlib.Path(f"/proc/{program.pid}/fd").iterdir():
            if os.path.realpath(entry) == str(self.log):
                return int(re.search(r"pos:\s+(\d+)", pathlib.Path(f"/proc/{program.pid}/fdinfo/{entry.name}").read_text())[1])

    def test_a_file_that_is_not_there_yet(self):
        program = self.following(self.log)
        wait_for(lambda: "not there yet" in program.log, lambda: program.log)
        self.append(line(1))
        self.wait_output(program, "/orders/1")
        os.remove(self.log)
        self.append(line(2))
        self.wait_output(program, "/orders/1", "/orders/2")

    def test_two_rotations_between_two_looks(self):
        self.log.write_text(line(1))
        program = self.following(self.log)
        self.wait_output(program, "/orders/1")
        # It does not look in the meantime.
        program.send_signal(signal.SIGSTOP)
        for number in 2, 4, 6:
            self.append(line(number))
            for older in reversed(range(1, 4)):
                if os.path.exists(f"{self.log}.{older}"):
                    os.rename(f"{self.log}.{older}", f"{self.log}.{older + 1}")
            os.rename(self.log, f"{self.log}.1")
            self.append(line(number + 1))
        program.send_signal(signal.SIGCONT)
        self.wait_output(program, *(f"/orders/{number}" for number in range(1, 8)))

    def test_the_proxys_own_rotation(self):
        app = self.node("double_sends.js")
        proxy = self.proxy(app.address, incidents={"rotate": {"size": "64KiB", "keep": 2}, "limit": {"burst": 1000, "per_second": 1000}})
        program = self.program("tail", str(proxy.incidents_path), "-n", "1000", "--follow", "--json")
        for _ in range(150):
            proxy.get("/socket-second")
        total = lambda: proxy.metrics().sum("sendonce_incidents_total")  # noqa: E731
        wait_for(lambda: total() >= 150, lambda: f"incidents, {total()}")
        wait_for(lambda: len(program.output) == total(), lambda: f"{total()} lines, seen {len(program.output)}")
        ids = [json.loads(text)["id"] for text in program.output]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertTrue(pathlib.Path(f"{proxy.incidents_path}.1").exists())

    def test_exit_after_and_timeout(self):
        self.log.write_text(line(1))
        program = self.program("tail", str(self.log), "-n", "0", "--exit-after", "2", "--format", "{path}")
        wait_for(lambda: self.reads(program), "the program to follow")
        self.append(lines([2, 3, 4]))
        self.assertEqual(program.wait(), 0)
        self.assertEqual(program.output, ["/orders/2", "/orders/3"])
        soon = f"{PATIENCE * 20:.0f}ms"
        done = self.tail(self.log, "--exit-after", "9", "--timeout", soon, status=1)
        self.assertIn("4 of 9 incidents came", done.stderr)
        self.assertEqual(self.paths(self.log, "--timeout", soon), [f"/orders/{n}" for n in (1, 2, 3, 4)])
        self.assertEqual(self.paths(self.log, "--exit-after", "1"), ["/orders/1"])

    def reads(self, program):
        return str(self.log) in [os.path.realpath(entry) for entry in pathlib.Path(f"/proc/{program.pid}/fd").iterdir()]

    def test_the_reader_goes_away(self):
        """Quietly, and at once: not when the next incident comes."""
        self.log.write_text(lines(range(10)))
        process = subprocess.Popen([BINARY, "tail", str(self.log), "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertTrue(process.stdout.readline())
        process.stdout.close()
        self.assertEqual(process.wait(10), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()


class Endpoint(TailTest):
    def setUp(self):
        super().setUp()
        self.app = self.node("double_sends.js")

    def test_the_past_and_what_comes(self):
        proxy = self.proxy(self.app.address)
        proxy.get("/socket-second")
        proxy.wait_incidents(1)
        for name in proxy.admin, f"http://{proxy.admin}", f"http://{proxy.admin}/incidents/stream":
            self.assertEqual(self.tail(name, "--no-follow", "--json").stdout, proxy.incidents_path.read_text())
        program = self.program("tail", proxy.admin, "--json")
        wait_for(lambda: len(program.output) == 1, lambda: program.log)
        proxy.get("/socket-second")
        proxy.wait_incidents(2)
        wait_for(lambda: program.output == proxy.incidents_path.read_text().splitlines(), lambda: program.output)
        self.assertEqual(program.stop(), 0)
        self.assertEqual(self.tail(proxy.admin, "--no-follow", "-n", "0").stdout, "")

    def test_a_restart_of_the_proxy(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = "127.0.0.1:%d" % free.getsockname()[1]
        program = self.program("tail", address, "--follow", "--json")
        wait_for(lambda: "trying again" in program.log, lambda: program.log)
        for round_ in 1, 2:
            proxy = self.proxy(self.app.address, admin={"address": address})
            wait_for(lambda: program.log.count("connected") == round_, lambda: program.log)
            proxy.get("/socket-second")
            wait_for(lambda: len(program.output) == round_, lambda: f"{program.output} {program.log}")
            self.end(proxy)

    def test_a_unix_socket(self):
        path = f"unix:{self.directory}/admin.sock"
        proxy = self.proxy(self.app.address, admin={"address": path})
        proxy.get("/socket-second")
        proxy.wait_incidents(1)
        self.assertEqual(self.tail(path, "--no-follow", "--json").stdout, proxy.incidents_path.read_text())


class Filters(TailTest):
    def setUp(self):
        super().setUp()
        self.log.write_text(
            line(1) + line(2, kind="late_interim", severity="warning", route="api") + line(3, certainty="suspected", upstream__name="api")
            + line(4, client_impact="misdelivered", victim={"request_id": "v", "method": "GET", "path": "/me"})
            + line(5, evidence__delay_ms=0.5, request__method="POST"))

    def numbers(self, *arguments):
        return [int(path.rsplit("/", 1)[1]) for path in self.paths(self.log, *arguments)]

    def test_each_flag(self):
        for arguments, expected in (
                (["--kind", "late_interim"], [2]), (["--kind", "late-interim", "--kind", "second_response"], [1, 2, 3, 4, 5]),
                (["--certainty", "suspected"], [3]), (["--route", "api"], [2]), (["--route", "api", "--route", "shop"], [1, 2, 3, 4, 5]),
                (["--upstream", "api"], [3]), (["--impact", "misdelivered"], [4]), (["--since", "2026-11-22T09:15:04Z"], [4, 5]),
                (["--until", "2026-11-22T09:15:02"], [1]), (["--since", "2026-11-22 09:15:02", "--until", "2026-11-22 09:15:04"], [2, 3]),
                (["-q", "kind = second_response and delay_ms > 10"], [1, 3, 4]), (["-q", "method = POST or victim.path ~ ^/m"], [4, 5]),
                (["-q", "not (severity = error)"], [2]), (["-q", "kind in (late_interim) or second_status = 404"], [2]),
                (["-q", "kind = second_response", "-n", "1"], [5]), (["--kind", "late_interim", "--route", "shop"], [])):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.numbers(*arguments), expected)

    def test_times_ago(self):
        self.assertEqual(self.numbers("--since", "1h"), [])
        self.assertEqual(self.numbers("--until", "-1h"), [1, 2, 3, 4, 5] if self.is_past() else [])

    def is_past(self):
        return __import__("time").time() > 1795338905 + 3600

    def test_bad_usage(self):
        for arguments, *expected in (
                (["-q", "knd = x"], "unknown field 'knd' (did you mean 'kind'?)", "\n  knd = x\n  ^~~\n"),
                (["-q", "kind = second_respons"], "(did you mean 'second_response'?)", "\n         ^~~~~~~~~~~~~~\n"),
                (["-q", "delay_ms >"], "expected a value"), (["--kind", "secnd_response"], "--kind", "did you mean 'second_response'"),
                (["--certainty", "maybe"], "proven, suspected"), (["--impact", "bad"], "--impact"), (["--since", "soon"], "--since", "2h"),
                (["--by", "ruote"], "--by", "did you mean 'route'"), (["--format", "{knd}"], "--format", "did you mean 'kind'"),
                (["--timeout", "1"], "--timeout"), (["-n", "-1"], ""), (["--exit-after", "x"], ""), (["--color", "blue"], ""),
                (["--json", "--by", "kind"], "--json and --by exclude each other")):
            with self.subTest(arguments=arguments):
                done = self.tail(self.log, *arguments, status=2)
                for text in expected:
                    self.assertIn(text, done.stderr)
                self.assertEqual(done.stdout, "")


class Forms(TailTest):
    def test_a_table(self):
        self.log.write_text(
            lines(range(3), group="g1", request__template="/orders/{id}") + line(7, suppressed=4, group="g1", request__template="/orders/{id}")
            + line(9, kind="late_interim", group="g2", client_impact="aborted"))
        head, first, second = self.tail(self.log, "--by", "group").stdout.splitlines()
        self.assertEqual(head.split(), ["COUNT", "FIRST", "LAST", "RATE", "IMPACT", "GROUP"])
        self.assertRegex(first, r"^ +8 09:15:00 09:15:07 .* none +g1 second_response GET /orders/\{id\}$")
        self.assertRegex(second, r"^ +1 09:15:09 09:15:09 .* aborted +g2 late_interim GET /orders/9$")
        head, only = self.tail(self.log, "--by", "route,method").stdout.splitlines()
        self.assertRegex(only, r"^ +9 .* aborted +shop +GET$")

    def test_no_colour_and_no_cut_in_a_pipe(self):
        self.log.write_text(line(1, request__path="/" + "x" * 500))
        text = self.tail(self.log).stdout
        self.assertNotIn("\x1b", text)
        self.assertIn("x" * 500, text)
        self.assertIn("\x1b[31m", self.tail(self.log, "--color", "always").stdout)
        self.assertIn("sendonce explain second_response", text)

    def test_the_page_names_every_field_and_flag(self):
        page = (ROOT / "docs/tail.md").read_text()
        for flag in set(re.findall(r"--[a-z-]+", run_command("tail", "--help").stdout)) - {"--version", "--help"}:
            self.assertIn(f"`{flag}", page)
        documented = {name for name in re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs/incident-log.md").read_text().split("\n## ")[1], re.M)}
        self.assertIn("kind", documented)
        self.log.write_text(line(1))
        for name in sorted(documented):
            self.tail(self.log, "--format", "{%s}" % name)
