"""What is delivered beside the program: the image's packages, systemd's units, logrotate's file, examples of configuration."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BINARY, ROOT, not_sanitized, run_command
from judges import judge


class Packaging(unittest.TestCase):
    @not_sanitized("only the release has Swift's libraries in it")
    def test_the_image_has_every_library(self):
        done = subprocess.run([ROOT / "scripts/image", "--libraries", BINARY], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_units_are_understood_by_systemd(self):
        units = [ROOT / "config/systemd/sendonce.service", ROOT / "config/systemd/sendonce.socket"]
        done = subprocess.run([judge("systemd-analyze"), "verify", *units], capture_output=True, text=True)
        complaints = [line for line in done.stderr.splitlines() if "sendonce" in line and "is not executable" not in line]
        self.assertEqual(complaints, [])

    def test_the_unit_exposes_little(self):
        # In systemd's own measure: 0 is nothing at all, 10 is a service without any restriction.
        done = subprocess.run(
            [judge("systemd-analyze"), "security", "--offline=true", "--threshold=15", ROOT / "config/systemd/sendonce.service"],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_unit_leaves_the_time_to_drain(self):
        unit = (ROOT / "config/systemd/sendonce.service").read_text()
        self.assertGreater(int(re.search(r"^TimeoutStopSec=(\d+)s", unit, re.M)[1]), 30, "timeouts.drain")
        self.assertRegex(unit, r"(?m)^KillMode=mixed$")
        self.assertRegex(unit, r"(?m)^Type=notify$")

    def test_logrotate_understands_its_file(self):
        # logrotate refuses a file that others may write, which a clone's may be.
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(shutil.copy(ROOT / "config/logrotate/sendonce", folder))
            copy.chmod(0o644)
            done = subprocess.run([judge("logrotate"), "-d", copy], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("error:", done.stderr)

    def test_the_examples_are_valid(self):
        for path in sorted((ROOT / "config").glob("*.yaml")):
            with self.subTest(path=path.name):
                done = run_command("check", "--config", str(path))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_guide_names_every_signal_and_file(self):
        guide = (ROOT / "docs/deployment.md").read_text()
        for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SENDONCE_SUPERVISE", "sendonce_worker_process_restarts_total",
                     "config/systemd/sendonce.service", "config/systemd/sendonce.socket", "config/logrotate/sendonce"):
            self.assertIn(name, guide)
        for linked in re.findall(r"\]\(((?!http)[^)#]+)", guide):
            self.assertTrue((ROOT / "docs" / linked).resolve().exists(), linked)
