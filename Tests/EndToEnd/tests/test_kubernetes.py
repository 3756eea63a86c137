"""Kubernetes' manifests: rendered by kubectl, judged by kubernetes-validate, held against the golden files; and the image they start."""

import json
import pathlib
import unittest

import jsonschema
import kubernetes
import yaml
from harness import ROOT, run_command
from judges import ask

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
        for name in self.rendered:
            for version in VERSIONS:
                # The version before native sidecars came does not know them, the last one knows all.
                ask("kubernetes-validate", "--strict", "--no-warn", "-k", version, kubernetes.FOLDER / "golden" / name)

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

    def test_the_service_leads_to_the_proxy(self):
        for name, text in self.rendered.items():
            service = next(one for one in resources(text) if one["kind"] == "Service")
            self.assertEqual(service["spec"]["ports"][0]["targetPort"], "sendonce", name)

    def test_the_configuration_is_valid(self):
        path = kubernetes.FOLDER / "example/app/sendonce.yaml"
        done = run_command("check", "--config", str(path), cwd=str(pathlib.Path(path).parent))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Image(unittest.TestCase):
    def test_the_dockerfile_is_clean(self):
        ask("hadolint", "--failure-threshold", "info", ROOT / "Dockerfile")

    def test_the_user_is_a_number_that_the_manifests_know(self):
        text = (ROOT / "Dockerfile").read_text()
        self.assertIn("\nUSER 10001:10001\n", text)
        self.assertIn("--uid 10001 ", text)
        self.assertIn('CMD ["sendonce", "healthcheck"]', text)
