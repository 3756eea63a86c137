"""What docs/recipes.md promises to people who have lnav, jq and goaccess, and the JSON Schemas: each against real output."""

import json
import pathlib
import re
import shutil
import subprocess

import upstream
from harness import ROOT, EndToEndTest, run_command

TWICE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"
AGAIN = upstream.ok(b"first") + b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\nbad"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
ANSWERS = {
    "/twice": TWICE, "/again": AGAIN, "/ok": upstream.ok(), "/dup": b"HTTP/1.1 200 OK\r\nETag: a\r\nETag: b\r\nContent-Length: 0\r\n\r\n",
    "/block": CHUNKED + b"HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\n!", "/bad": CHUNKED + b"zz\r\n",
    "/both": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
}


def recipe(mark):
    """The command of docs/recipes.md that contains the mark."""
    text = (ROOT / "docs/recipes.md").read_text()
    for block in re.findall(r"(?ms)^```sh\n(.*?)^```", text):
        for command in block.strip().split("\n"):
            if mark in command:
                return command
    raise AssertionError(f"no recipe with {mark}")


class Recipes(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.origin = self.scripted(upstream.by_target(ANSWERS))

    def recorded(self, **options):
        """A folder with the logs of some incidents."""
        options.setdefault("incidents", {"evidence": {"sample": "escaped"}})
        proxy = self.proxy(self.origin.address, **options)
        for count, path in enumerate(("/twice", "/twice", "/again", "/dup", "/block", "/bad", "/both"), 1):
            try:
                proxy.get(path)
            except (AssertionError, OSError, EOFError):
                pass  # an answer that is cut
            proxy.wait_incidents(count)
        proxy.get("/ok")
        self.end(proxy)
        return proxy.incidents()

    def run_recipe(self, mark, **options):
        done = subprocess.run(["bash", "-c", recipe(mark)], cwd=self.directory, capture_output=True, text=True, timeout=60, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def need(self, program):
        self.assertTrue(shutil.which(program), f"no {program} on PATH: scripts/setup --test installs it")

    def test_lnav(self):
        self.need("lnav")
        records = self.recorded()
        home = pathlib.Path(self.directory, "home")
        formats = home / ".lnav/formats/sendonce"
        formats.mkdir(parents=True)
        shutil.copy(ROOT / "config/lnav/sendonce.json", formats)
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8"}
        checked = subprocess.run(["lnav", "-C"], env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        shown = self.run_recipe("sendonce_incident", env=environment)
        for kind in {record["kind"] for record in records}:
            self.assertRegex(shown, rf"{kind}\W+{sum(record['kind'] == kind for record in records)}\b")

    def test_jq(self):
        self.need("gojq")
        records = self.recorded()
        most = self.run_recipe("group_by(.kind)").splitlines()
        self.assertEqual(most[0].split("\t"), ["2", "body_after_end"])
        self.assertEqual(len(most), len({record["kind"] for record in records}))
        worst = self.run_recipe('client_impact != "none"').splitlines()
        self.assertEqual(len(worst), sum(record["client_impact"] != "none" for record in records))
        for line in worst:
            self.assertRegex(line, r"^\S+ GET /\S+ \w+$")

    def test_goaccess(self):
        self.need("goaccess")
        self.recorded(access_log={"path": f"{self.directory}/access.log", "format": "combined"})
        report = pathlib.Path(self.directory, "report.json")
        self.run_recipe("goaccess")
        told = json.loads(report.read_text())
        self.assertEqual((told["general"]["total_requests"], told["general"]["failed_requests"]), (8, 0))

    def test_the_schema_of_a_record(self):
        import jsonschema
        schema = json.loads((ROOT / "docs/reference/incident.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        # Later versions may add keys; this one has none that the schema does not know.
        judge = jsonschema.Draft202012Validator(closed(schema), format_checker=jsonschema.FormatChecker())
        records = self.recorded(incidents={"evidence": {"sample": "escaped"}, "capture": {"path": f"{self.directory}/captures"}})
        self.assertGreaterEqual(len({record["kind"] for record in records}), 6)
        for record in records:
            self.assertEqual([f"{list(error.path)}: {error.message}" for error in judge.iter_errors(record)], [], record)
        for changed in ({"kind": "third_response"}, {"suppressed": -1}, {"time": "today"}, {"evidence": {}}):
            self.assertTrue(list(judge.iter_errors(records[0] | changed)), changed)

    def test_the_schema_of_the_configuration(self):
        import jsonschema
        import yaml
        self.assertEqual(subprocess.run([ROOT / "scripts/config-schema", "--check"], capture_output=True, text=True).stderr, "")
        schema = json.loads((ROOT / "docs/reference/config.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        judge = jsonschema.Draft202012Validator(schema)
        for name in ("config/sendonce.yaml", "config/minimal.yaml"):
            self.assertEqual([error.message for error in judge.iter_errors(yaml.safe_load((ROOT / name).read_text()))], [], name)
        minimal = "upstreams: {app: {servers: ['127.0.0.1:3000']}}\n"
        for more, good in (
                ("", True), ("workers: 2", True), ("workers: ${WORKERS:-auto}", True), ("admin: off", True), ("timeouts: {drain: 5s}", True),
                ("incidents: {capture: {path: captures, keep: 3, body: keep}}", True), ("access_log: {format: combined}", True),
                ("listeners: ['127.0.0.1:8080']", True), ("limits: {header_bytes: 32KiB}", True), ("limits: null", True),
                ("workers: many", False), ("wrokers: 2", False), ("timeouts: {drain: soon}", False), ("incidents: {limit: {burst: 0}}", False),
                ("incidents: {capture: {body: some}}", False), ("access_log: {format: xml}", False), ("routes: [{name: a, upstream: app, path: 5}]", False)):
            with self.subTest(more=more):
                text = minimal + more + "\n"
                pathlib.Path(self.directory, "c.yaml").write_text(text)
                # The schema and the program think alike.
                self.assertEqual(run_command("check", "--config", f"{self.directory}/c.yaml", cwd=self.directory).returncode == 0, good)
                self.assertEqual(not list(judge.iter_errors(yaml.safe_load(text))), good)


def closed(schema):
    """The same schema, of which every object has the known keys only."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    return made | {"additionalProperties": False} if "properties" in schema else made
