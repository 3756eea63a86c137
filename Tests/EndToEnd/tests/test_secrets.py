"""Nothing that a client, an upstream or the configuration keeps secret stands in anything that the proxy writes or shows."""

import pathlib
import stat

import client
import upstream
from harness import EndToEndTest

FIELDS = ("Authorization: Bearer planted-a", "Cookie: session=planted-b", "Proxy-Authorization: Basic planted-c", "X-Api-Key: planted-d",
          "X-Auth-Token: planted-e", "X-Password: planted-f", "Referer: http://a.example/?key=planted-g")
ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: id=planted-h\r\nWWW-Authenticate: Bearer planted-i\r\n\r\nfirst")
STRAY = (b"HTTP/1.1 500 Internal Server Error\r\nSet-Cookie: id=planted-j\r\nX-Session-Token: planted-k\r\nAuthorization: planted-l\r\n"
         b"Content-Length: 6\r\n\r\nsecond")
QUERY = "?token=planted-m&planted-n"


class Secrets(EndToEndTest):
    def setUp(self):
        super().setUp()

        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(ANSWER + (STRAY if "/twice" in str(request.target) else b""))
        self.origin = self.scripted(script)
        self.access = pathlib.Path(self.directory, "access.log")

    def outputs(self, proxy):
        """By name, everything that can be read of it."""
        found = {path: proxy.ask_admin(path).body.decode()
                 for path in ("/metrics", "/incidents", "/upstreams", "/config", "/readyz")}
        with client.Client(proxy.admin) as one:
            last = proxy.incidents()[0]["id"]
            one.request(f"/incidents/stream?after={last}", host="localhost")
            found["/incidents/stream"] = one.read_until(b"\n\n").decode() + one.read_until(b"\n\n").decode()
        self.end(proxy)
        return found | {"standard error": proxy.log, "standard output": "\n".join(proxy.output), "access log": self.access.read_text(),
                        "incident log": proxy.incidents_path.read_text()}

    def test_nothing_tells_them(self):
        for format in ("json", "combined"):
            with self.subTest(format=format):
                proxy = self.proxy(
                    self.origin.address, "--log-level", "trace", environment={"APP_TOKEN": "planted-o", "DB_PASSWORD": "planted-p"},
                    access_log={"path": str(self.access), "format": format, "query": "redact"}, incidents={"evidence": {"sample": "escaped"}},
                    routes=[{"name": "main", "upstream": "app", "request_headers": {"set": {"X-Token": "${APP_TOKEN}"}},
                             "response_headers": {"set": {"X-Other": "${DB_PASSWORD}"}}}])
                for number in (1, 2):
                    answer = proxy.get(f"/twice/{number}{QUERY}", fields=FIELDS)
                    self.assertEqual((answer.status, answer.field("x-other")), (200, "planted-p"))
                    proxy.wait_incidents(number)
                with proxy.connect() as one:
                    # Refused, and told with what was refused.
                    one.send(b"GET /bad" + QUERY.encode() + b" HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: planted-q\r\n\r\n")
                    one.rest()
                proxy.reload("workers: ${APP_TOKEN}\n", refused=True)
                for name, text in self.outputs(proxy).items():
                    self.assertTrue(text or name == "standard output", name)
                    self.assertNotIn("planted", text, name)
                self.access.unlink()
                proxy.incidents_path.unlink()

    def test_files_are_not_everybodys(self):
        proxy = self.proxy(self.origin.address, access_log={"path": str(self.access)}, admin={"address": f"unix:{self.directory}/admin.sock"})
        proxy.get("/twice")
        proxy.wait_incidents(1)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (self.access, proxy.incidents_path)}
        self.assertEqual({oct(mode & 0o137) for mode in modes.values()}, {"0o0"}, modes)
        self.assertEqual(stat.S_IMODE(pathlib.Path(self.directory, "admin.sock").stat().st_mode) & 0o7, 0)
