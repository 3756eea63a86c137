"""No spelling of a target gets round a route: a table of spellings, of what Node's readers, nginx and HAProxy make of each, and of what becomes of it."""

import json
import pathlib
import socket
import subprocess

import client
import frames
import upstream
from harness import EndToEndTest, wait_for
from judges import judge

# What the proxy does: "refused" (400), "guarded" (the route for /admin), "rest" (any other path).
SPELLINGS = {
    "/admin": "guarded", "/admin/": "guarded", "/admin/x": "guarded", "/admin?x": "guarded", "/adminx": "rest", "/ok": "rest", "/": "rest",
    # A target has no fragment.
    "/admin#x": "refused", "/admin#/ok": "refused", "/#/admin": "refused", "/ok#": "refused", "/x/../admin#y": "refused", "/ok?a#b": "refused",
    "/admin%23x": "rest", "/ok%23x": "rest",
    # Dot segments.
    "/x/../admin": "refused", "/./admin": "refused", "/x/./../admin": "refused", "/admin/../ok": "refused", "/admin/..": "refused",
    "/admin/.": "guarded", "/x/%2e%2e/admin": "refused", "/x/.%2E/admin": "refused", "/%2e/admin": "refused", "/x/../ok": "rest", "/ok/./y": "rest",
    "/x/%252e%252e/admin": "rest", "/...": "rest", "/.well-known/x": "rest", "/./admin//../ok": "refused", "/x/..": "rest",
    # Slashes.
    "//admin": "guarded", "///admin": "guarded", "//x/admin": "refused", "///x/admin": "refused", "//x/../admin": "refused", "//x:80/admin": "refused",
    "/x//admin": "rest", "/admin//x": "guarded", "//ok": "rest", "/ok//y": "rest", "/ok//": "rest",
    "/x%2f..%2fadmin": "refused", "/%2fadmin": "refused", "/admin%2f": "refused", "/admin%2Fx": "refused", "/ok%2fx": "rest",
    "/x%252f..%252fadmin": "rest", "/%2f%2fx/admin": "rest",
    "\\admin": "refused", "/\\admin": "refused", "/\\x/admin": "refused", "/x\\..\\admin": "refused", "/x%5c..%5cadmin": "refused", "/ok\\y": "rest",
    "/admin\\x": "refused", "/admin%5cx": "refused", "\\\\x\\admin": "refused",
    # Encodings of ordinary characters.
    "/%61dmin": "guarded", "/adm%69n/x": "guarded", "/%2561dmin": "rest", "/%61%64%6d%69%6e": "guarded", "/admi%6E?%2f": "guarded", "/a%zzdmin": "rest",
    "/admin%": "rest", "/%": "rest", "/admin%3f": "rest", "/admin%3Fx": "rest", "/admin%20": "rest", "/ok%20y": "rest", "/caf%C3%A9": "rest",
    # What some programs end a string at, and what they trim.
    "/admin%00": "refused", "/admin%00x": "refused", "/x%00/../admin": "refused", "/ok?a=%00": "rest", "/admin%09": "rest", "/admin%0a": "rest",
    "/admin\t": "refused", "/admin\x01": "refused", "/admin\x7f": "refused", "/admin\xa0": "refused", "/\xe9": "refused", " /admin": "refused",
    "/admin \t": "refused",
    # Parameters.
    "/admin;x": "refused", "/admin;x=1/y": "refused", "/x/..;/admin": "refused", "/;x/admin": "refused", "/ok;x": "rest", "/ok/a;b/c": "rest", "/ok?;": "rest",
    # What ought to be encoded, and seldom is.
    "/ok[1]": "rest", "/ok?a[b]=c": "rest", "/ok|x": "rest", "/ok{x}": "rest", "/ok^`x": "rest", "/ok\"x'<y>": "rest", "/admin[": "rest",
    # A URL for a target.
    "http://h/admin": "guarded", "http://h/x/../admin": "refused", "http://h//x/admin": "refused", "http://h/ok": "rest", "http://h": "rest",
    "http://h?/admin": "rest", "HTTP://h/admin": "guarded", "https://h/ok": "rest", "http://u@h/admin": "refused", "http://u:p@h/ok": "refused",
    "http://h#/admin": "refused", "http://h\\/admin": "refused", "http://h%2fx/admin": "refused", "http:///admin": "refused",
    "http://h:80:90/ok": "refused", "http://h:x/ok": "refused", "http:admin": "refused", "http:/admin": "refused", "ftp://h/admin": "refused", "admin": "refused",
    "*": "refused", "x:/admin": "refused",
}
READERS = "node", "nginx", "haproxy"


class Targets(EndToEndTest):
    def start(self, name):
        """Something that reads targets for itself, as the address that it listens at."""
        if name == "node":
            return self.node("targets.js").address
        path, config = f"{self.directory}/{name}", pathlib.Path(self.directory, f"{name}.conf")
        if name == "nginx":
            config.write_text(f"""
                daemon off; pid {path}.pid; error_log {path}.log; events {{}}
                http {{ access_log off; client_body_temp_path {path}.body; proxy_temp_path {path}.proxy; fastcgi_temp_path {path}.fastcgi;
                    uwsgi_temp_path {path}.uwsgi; scgi_temp_path {path}.scgi; default_type text/plain;
                    server {{ listen unix:{path}; location = /admin {{ return 200 admin; }} location /admin/ {{ return 200 admin; }}
                        location / {{ return 200 rest; }} }} }}""")
            command = [judge("nginx"), "-c", str(config), "-e", f"{path}.log"]
        else:
            config.write_text(f"""
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend readings
    bind unix@{path}
    http-request return status 200 content-type text/plain string admin if {{ path -m reg ^/+admin(/|$) }}
    http-request return status 200 content-type text/plain string rest
""")
            command = [judge("haproxy"), "-db", "-f", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def listens():
            try:
                client.connect(f"unix:{path}").close()
                return True
            except OSError:
                return False
        wait_for(listens, f"{name} to listen")
        return f"unix:{path}"

    @staticmethod
    def readings(body):
        """What a reader has told, as a set of "admin" and "rest"; None for the guard's word, and for a refusal."""
        if body.startswith(b"{"):
            return set(json.loads(body).values()) - {"refused"}
        return {body.decode()} if body in (b"admin", b"rest") else None

    def over_http1(self, address, target):
        """Status and body."""
        with client.Client(address) as one:
            one.send(b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % target.encode("latin-1"))
            head, _, body = one.rest().partition(b"\r\n\r\n")
        if b"chunked" in head.lower():
            body = body.split(b"\r\n")[1]
        return int(head.split()[1]), body

    def over_http2(self, address, target):
        host, port = address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as one:
            peer = frames.client(one)
            peer.send(frames.headers(
                1, (":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", target.encode("latin-1")), end=True))
            status, body = 200, b""
            while (seen := peer.read()) is not None:
                if seen[0] in (frames.RST_STREAM, frames.GOAWAY):
                    return 400, b""
                if seen[0] == frames.DATA:
                    body += seen[3]
                    status = 400 if b"400 Bad Request" in body else status
                if seen[1] & frames.END_STREAM:
                    return status, body
        return 400, b""

    def guarded(self, address):
        guard = self.scripted(self.guard)
        log = {"path": f"{self.directory}/incidents{len(self.programs)}.jsonl"}
        return self.proxy(
            None, listeners=[{"address": "127.0.0.1:0", "protocols": ["http1", "http2"]}], incidents=log,
            upstreams={"guard": {"servers": [guard.address]}, "public": {"servers": [address]}},
            routes=[{"name": "admin", "path_prefix": "/admin", "upstream": "guard"}, {"name": "rest", "path_prefix": "/", "upstream": "public"}])

    @staticmethod
    def guard(conversation):
        while conversation.read_request() is not None:
            conversation.send(upstream.ok(b"guarded"))

    def test_the_table(self):
        wrong = []
        for name in READERS:
            address = self.start(name)
            proxy = self.guarded(address)
            for target, expected in SPELLINGS.items():
                for over in (self.over_http1, self.over_http2):
                    is_path = target.startswith("/")
                    status, body = over(proxy.address, target)
                    found = "refused" if status == 400 and body != b"guarded" else "guarded" if body == b"guarded" else "rest"
                    # The reader itself may refuse what has been passed on to it.
                    if found != expected and not (expected == "rest" and status == 400 and name != "node"):
                        if over == self.over_http1 or is_path:
                            wrong.append(f"{name} {over.__name__} {target!r}: {found}, not {expected}")
                    read = self.readings(body)
                    if found == "rest" and read is not None and "admin" in read:
                        wrong.append(f"{name} {over.__name__} {target!r} got round the route: {body}")
            self.end(proxy)
        self.assertEqual(wrong, [])

    def test_why_it_is_so(self):
        """Whatever somebody takes for /admin is not passed on as something else, unless it goes on in another spelling."""
        addresses = {name: self.start(name) for name in READERS}
        read_as_admin = {}
        for target in SPELLINGS:
            for name, address in addresses.items():
                status, body = self.over_http1(address, target)
                if status == 200 and "admin" in (self.readings(body) or ()):
                    read_as_admin.setdefault(target, []).append(name)
        for target, names in read_as_admin.items():
            self.assertNotEqual(SPELLINGS[target], "rest", f"{target} is /admin for {names}")
        # And there is something to it: each kind has its readers.
        for target in ("/admin#x", "/x/../admin", "//x/admin", "/x%2f..%2fadmin", "/\\x/admin", "/./admin//../ok"):
            self.assertIn(target, read_as_admin)

    def test_hosts(self):
        """A host that servers read in two ways is refused (RFC 9110 section 7.2)."""
        proxy = self.guarded(self.scripted(self.guard).address)
        for host, status in (
                ("h", 200), ("h:80", 200), ("H.example.", 200), ("[::1]:80", 200), ("", 200), ("h:80:90", 400), ("h:x", 400), ("a%2eb", 400),
                ("u@h", 400), ("h/admin", 400), ("h#x", 400), ("h?x", 400), ("h\\x", 400), ("h..x", 400), ("h,x", 400), ("[::1", 400)):
            with self.subTest(host), proxy.connect() as one:
                one.send(f"GET /admin HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                self.assertEqual(one.read_response().status, status)
