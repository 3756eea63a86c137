"""The Debian package: built, judged by lintian, mandoc and CycloneDX' own schema, then installed, used, upgraded under load and purged."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import manuals
import upstream
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from harness import BINARY, ROOT, not_sanitized, run_command
from judges import ask, judge


def build(folder, **environment):
    done = subprocess.run([ROOT / "scripts/package", folder], env=os.environ | {"SENDONCE": BINARY, "PACKAGE_XZ_LEVEL": "1"} | environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return next(pathlib.Path(folder).glob("sendonce_*.deb"))


def version():
    """The program's own word, in whose source the version has its place."""
    return run_command("--version").stdout.split()[1]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="sendonce-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.package = build(cls.folder / "one")

    @not_sanitized("only the release has no path of a compiler in it")
    def test_lintian_has_nothing_to_say(self):
        self.assertEqual(ask("lintian", "--allow-root", self.package), "")

    def test_the_same_program_gives_the_same_bytes(self):
        self.assertEqual(build(self.folder / "again").read_bytes(), self.package.read_bytes())
        ask("sha256sum", "-c", "SHA256SUMS", cwd=self.package.parent)

    def test_the_bill_of_materials_has_its_form(self):
        text = next(self.package.parent.glob("*.cdx.json")).read_text()
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))
        names = {part["name"] for part in json.loads(text)["components"]}
        self.assertLessEqual({"swift-argument-parser", "swift-log", "libssl3", "libnghttp2-14", "libyaml-0-2", "libpcre2-8-0", "libc-ares2"}, names)

    def test_package_and_bill_have_the_programs_version(self):
        self.assertEqual(ask("dpkg-deb", "-f", self.package, "Version").strip(), version())
        self.assertEqual(self.package.name.split("_")[1], version())
        bill = json.loads((self.package.parent / f"sendonce_{version()}.cdx.json").read_text())
        self.assertEqual(bill["metadata"]["component"]["version"], version())

    @not_sanitized("only the release has Swift's libraries in it")
    def test_installed_used_upgraded_and_purged(self):
        second = build(self.folder / "two", PACKAGE_REVISION="-2")
        app = upstream.Node("plain.js")
        self.addCleanup(app.stop)
        depends = ask("dpkg-deb", "-f", self.package, "Depends").strip()
        needed = [name.split("|")[0].split("(")[0].strip() for name in depends.split(",")]
        support = ROOT / "Tests/EndToEnd/support"
        made = subprocess.run([support / "clean_root.sh", ROOT / ".build/clean-roots", *needed], capture_output=True, text=True, timeout=600)
        self.assertEqual(made.returncode, 0, made.stderr)
        done = subprocess.run([support / "package_trial.sh", self.package, second, app.address.rsplit(":", 1)[1], made.stdout.strip()],
                              capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(re.findall(r"(?m)^ok: ", done.stdout)), 7, done.stdout)


class Manuals(unittest.TestCase):
    def page(self, name):
        return (ROOT / "config/man" / name).read_text()

    def test_mandoc_takes_them(self):
        for name in ("sendonce.1", "sendonce.yaml.5"):
            self.assertEqual(ask("mandoc", "-T", "lint", "-W", "warning", ROOT / "config/man" / name), "")

    def test_every_command_and_option_is_told(self):
        page = self.page("sendonce.1")
        help = json.loads(run_command("--experimental-dump-help").stdout)

        def commands(command):
            yield command
            for one in command.get("subcommands", []):
                yield from commands(one)
        for command in commands(help["command"]):
            if command["commandName"] == "help":
                continue
            if command is not help["command"]:
                self.assertIn(f"\n.It Em {command['commandName']}\n", page, "scripts/manuals writes it")
            for argument in command.get("arguments", []):
                for name in argument.get("names") or []:
                    if name["kind"] == "long" and argument.get("shouldDisplay", True):
                        self.assertIn(f"Fl Fl {name['name']}", page, f"{command['commandName']}: scripts/manuals writes it")

    def test_every_key_is_told(self):
        document = (ROOT / "docs/configuration.md").read_text()
        written = self.page("sendonce.yaml.5")
        date = re.search(r"(?m)^\.Dd (.*)$", written)[1]
        self.assertEqual(written, manuals.configuration_page(document, date, version()), "scripts/manuals writes it")
        self.assertGreater(sum(len(keys) for _, keys in manuals.sections(document)), 80)


class Version(unittest.TestCase):
    def test_it_is_written_in_one_place(self):
        source = (ROOT / "Sources/SendOnce/Version.swift").read_text()
        self.assertEqual(re.search(r'text = "(.*)"', source)[1], version(), "the program is older than its source")

    def test_what_states_it_agrees(self):
        newest = re.search(r"(?m)^## ([0-9].*) - [0-9]{4}-[0-9]{2}-[0-9]{2}$", (ROOT / "CHANGELOG.md").read_text())[1]
        self.assertEqual(newest, version(), "CHANGELOG.md")
        self.assertEqual(json.loads((ROOT / "Sources/NodeProbe/package.json").read_text())["version"], version())
        for name in ("sendonce.1", "sendonce.yaml.5"):
            self.assertIn(f"\n.Os sendonce {version()}\n", (ROOT / "config/man" / name).read_text(), "scripts/manuals writes it")

    def test_what_is_to_come_stands_above_what_has_come(self):
        titles = re.findall(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text())
        self.assertEqual(titles[:2], ["Unreleased", version()])


class Completions(unittest.TestCase):
    def test_bash_takes_it(self):
        text = run_command("--generate-completion-script", "bash").stdout
        done = subprocess.run([judge("bash"), "-n"], input=text, text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
