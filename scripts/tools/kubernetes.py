"""Renders config/kubernetes with kubectl's kustomize: the PrometheusRule from the alerts, then the golden files from all of it."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "config/kubernetes"
RULE = FOLDER / "monitoring/prometheusrule.yaml"
# Golden file → the folder that renders it.
RENDERED = {"base.yaml": "base", "example-native.yaml": "example/native", "example-plain.yaml": "example/plain"}


def prometheus_rule():
    """config/prometheus as one resource of the Prometheus Operator."""
    lines = ["# scripts/kubernetes writes this from config/prometheus/alerts.yaml and rules.yaml.", "apiVersion: monitoring.coreos.com/v1",
             "kind: PrometheusRule", "metadata:", "  name: sendonce", "spec:", "  groups:"]
    for name in ("alerts.yaml", "rules.yaml"):
        text = (ROOT / "config/prometheus" / name).read_text()
        lines += ["  " + line if line else "" for line in text.split("groups:\n", 1)[1].rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def render(folder):
    return subprocess.run(["kubectl", "kustomize", FOLDER / folder], capture_output=True, text=True, check=True).stdout


def generated():
    """Path → text of every generated file, with the PrometheusRule as it stands."""
    return {RULE: prometheus_rule()} | {FOLDER / "golden" / name: render(folder) for name, folder in RENDERED.items()}


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit("usage: scripts/kubernetes [--check]")
    if not arguments:
        RULE.write_text(prometheus_rule())
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text() != text]
    if arguments and stale:
        sys.exit("not up to date, scripts/kubernetes writes them: " + " ".join(str(path.relative_to(ROOT)) for path in stale))
    for path, text in generated().items():
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
