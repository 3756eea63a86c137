"""Every way in which a program is started: loaded once and early enough, the probe tells one second send once, with both lines."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import unittest

import client
import probed
from harness import EndToEndTest, wait_for

STARTS = probed.APPS / "starts"
SHOP = STARTS / "shop.js"


def marks(path):
    """The lines of the first and the second send in a program that has one of each."""
    lines = path.read_text().split("\n")
    return [next(number for number, line in enumerate(lines, 1) if f"// {which} /" in line) for which in ("first", "second")]


class ProbeStartTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.file = pathlib.Path(self.directory, "reports.jsonl")
        self.environment = os.environ | {"NODE_PATH": "/usr/share/nodejs"}
        self.environment.pop("NODE_OPTIONS", None)

    def start(self, *command, cwd=None, **environment):
        """Starts it in a group of its own; returns the ports that it says it listens at."""
        if not shutil.which(command[0]):
            raise RuntimeError(f"no {command[0]} on PATH: scripts/setup --test installs it")
        defaults = {"SENDONCE_PROBE_FILE": str(self.file)}
        process = subprocess.Popen(
            command, cwd=cwd, env=self.environment | defaults | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        self.addCleanup(self.end, process)
        for line in process.stdout:
            if match := re.match(r"LISTENING (\d+)", line):
                return process, int(match[1])
        raise RuntimeError(f"{command} did not start: {process.communicate()[1]}")

    @staticmethod
    def end(process):
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def records(self):
        return [json.loads(line) for line in self.file.read_text().split("\n")[:-1]] if self.file.exists() else []

    def ask(self, port, path="/orders/7"):
        with client.Client(f"127.0.0.1:{port}") as one:
            self.assertEqual(one.get(path).status, 200)

    def check(self, port, program=SHOP, path="/orders/7", times=1):
        """Asked once, it is told once, of these two lines."""
        first, second = marks(program)
        name = program.name
        for number in range(1, times + 1):
            self.ask(port, path)
            wait_for(lambda: len(self.records()) >= number, lambda: f"report {number}; there are {self.records()}")
            application = self.records()[-1]["application"]
            self.assertEqual(probed.lines(application["first"], name)[:1], [first], application)
            self.assertEqual(probed.lines(application["second"], name)[:1], [second], application)
        # What was asked for later was told later: nothing more is on its way.
        self.assertEqual(len(self.records()), times, self.records())
        return self.records()


class StartTest(ProbeStartTest):
    def test_by_require(self):
        self.check(self.start("node", "--require", str(probed.PROBE), str(SHOP))[1])

    def test_by_import(self):
        self.check(self.start("node", "--import", str(probed.PROBE), str(SHOP))[1])

    def test_by_both(self):
        self.check(self.start("node", "--require", str(probed.PROBE), "--import", str(probed.PROBE), str(SHOP))[1])

    def test_npm_start(self):
        _, port = self.start("npm", "start", cwd=STARTS, NODE_OPTIONS=f"--require {probed.PROBE}", npm_config_update_notifier="false")
        self.check(port)

    def test_modules_of_the_newer_kind(self):
        for way in ("--require", "--import"):
            with self.subTest(way=way):
                process, port = self.start("node", str(STARTS / "shop.mjs"), NODE_OPTIONS=f"{way} {probed.PROBE}")
                self.check(port, STARTS / "shop.mjs", path="/")
                self.file.unlink()

    def test_a_cluster(self):
        """Its workers take turns: both report, and each under its own number."""
        _, port = self.start("node", str(STARTS / "cluster.js"), NODE_OPTIONS=f"--require {probed.PROBE}")
        records = self.check(port, times=4)
        self.assertEqual(len({record["application"]["pid"] for record in records}), 2, records)

    def test_worker_threads(self):
        process, port = self.start("node", str(STARTS / "threads.js"), NODE_OPTIONS=f"--require {probed.PROBE}")
        other = int(re.match(r"LISTENING (\d+)", process.stdout.readline())[1])
        self.check(port)
        self.file.unlink()
        self.check(other)

    def test_a_file_of_the_directory_in_which_the_process_began(self):
        """The program goes elsewhere, and starts threads there."""
        for program in (f"require({str(SHOP)!r})", f"new (require('worker_threads').Worker)({str(SHOP)!r}).on('message', (told) => console.log(told))"):
            with self.subTest(program=program):
                _, port = self.start("node", "--require", str(probed.PROBE), "-e", f"process.chdir('/'); {program}",
                                     cwd=self.directory, SENDONCE_PROBE_FILE=self.file.name)
                self.check(port)
                self.file.unlink()

    def test_as_pm2_does_in_fork_mode(self):
        _, port = self.start("node", "--require", str(probed.PROBE), str(STARTS / "fork_container.js"), pm_exec_path=str(SHOP))
        self.check(port)

    def test_as_pm2_does_in_cluster_mode(self):
        """Where reports go is in the environment only after the probe has been loaded."""
        given = {"pm_exec_path": str(SHOP), "TELLS": "master", "SENDONCE_PROBE_FILE": str(self.file)}
        self.environment.pop("SENDONCE_PROBE_FILE", None)
        _, port = self.start("node", str(STARTS / "daemon.js"), json.dumps(given), f"--require {probed.PROBE}", SENDONCE_PROBE_FILE="")
        self.check(port)

    def bundle(self, *options):
        bundle = pathlib.Path(self.directory, "bundle.js")
        esbuild = shutil.which("esbuild") or self.fail("no esbuild on PATH: scripts/setup --test installs it")
        subprocess.run([esbuild, str(SHOP), "--bundle", "--platform=node", f"--outfile={bundle}", "--log-level=error", *options],
                       env=self.environment, check=True)
        return bundle

    def test_a_bundle(self):
        bundle = self.bundle()
        self.check(self.start("node", "--require", str(probed.PROBE), str(bundle))[1], self.marked(bundle))

    def marked(self, bundle):
        """The bundler leaves comments out: the marks stand where its sends do."""
        text = bundle.read_text()
        text = text.replace("res.json({ order: req.params.id });", "res.json({ order: req.params.id }); // first /")
        bundle.write_text(text.replace('res.json({ order: "again" });', 'res.json({ order: "again" }); // second /'))
        return bundle

    def test_a_bundle_with_source_maps(self):
        bundle = self.bundle("--sourcemap", "--minify")
        _, port = self.start("node", "--enable-source-maps", "--require", str(probed.PROBE), str(bundle))
        self.check(port, SHOP)


class SilentTest(ProbeStartTest):
    """A process that serves nothing ends as it would, when it would, and nobody hears of the probe."""

    def test_what_serves_nothing(self):
        path = os.path.join(self.directory, "probe.socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            listener.setblocking(False)
            for program in ("", "setTimeout(() => console.log('done'), 5)", "process.exitCode = 7", "throw new TypeError('its own')",
                            "new (require('worker_threads').Worker)('setTimeout(() => {}, 5)', { eval: true })",
                            "const c = require('child_process'); c.fork('-e', { execArgv: ['-e', '1'] }).on('exit', (s) => process.exit(s + 3))",
                            "require('http').get({ port: 9, host: '127.0.0.1' }).on('error', (e) => console.log(e.code))",
                            "import('node:http').then((m) => console.log(typeof m.createServer))"):
                with self.subTest(program=program):
                    results = []
                    for options in ("", f"--require {probed.PROBE}"):
                        results.append(subprocess.run(
                            ["node", "-e", program], capture_output=True, text=True, timeout=30, cwd=self.directory,
                            env=self.environment | {"NODE_OPTIONS": options, "SENDONCE_PROBE_SOCKET": path, "SENDONCE_PROBE_FILE": str(self.file)}))
                    without, with_it = ((one.returncode, one.stdout, one.stderr) for one in results)
                    self.assertEqual(with_it, without)
            self.assertRaises(BlockingIOError, listener.accept)
        self.assertFalse(self.file.exists())


if __name__ == "__main__":
    unittest.main()
