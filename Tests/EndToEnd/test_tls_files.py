"""The certificates and keys that a configuration names: read by `check`, by `run`, and again at every reload."""

import pathlib
import re

import certificates
from configuration import configuration, yaml
from harness import EndToEndTest, run_command


class Files(EndToEndTest):
    """`check` reads every file that the configuration names, and says where it is named."""

    def check(self, **sections):
        config = configuration("127.0.0.1:3000", self.directory, **sections)
        path = pathlib.Path(self.directory, "checked.yaml")
        path.write_text(yaml(config))
        done = run_command("check", "--config", str(path))
        lines = path.read_text().splitlines()
        problems = []
        for line, column, message in re.findall(rf"^{re.escape(str(path))}:(\d+):(\d+): (.+)$", done.stderr, re.MULTILINE):
            problems.append((lines[int(line) - 1][int(column) - 1:], message))
        return done, problems

    def test_good_files(self):
        done, problems = self.check(listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("shop")}])
        self.assertEqual((done.returncode, problems), (0, []), done.stderr)

    def test_every_bad_file_is_named_where_it_stands(self):
        text = pathlib.Path(self.directory, "text.pem")
        text.write_text("hello\n")
        gone = f"{self.directory}/gone.pem"
        shop, admin = certificates.pair("shop"), certificates.pair("admin")
        done, problems = self.check(
            listeners=[
                {"address": "127.0.0.1:0", "tls": {"certificates": [
                    shop, {"certificate": gone, "key": shop["key"]}, {"certificate": shop["certificate"], "key": admin["key"]}]}},
                {"address": "127.0.0.1:0", "tls": shop | {"client_ca": str(text)}},
            ],
            upstreams={"app": {"servers": ["127.0.0.1:3000"], "tls": {"ca": str(text)}},
                       "other": {"servers": ["unix:/tmp/app.sock"], "tls": {"ca": certificates.file("ca.pem")}}},
            routes=[{"name": "main", "path_prefix": "/", "upstream": "app"}])
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(problems, [
            (gone, f"{gone}: cannot be read: No such file or directory"),
            (admin["key"], f"{admin['key']}: the key does not match the certificate in {shop['certificate']}"),
            (str(text), f"{text}: is not PEM: no certificate is in it"),
            (str(text), f"{text}: is not PEM: no certificate is in it"),
            ("unix:/tmp/app.sock", "a server on a Unix socket needs 'server_name' in the upstream's 'tls'"),
        ])

    def test_an_expired_certificate_is_told_and_used(self):
        done, _ = self.check(listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("expired")}])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"warning: \S+/expired.pem: the certificate has expired on \d{4}-\d\d-\d\d")
