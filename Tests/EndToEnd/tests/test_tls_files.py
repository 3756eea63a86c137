"""The certificates and keys that a configuration names: read by `check`, by `run`, and again at every reload."""

import pathlib
import re
import shutil
import ssl

import certificates
import upstream
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


class Reload(EndToEndTest):
    """SIGHUP reads the files again."""

    def setUp(self):
        super().setUp()
        self.install("shop")
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        self.secured = self.proxy(origin.address, listeners=[{"address": "127.0.0.1:0", "tls": {
            "certificate": f"{self.directory}/server.pem", "key": f"{self.directory}/server.key"}}])

    def install(self, certificate, key=None):
        shutil.copy(certificates.file(f"{certificate}.pem"), f"{self.directory}/server.pem")
        shutil.copy(certificates.file(f"{key or certificate}.key"), f"{self.directory}/server.key")

    def connect(self, session=None, context=None):
        one = self.secured.connect(tls=context or certificates.trusting(), server_name="shop.example", session=session)
        self.addCleanup(one.close)
        return one

    def shown(self):
        return self.connect().socket.getpeercert()["subject"][-1][-1][1]

    def test_new_certificates_are_shown_and_old_connections_go_on(self):
        with self.connect() as one:
            self.assertEqual(one.get("/").status, 200)
            self.assertEqual(self.shown(), "shop")
            self.install("renewed")
            self.secured.reload(self.secured.config)
            self.assertEqual(self.shown(), "renewed")
            self.assertEqual(one.get("/").status, 200)
            self.assertEqual(one.socket.getpeercert()["subject"][-1][-1][1], "shop")
        self.assertNoIncidents(self.secured)

    def test_sessions_are_gone_on_with_across_a_reload(self):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version=version):
                context = certificates.trusting(version)
                first = self.connect(context=context)
                first.get("/")
                self.secured.reload(self.secured.config)
                second = self.connect(first.socket.session, context)
                self.assertEqual(second.get("/").status, 200)
                self.assertTrue(second.socket.session_reused)

    def test_a_key_that_does_not_match_is_refused_and_the_old_one_goes_on(self):
        self.install("renewed", key="admin")
        self.secured.reload(self.secured.config, refused=True)
        self.assertRegex(self.secured.log, r"sendonce\.yaml:\d+:\d+.*the key does not match the certificate in \S+server\.pem")
        self.assertEqual(self.shown(), "shop")
        self.assertEqual(self.secured.metrics().sum("sendonce_config_last_reload_successful"), 0)
