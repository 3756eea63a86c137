"""Kubernetes' manifests: rendered by kubectl, judged by kubernetes-validate, held against the golden files; and the image they start."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

import jsonschema
import kubernetes
import yaml
from harness import ROOT, EndToEndTest, run_command
from judges import ask
from probed import PROBE

OPERATOR = json.loads((ROOT / "Tests/EndToEnd/support/operator_schemas.json").read_text())
# The oldest version with native sidecars, and the newest that the judge knows.
VERSIONS = ("1.29", "1.37")


def resources(text):
    return [resource for resource in yaml.safe_load_all(text) if resource]


def pods(text):
    return [resource["spec"]["template"]["spec"] for resource in resources(text) if resource["kind"] == "Deployment"]


def ours(pod):
    """SendOnce's container, however it is started."""
    return next(one for one in pod.get("initContainers", []) + pod["containers"] if one["name"] == "sendonce")


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rendered = {name: kubernetes.render(folder) for name, folder in kubernetes.RENDERED.items()}

    def test_generated_files_are_up_to_date(self):
        for path, text in kubernetes.generated().items():
            self.assertEqual(path.read_text(), text, f"{path.name}: scripts/kubernetes writes it")

    def test_the_schemas_take_them(self):
        files = [kubernetes.FOLDER / "golden" / name for name in self.rendered]
        for version in VERSIONS:
            ask("kubernetes-validate", "--strict", "--no-warn", "-k", version, *files, patience=300)

    def test_the_operators_resources_have_its_form(self):
        found = [resource for text in self.rendered.values() for resource in resources(text) if resource["kind"] in OPERATOR]
        self.assertEqual({resource["kind"] for resource in found}, set(OPERATOR))
        for resource in found:
            jsonschema.validate(resource, OPERATOR[resource["kind"]])

    def test_a_pod_is_restricted(self):
        for name, text in self.rendered.items():
            for pod in pods(text):
                with self.subTest(file=name):
                    one = ours(pod)
                    context = pod["securityContext"] | one["securityContext"]
                    self.assertTrue(context["runAsNonRoot"] and context["readOnlyRootFilesystem"])
                    self.assertEqual((context["runAsUser"], context["allowPrivilegeEscalation"]), (10001, False))
                    self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                    self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
                    volumes = {volume["name"] for volume in pod["volumes"]}
                    self.assertLessEqual({mount["name"] for mount in one["volumeMounts"]}, volumes)

    def test_the_sidecar_is_native_or_plain(self):
        native, plain = (pods(self.rendered[name])[0] for name in ("example-native.yaml", "example-plain.yaml"))
        self.assertEqual(ours(native)["restartPolicy"], "Always")
        self.assertEqual([one["name"] for one in native["containers"]], ["app"])
        self.assertEqual({one["name"] for one in plain["containers"]}, {"app", "sendonce"})
        self.assertIn("preStop", ours(plain)["lifecycle"])

    def test_the_application_shares_the_probes_socket(self):
        for name in ("example-native.yaml", "example-plain.yaml"):
            pod = pods(self.rendered[name])[0]
            app = next(one for one in pod["containers"] if one["name"] == "app")
            variables = {one["name"]: one["value"] for one in app["env"]}
            config = yaml.safe_load(next(one for one in resources(self.rendered[name]) if one["kind"] == "ConfigMap")["data"]["sendonce.yaml"])
            self.assertEqual(variables["SENDONCE_PROBE_SOCKET"], config["probe"]["socket"])
            mounts = {mount["name"]: mount["mountPath"] for mount in ours(pod)["volumeMounts"]}
            self.assertIn({"name": "sendonce-run", "mountPath": mounts["sendonce-run"], "readOnly": True}, app["volumeMounts"])
            copy, = (one["command"] for one in pod["initContainers"] if one["name"] == "sendonce-probe")
            self.assertEqual(variables["NODE_OPTIONS"], f"--require {mounts['sendonce-run']}/{pathlib.Path(copy[1]).name}")
            # Where the image has it.
            self.assertIn(f"/out/share{copy[1].removeprefix('/usr/local/share')}\n", (ROOT / "Dockerfile").read_text())
            self.assertEqual(pod["securityContext"]["fsGroup"], ours(pod)["securityContext"]["runAsGroup"])

    def test_the_service_leads_to_the_proxy(self):
        for name, text in self.rendered.items():
            service = next(one for one in resources(text) if one["kind"] == "Service")
            self.assertEqual(service["spec"]["ports"][0]["targetPort"], "sendonce", name)

    def test_the_configuration_is_valid(self):
        # Where the pod has the volume for the probe's socket, `check` wants a folder too.
        with tempfile.TemporaryDirectory() as folder:
            text = (kubernetes.FOLDER / "example/app/sendonce.yaml").read_text()
            self.assertIn("/run/sendonce/", text)
            path = pathlib.Path(folder, "sendonce.yaml")
            path.write_text(text.replace("/run/sendonce/", f"{folder}/"))
            done = run_command("check", "--config", str(path), cwd=folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Pod(EndToEndTest):
    """What the containers of a pod have of each other, without a cluster: users, a group in common, a volume that one of them only reads."""

    PROGRAM = """
        const http = require('http');
        http.createServer((req, res) => {
          res.end('once');
          try { res.setHeader('a', 'b'); } catch (error) { /* nobody hears of it */ }
        }).listen(0, '127.0.0.1', function listening() { console.log(this.address().port); });
    """

    def test_the_probe_reports_as_another_user_from_a_mount_that_it_may_only_read(self):
        shared = pathlib.Path(self.directory, "shared")
        shared.mkdir()
        for folder in (pathlib.Path(self.directory), shared):
            folder.chmod(0o755)
        shutil.copy(PROBE, shared)
        (shared / "app.js").write_text(self.PROGRAM)
        socket = shared / "probe.socket"
        node = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && ! touch "$0/mine" 2>/dev/null'
             ' && exec setpriv --reuid 1000 --regid 1000 --groups 10001 node "$0/app.js"', shared],
            env=os.environ | {"NODE_OPTIONS": f"--require {shared}/{PROBE.name}", "SENDONCE_PROBE_SOCKET": str(socket)},
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(node.communicate)
        self.addCleanup(node.kill)
        proxy = self.proxy(f"127.0.0.1:{int(node.stdout.readline())}", probe={"socket": str(socket)})
        self.assertEqual(stat.S_IMODE(socket.stat().st_mode), 0o660)
        os.chown(socket, 10001, 10001)
        self.assertEqual(proxy.get("/").body, b"once")
        record, = proxy.wait_incidents(1)
        self.assertEqual(record["kind"], "application_double_send")
        self.assertIn("app.js:5", record["application"]["second"][0])


class Image(unittest.TestCase):
    def test_the_dockerfile_is_clean(self):
        ask("hadolint", "--failure-threshold", "info", ROOT / "Dockerfile")

    def test_the_user_is_a_number_that_the_manifests_know(self):
        text = (ROOT / "Dockerfile").read_text()
        self.assertIn("\nUSER 10001:10001\n", text)
        self.assertIn("--uid 10001 ", text)
        self.assertIn('CMD ["sendonce", "healthcheck"]', text)
