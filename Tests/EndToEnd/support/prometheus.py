"""A real Prometheus on this machine, scraping what a test names, with the rules that we ship."""

import json
import pathlib
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from harness import ROOT, wait_for
from judges import judge

RULES = ROOT / "config/prometheus"


class Prometheus:
    """Scrapes every second, or every so many. `jobs`: name → addresses of admin endpoints."""

    def __init__(self, directory, jobs, *options, interval_seconds=1):
        folder = pathlib.Path(directory) / "prometheus"
        folder.mkdir()
        for name in ("alerts.yaml", "rules.yaml"):
            shutil.copy(RULES / name, folder)
        (folder / "prometheus.yaml").write_text(json.dumps({
            "global": {"scrape_interval": f"{interval_seconds}s", "evaluation_interval": f"{interval_seconds}s"},
            "rule_files": ["alerts.yaml", "rules.yaml"],
            "scrape_configs": [{"job_name": name, "static_configs": [{"targets": addresses}]} for name, addresses in jobs.items()],
        }))
        # Prometheus does not say which port 0 became: one that was free a moment ago has to do.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            [judge("prometheus"), f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={self.address}", "--enable-feature=exemplar-storage", *options],
            stdout=self.log, stderr=subprocess.STDOUT)
        try:
            wait_for(self._is_ready, lambda: f"Prometheus to be ready:\n{pathlib.Path(self.log.name).read_text()[-2000:]}", 60)
        except BaseException:
            self.stop()
            raise

    def _is_ready(self):
        try:
            return urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5).status == 200
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def ask(self, path, **parameters):
        """What the API answers to this, its data alone."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        return [(sample["metric"], float(sample["value"][1])) for sample in self.ask("query", query=expression)["result"]]

    def targets_down(self):
        return [target["lastError"] for target in self.ask("targets")["activeTargets"] if target["health"] != "up"]

    def firing(self):
        """[(name, instance, labels)] of the alerts that fire."""
        return [(alert["labels"]["alertname"], alert["labels"].get("instance"), alert["labels"])
                for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"]
