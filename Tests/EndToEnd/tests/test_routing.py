"""Which request goes where, and as what: routes, rewrites, redirects, changes to fields, timeouts of a route."""

import json
import time

import upstream
from harness import EndToEndTest, run_command


def mirror(name):
    """An upstream that answers with its name, and with what it was sent."""
    def script(conversation):
        while (request := conversation.read_request()) is not None:
            body = json.dumps({"name": name, "method": request.method, "target": request.target, "fields": request.fields})
            conversation.send(upstream.ok(
                body.encode(), "Server: mirror/1", "X-Powered-By: hard work", "Set-Cookie: a=1", "Set-Cookie: b=2"))
    return script


class RoutingTest(EndToEndTest):
    def routed(self, *routes, **options):
        """A proxy with an upstream for each name that a route gives; a route without a name is called by its upstream."""
        names = sorted({route["upstream"] for route in routes if "upstream" in route})
        origins = {name: self.scripted(mirror(name)) for name in names}
        return self.proxy(
            "127.0.0.1:1", upstreams={name: {"servers": [origin.address]} for name, origin in origins.items()},
            routes=[{"name": f"route{i}", **route} for i, route in enumerate(routes)], **options)

    def ask(self, proxy, path, **options):
        response = proxy.get(path, **options)
        self.assertEqual(response.status, 200, response)
        return json.loads(response.body)

    def upstream_of(self, proxy, path, **options):
        response = proxy.get(path, **options)
        return json.loads(response.body)["name"] if response.status == 200 else response.status


class Choosing(RoutingTest):
    def test_hosts(self):
        proxy = self.routed(
            {"host": "a.shop.example", "upstream": "exact"}, {"host": "*.shop.example", "upstream": "wild"},
            {"host": "*.example", "upstream": "wilder"}, {"upstream": "any"})
        for host, expected in (
                ("a.shop.example", "exact"), ("A.SHOP.Example:8080", "exact"), ("a.shop.example.", "exact"),
                ("b.shop.example", "wild"), ("x.b.shop.example", "wild"), ("shop.example", "wilder"), ("example", "any"),
                ("127.0.0.1:1", "any")):
            with self.subTest(host):
                self.assertEqual(self.upstream_of(proxy, "/", host=host), expected)

    def test_paths(self):
        proxy = self.routed(
            {"path_prefix": "/", "upstream": "rest"}, {"path_prefix": "/img", "upstream": "img"},
            {"path_prefix": "/img/thumbs/", "upstream": "thumbs"}, {"path_regex": r"/img/.*\.(png|jpg)", "upstream": "files"},
            {"path": "/img/logo.png", "upstream": "logo"})
        for path, expected in (
                ("/", "rest"), ("/img", "img"), ("/img/", "img"), ("/imgs", "rest"), ("/img/thumbs", "img"),
                ("/img/thumbs/1", "thumbs"), ("/img/a/b.png?x=.gif", "files"), ("/img/a.pngx", "img"), ("/img/logo.png", "logo"),
                ("/img/logo.png?v=2", "logo"), ("/img/logo%2Epng", "logo"), ("/x/img/a.png", "rest")):
            with self.subTest(path):
                self.assertEqual(self.upstream_of(proxy, path), expected)
        proxy.wait_metric(3, "sendonce_requests_total", route="route4", upstream="logo", code="200")

    def test_methods(self):
        proxy = self.routed(
            {"path_prefix": "/w", "methods": ["POST", "PURGE"], "upstream": "write"},
            {"path_prefix": "/w", "methods": ["GET"], "upstream": "read"})
        self.assertEqual(self.upstream_of(proxy, "/w", method="POST", body=b"x"), "write")
        self.assertEqual(self.upstream_of(proxy, "/w", method="PURGE"), "write")
        self.assertEqual(self.upstream_of(proxy, "/w"), "read")
        self.assertEqual(proxy.get("/w", method="HEAD").status, 200)
        response = proxy.get("/w", method="DELETE")
        self.assertEqual(response.status, 405)
        self.assertEqual(set(response.field("allow").split(", ")), {"GET", "HEAD", "POST"})
        self.assertEqual(proxy.get("/elsewhere", method="DELETE").status, 404)

    def test_no_spelling_gets_round_a_route(self):
        proxy = self.routed({"path_prefix": "/admin", "upstream": "admin"}, {"upstream": "rest"})
        for path in ("/admin", "/%61dmin/x", "//admin", "///admin//x", "/admin/a/../b"):
            with self.subTest(path):
                seen = self.ask(proxy, path)
                # With one slash at its front, behind two of which some would read a host, and as it came otherwise.
                self.assertEqual((seen["name"], seen["target"]), ("admin", "/" + path.lstrip("/")))
        for path in ("/x/../admin", "/x/%2e%2E/admin", "/./admin", "/admin/../x", "/x%2f..%2fadmin", "/admin%2fx", "/x\\..\\admin"):
            with self.subTest(path):
                self.assertEqual(proxy.get(path).status, 400)
        self.assertEqual(self.upstream_of(proxy, "/group%2Fproject/%2e"), "rest")

    def test_a_costly_expression_stops_nothing(self):
        proxy = self.routed({"path_regex": "/(a|aa)+[bc]", "upstream": "a"}, {"upstream": "rest"})
        start = time.monotonic()
        self.assertEqual(proxy.get("/" + "a" * 5000).status, 400)
        self.assertLess(time.monotonic() - start, 1)
        self.assertEqual(self.upstream_of(proxy, "/aab"), "a")

    def test_hundreds_of_routes(self):
        proxy = self.routed(*({"path_prefix": f"/service/{i}", "host": f"h{i % 5}.example", "upstream": f"u{i % 3}"} for i in range(600)))
        for i in (0, 1, 299, 300, 598, 599):
            self.assertEqual(self.upstream_of(proxy, f"/service/{i}/x", host=f"h{i % 5}.example"), f"u{i % 3}")
        self.assertEqual(proxy.get("/service/0", host="h1.example").status, 404)

    def test_the_policy_is_the_routes(self):
        twice = upstream.answering(upstream.ok(b"first") + upstream.ok(b"second"))
        origin = self.scripted(twice)
        proxy = self.proxy(origin.address, routes=[
            {"name": "strict", "path_prefix": "/strict", "on_violation": "fail"}, {"name": "lax", "on_violation": "observe"}])
        self.assertEqual(proxy.get("/strict").status, 502)
        self.assertEqual(proxy.get("/lax").body, b"first")
        records = proxy.wait_incidents(2)
        self.assertEqual({(record["route"], record["action"]) for record in records}, {("strict", "fail"), ("lax", "observe")})


class Changing(RoutingTest):
    def test_strip_prefix(self):
        proxy = self.routed({"path_prefix": "/api", "strip_prefix": "/api", "upstream": "api"}, {"upstream": "rest"})
        for path, expected in (
                ("/api/users?x=%2F", "/users?x=%2F"), ("/api", "/"), ("/api?a", "/?a"), ("/%61pi/a%20b", "/a%20b"),
                ("/api//evil.example/", "/evil.example/")):
            with self.subTest(path):
                self.assertEqual(self.ask(proxy, path)["target"], expected)
        self.assertEqual(self.ask(proxy, "/apis")["target"], "/apis")

    def test_rewrite(self):
        proxy = self.routed(
            {"path_regex": "/users/([0-9]+)/(.*)", "rewrite": "/v2/$2/of/$1", "upstream": "a"},
            {"path": "/old", "rewrite": "/new", "upstream": "a"})
        self.assertEqual(self.ask(proxy, "/users/7/a%20b?q=1")["target"], "/v2/a%20b/of/7?q=1")
        self.assertEqual(self.ask(proxy, "/old?q")["target"], "/new?q")

    def test_incidents_name_the_path_that_was_asked_for(self):
        origin = self.scripted(upstream.answering(upstream.ok(b"first") + upstream.ok(b"second")))
        proxy = self.proxy(origin.address, routes=[{"name": "main", "strip_prefix": "/api", "request_headers": {"set": {"Host": "inner"}}}])
        self.assertEqual(proxy.get("/api/x", host="outer").body, b"first")
        self.assertIncident(proxy.wait_incidents(1)[0], request__path="/api/x", request__host="outer")

    def test_redirect_to_https(self):
        proxy = self.routed(
            {"path": "/permanent", "redirect": {"status": 308, "to": "https://{host}{uri}"}},
            {"path_regex": "/blog/([0-9]+)", "redirect": {"to": "https://blog.example/p/$1{query}"},
             "response_headers": {"set": {"Strict-Transport-Security": "max-age=60"}}},
            {"upstream": "rest"})
        with proxy.connect() as one:
            response = one.get("/permanent?a=b", host="shop.example:8080")
            self.assertEqual((response.status, response.field("location")), (308, "https://shop.example/permanent?a=b"))
            response = one.get("/blog/77?x")
            self.assertEqual((response.status, response.field("location")), (302, "https://blog.example/p/77?x"))
            self.assertEqual(response.field("strict-transport-security"), "max-age=60")
            self.assertEqual(one.get("/permanent", method="HEAD").status, 308)
            self.assertEqual(one.get("/blog/x").status, 200)
        proxy.wait_metric(2, "sendonce_requests_total", route="route0", upstream="_none", code="308")

    def test_the_fields_of_a_redirect_are_those_that_are_set(self):
        own = {"Cache-Control": "max-age=60", "Content-Type": "text/x", "Date": "Sun, 29 Nov 2026 00:00:00 GMT"}
        proxy = self.routed({"path": "/old", "redirect": {"to": "/new"}, "response_headers": {"set": own}})
        response = proxy.get("/old")
        self.assertEqual((response.status, response.all("location")), (302, ["/new"]))
        for name, value in own.items():
            self.assertEqual(response.all(name), [value])

    def test_what_is_taken_out_or_set_comes_in_no_interim_answer_and_no_trailers(self):
        seen = []

        def script(conversation):
            while (request := conversation.read_head()) is not None:
                seen[:] = [conversation.received[conversation.position:]]
                while not seen[0].endswith(b"\r\n\r\n"):
                    conversation._more()
                    seen[0] = conversation.received[conversation.position:]
                conversation.position = len(conversation.received)
                conversation.send(
                    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Powered-By: it\r\nX-Level: low\r\n\r\n"
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Powered-By: it\r\nX-Level: low\r\n\r\n")
        changes = {"set": {"X-Level": "7"}, "remove": ["X-Powered-By", "via"]}
        proxy = self.proxy(self.scripted(script).address, routes=[
            {"name": "main", "request_headers": changes, "response_headers": changes}])
        with proxy.connect() as one:
            one.request("/", method="POST", fields=["Transfer-Encoding: chunked"],
                        body=b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nx-powered-by: me\r\nX-LEVEL: 9\r\n\r\n")
            response = one.read_response()
        self.assertEqual(bytes(seen[0]), b"2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n")
        self.assertEqual(response.interims, [(103, [("Link", "</a>")])])
        self.assertEqual(response.all("x-level"), ["7"])
        self.assertEqual(response.trailers, [("X-Sum", "1")])

    def test_fields_of_requests(self):
        proxy = self.routed({"upstream": "a", "request_headers": {
            "set": {"X-Tenant": "7", "Host": "inner.example", "X-Forwarded-Proto": "https"},
            "remove": ["X-Secret", "via", "Forwarded"]}})
        seen = self.ask(proxy, "/", host="outer.example", fields=["X-Secret: 1", "x-secret: 2", "x-TENANT: forged", "X-Kept: 3"])
        fields = {}
        for name, value in seen["fields"]:
            fields.setdefault(name.lower(), []).append(value)
        self.assertEqual(fields["x-tenant"], ["7"])
        self.assertEqual(fields["host"], ["inner.example"])
        self.assertEqual(fields["x-forwarded-host"], ["outer.example"])
        self.assertEqual(fields["x-forwarded-proto"], ["https"])
        self.assertEqual(fields["x-kept"], ["3"])
        self.assertFalse({"x-secret", "via", "forwarded"} & fields.keys(), fields)

    def test_fields_of_answers(self):
        proxy = self.routed({"upstream": "a", "response_headers": {
            "set": {"X-Frame-Options": "DENY", "Server": "ours"}, "remove": ["x-powered-by", "Via"]}})
        response = proxy.get("/")
        self.assertEqual(response.all("x-frame-options"), ["DENY"])
        self.assertEqual(response.all("server"), ["ours"])
        self.assertEqual(response.all("set-cookie"), ["a=1", "b=2"])
        self.assertFalse(response.all("x-powered-by") + response.all("via"))

    def test_timeouts(self):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                if request.target == "/body":
                    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                conversation.wait_for_end()
        origin = self.scripted(script)
        proxy = self.proxy(origin.address, routes=[
            {"name": "quick", "path": "/head", "timeouts": {"response_header": "50ms"}},
            {"name": "stalling", "path": "/body", "timeouts": {"body_idle": "50ms"}}])
        self.assertEqual(proxy.get("/head").status, 504)
        with proxy.connect() as one:
            response = one.get("/body")
            self.assertEqual((response.body, response.cut), (b"half", "eof"))
        self.assertIncident(proxy.wait_incidents(1)[0], kind="stalled_response", route="stalling")

    def test_the_time_of_a_tunnel(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, timeouts={"tunnel_idle": "1h"}, routes=[
            {"name": "main", "timeouts": {"tunnel_idle": "300ms"}}])
        started = time.monotonic()
        with proxy.connect() as one:
            one.request("/", fields=["Connection: Upgrade", "Upgrade: echo"])
            one.read_until(b"\r\n\r\n")
            self.assertEqual((one.rest(), one.ended), (b"", "eof"))
        self.assertGreater(time.monotonic() - started, 0.29)


class Checking(EndToEndTest):
    def check(self, route):
        path = f"{self.directory}/bad.yaml"
        with open(path, "w") as file:
            file.write(f"upstreams: {{app: {{servers: [127.0.0.1:3000]}}}}\nroutes:\n  - name: a\n{route}\n")
        done = run_command("check", "--config", path)
        self.assertEqual(done.returncode, 2)
        return (done.stdout + done.stderr).replace(path, "bad.yaml")

    def test_expressions_and_templates(self):
        self.assertIn("bad.yaml:4:17: '/a(b' is no regular expression: missing closing parenthesis", self.check("    path_regex: /a(b"))
        self.assertIn("bad.yaml:5:14: '$2' stands for a group that is not there: 'path_regex' has 1",
                      self.check("    path_regex: /(a)\n    rewrite: /$2"))
        self.assertIn("bad.yaml:4:20: expected {host}, {path}, {query} or {uri}, found '{hots}'",
                      self.check('    redirect: {to: "https://{hots}/"}'))
        self.assertIn("bad.yaml:4:43: the field 'X-Request-Id' belongs to the proxy",
                      self.check("    request_headers: {set: {X-Request-Id: a}}"))
