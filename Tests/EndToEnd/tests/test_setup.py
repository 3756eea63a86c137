"""scripts/setup on a machine without Swift: its installer's steps against a local stand-in for swift.org, with a home of its own."""

import os
import pathlib
import subprocess
import tarfile
import tempfile
import shutil
import unittest

from harness import ROOT
from judges import judge

# What swiftly would do, as far as setup sees it: a `swift` that says which it is.
SWIFTLY = """#!/bin/sh
mkdir -p "$SWIFTLY_HOME_DIR" && echo "swiftly $*" >> "$SWIFTLY_HOME_DIR/../calls"
case $1 in
init) mkdir -p "$SWIFTLY_BIN_DIR" && cp "$0" "$SWIFTLY_BIN_DIR/swiftly" ;;
install) printf '#!/bin/sh\\necho "Swift version %s (swift-%s-RELEASE)"\\n' "$2" "$2" > "$SWIFTLY_BIN_DIR/swift" && chmod +x "$SWIFTLY_BIN_DIR/swift" ;;
esac
"""


def remove(folder):
    """gpg's agent takes its sockets away itself when it sees one of them go: what is gone already is as it should be."""
    def failed(_, path, error):
        if not isinstance(error[1], FileNotFoundError):
            raise error[1]
    shutil.rmtree(folder, onerror=failed)


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sendonce-setup-"))
        self.addCleanup(remove, self.folder)
        self.server = self.folder / "server"
        self.home = self.folder / "home"
        for place in (self.server, self.home, self.folder / "keys"):
            place.mkdir(mode=0o700)
        self.key = self.make_key("Swift stand-in")
        program = self.folder / "swiftly"
        program.write_text(SWIFTLY)
        program.chmod(0o755)
        self.archive = self.server / f"swiftly-1.1.1-{os.uname().machine}.tar.gz"
        with tarfile.open(self.archive, "w:gz") as archive:
            archive.add(program, "swiftly")
        self.gpg("--armor", "--output", self.server / "all-keys.asc", "--export")
        self.sign(self.key)

    def gpg(self, *arguments):
        return subprocess.run([judge("gpg"), "--batch", "--yes", "--quiet", "--homedir", self.folder / "keys", "--pinentry-mode", "loopback",
                               "--passphrase", "", *arguments], capture_output=True, text=True, check=True).stdout

    def make_key(self, name):
        self.gpg("--quick-gen-key", name, "ed25519", "sign")
        return next(line.split(":")[9] for line in self.gpg("--with-colons", "--list-keys", name).splitlines() if line.startswith("fpr"))

    def sign(self, key):
        self.gpg("--local-user", key, "--detach-sign", "--output", f"{self.archive}.sig", self.archive)

    def install(self):
        """`install_swift`, where there is no Swift on PATH."""
        script = f'source "{ROOT}/scripts/common.sh"; source "{ROOT}/scripts/tools/install-swift.sh"; find_swift || install_swift; swift --version'
        return subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=60, env={
            "PATH": "/usr/bin:/bin", "HOME": str(self.home), "SENDONCE_SWIFT_FROM": str(self.server), "SENDONCE_SWIFT_KEY": self.key})

    def test_a_machine_without_swift_gets_it(self):
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Swift version 6.3.1", done.stdout)
        # What will happen is said before it does.
        self.assertLess(done.stdout.index(f"into {self.home}/.local/share/swiftly"), done.stdout.index("Swift version"))
        calls = (self.home / ".local/share/calls").read_text().splitlines()
        self.assertEqual([call.split()[1] for call in calls], ["init", "install"])
        self.assertIn("install 6.3.1 --use --assume-yes", calls[1])

    def test_twice_is_once(self):
        self.install()
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("swiftly", done.stdout)

    def test_another_signature_is_refused(self):
        self.sign(self.make_key("Somebody else"))
        done = self.install()
        self.assertEqual(done.returncode, 1)
        self.assertIn("signature is not Swift's: nothing is installed", done.stderr)
        self.assertFalse((self.home / ".local").exists())

    def test_a_changed_archive_is_refused(self):
        with open(self.archive, "ab") as archive:
            archive.write(b"more")
        self.assertIn("signature is not Swift's", self.install().stderr)

    def test_without_a_network_it_says_so(self):
        self.archive.unlink()
        done = self.install()
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot fetch swiftly", done.stderr)
