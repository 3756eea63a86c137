"""Alerts, rules and dashboards: judged by promtool and amtool, then by a real Prometheus that scrapes a faulty and an innocent service."""

import json
import os
import re
import unittest

import dashboards
from harness import ROOT, EndToEndTest, wait_for
from judges import ask
from prometheus import RULES, Prometheus

GRAFANA = ROOT / "config/grafana"
RUNBOOKS = ROOT / "docs/runbooks"


def alerts():
    """Each alert's text in alerts.yaml, by its name."""
    parts = re.split(r"(?m)^      - alert: ", (RULES / "alerts.yaml").read_text())
    return {part.split("\n", 1)[0]: part for part in parts[1:]}


def expressions(made):
    """(dashboard, panel, expression) of every Prometheus query, with the variables set to everything."""
    for name, text in made.items():
        for panel in json.loads(text)["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == "prometheus":
                    expression = target["expr"].replace("$__rate_interval", "10s").replace("$__range", "1h")
                    yield name, panel["title"], re.sub(r'"\$(job|instance|route)"', '".+"', expression)


def of_all():
    """The expressions of docs/deployment.md about many instances."""
    section = (ROOT / "docs/deployment.md").read_text().split("\n## Many instances\n")[1].split("\n## ")[0]
    return re.findall(r"(?m)^\| [^`|]+ \| `(.+)` \|$", section)


class Judged(unittest.TestCase):
    def test_rules(self):
        ask("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES / "alerts.yaml", RULES / "rules.yaml")
        ask("promtool", "test", "rules", RULES / "tests.yaml", cwd=RULES)

    def test_configurations(self):
        ask("promtool", "check", "config", RULES / "prometheus.yaml")
        ask("amtool", "check-config", RULES / "alertmanager.yaml")

    def test_every_alert_has_what_its_reader_needs(self):
        tests = (RULES / "tests.yaml").read_text()
        for name, text in alerts().items():
            with self.subTest(alert=name):
                self.assertRegex(text, r"(?m)^        (for|keep_firing_for): \d+[sm]$")
                self.assertRegex(text, r"(?m)^        labels: \{severity: (critical|warning|info)\}$")
                for key in ("summary", "description"):
                    self.assertRegex(text, rf"(?m)^          {key}: ")
                self.assertIn(f"runbook_url: https://sendonce.example/runbooks/{name}.md\n", text)
                self.assertRegex(tests, rf"alertname: {name}\n +exp_alerts:")
                page = (RUNBOOKS / f"{name}.md").read_text()
                severity = re.search(r"severity: (\w+)", text)[1]
                for part in (f"# {name}", f"Severity: {severity}.", "**What it means.**", "**Impact.**", "**Diagnosis**", "**What to do**"):
                    self.assertIn(part, page)

    def test_every_runbook_has_its_alert(self):
        self.assertEqual({page.stem for page in RUNBOOKS.glob("SendOnce*.md")}, set(alerts()))

    def test_dashboards_are_what_their_source_says(self):
        for name, text in dashboards.generated().items():
            self.assertEqual((GRAFANA / name).read_text(), text, f"{name}: scripts/dashboards writes it")

    def test_dashboards_keep_the_rules_of_good_ones(self):
        for name, text in dashboards.generated().items():
            board = json.loads(text)
            self.assertFalse(board["editable"])
            variables = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
            for variable, kind in {"datasource": "datasource", "job": "query", "instance": "query"}.items():
                self.assertEqual(variables.get(variable), kind)
            for panel in board["panels"]:
                with self.subTest(dashboard=name, panel=panel["title"]):
                    if panel["type"] == "row":
                        continue
                    self.assertTrue(panel["description"])
                    self.assertEqual(panel["datasource"]["uid"], "${loki}" if panel["type"] == "logs" else "${datasource}")
                    if panel["type"] != "logs":
                        self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    for target in panel["targets"]:
                        self.assertIn('job=~"$job"', target["expr"])
                        self.assertNotRegex(target["expr"], r"(?<!le, )rate\([^[]*\[\d", "rates are over $__rate_interval")


class Scraped(EndToEndTest):
    """One Prometheus, one proxy before an application that answers twice, one before innocents."""

    def test_the_right_alerts_fire_and_every_panel_has_data(self):
        faulty = self.proxy(self.node("double_sends.js").address)
        self.directory, own = self.directory + "/innocent", self.directory
        os.mkdir(self.directory)
        innocent = self.proxy(self.node("innocents.js").address)
        self.directory = own
        prometheus = Prometheus(self.directory, {"sendonce": [faulty.admin, innocent.admin]})
        self.addCleanup(prometheus.stop)

        # What increase() needs to see a first incident is the 0 before it.
        wait_for(lambda: len(prometheus.query("sendonce_build_info")) == 2, "both to be scraped", 30)
        self.assertEqual(prometheus.targets_down(), [])
        self.assertEqual(prometheus.firing(), [])
        for path in ("/text", "/chunked-text", "/no-content", "/early-hints"):
            self.assertLess(innocent.get(path).status, 300)
        self.assertEqual(faulty.get("/long-body").body, b"first")
        faulty.wait_incidents(1)

        def double_send():
            return [labels for name, instance, labels in prometheus.firing() if name == "SendOnceDoubleSend"]
        wait_for(double_send, "the very first incident to fire its alert", 30)
        wait_for(lambda: len(prometheus.firing()) > 1, "the alert of a new kind, whose expression is evaluated at its own time", 30)
        fired = prometheus.firing()
        self.assertEqual({(name, instance) for name, instance, _ in fired},
                         {("SendOnceDoubleSend", faulty.admin), ("SendOnceNewKind", None)})
        for _, _, labels in fired:
            self.assertEqual((labels["route"], labels["upstream"], labels["kind"]), ("main", "app", "body_after_end"))

        for name, panel, expression in expressions(dashboards.generated()):
            with self.subTest(dashboard=name, panel=panel):
                # A rate needs two scrapes; nothing has been retried, rejected or lost here, but the series exist all the same.
                wait_for(lambda: prometheus.query(expression) or "code=~" in expression,
                         f"data for {expression}", 30)
        for expression in of_all():
            with self.subTest(document=expression):
                prometheus.query(expression)
        self.assertEqual([value for _, value in prometheus.query(of_all()[-1])], [2])
