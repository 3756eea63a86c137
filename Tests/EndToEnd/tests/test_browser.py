"""A page with all that belongs to it, loaded by headless Chromium: over TLS with HTTP/2 and with HTTP/1.1, and in cleartext."""

import base64
import collections
import hashlib
import html
import json
import re
import subprocess

import certificates
import upstream
from harness import EndToEndTest
from judges import judge

PICTURES = 40

# Scripts and pictures delay the end of loading, and a request that is not asynchronous waits for its answer: at the end of the
# page all of it has come, and the document is what is printed.
PAGE = """<!doctype html><title>loading</title><link rel=stylesheet href=/style.css>
<pre id=told></pre>
%s
<script src=/script.js></script>
<script>
const ask = (method, path, body) => {
  const request = new XMLHttpRequest();
  request.open(method, path, false);
  request.send(body);
  return request.status + ' ' + request.responseText;
};
const told = {
  protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
  script: fromScript,
  posted: ask('POST', '/echo', 'words and \\u00fc'),
  nothing: ask('GET', '/nothing'),
  cookie: (ask('GET', '/cookie'), document.cookie),
};
addEventListener('load', () => {
  told.colour = getComputedStyle(document.getElementById('told')).color;
  told.pictures = [...document.images].filter((image) => image.complete && image.naturalWidth === 1).length;
  document.getElementById('told').textContent = JSON.stringify(told);
});
</script>
""" % "\n".join(f"<img src=/picture/{number}.gif>" for number in range(PICTURES))
PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def chunked(body, *fields):
    """The body in chunks of 100 bytes."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *fields]).encode() + b"\r\n\r\n"
    pieces = [body[start:start + 100] for start in range(0, len(body), 100)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Browser(EndToEndTest):
    def setUp(self):
        super().setUp()
        nothing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing"
        answers = collections.defaultdict(lambda: nothing, {
            "/": chunked(PAGE.encode(), "Content-Type: text/html; charset=utf-8"),
            "/style.css": upstream.ok(b"#told {color: rgb(1, 2, 3)}", "Content-Type: text/css"),
            "/script.js": chunked(b"const fromScript = 'script';" + b" " * 10_000, "Content-Type: text/javascript"),
            "/echo": lambda conversation, request: conversation.send(upstream.ok(request.body, "Content-Type: text/plain; charset=utf-8")),
            "/cookie": upstream.ok(b"", "Set-Cookie: a=1", "Set-Cookie: b=2"),
        } | {f"/picture/{number}.gif": upstream.ok(PICTURE, "Content-Type: image/gif") for number in range(PICTURES)})
        self.origin = self.scripted(upstream.by_target(answers))

    def load(self, proxy, scheme):
        port = proxy.address.rsplit(":", 1)[1]
        done = subprocess.run(
            [judge("chromium", "chromium-browser", "google-chrome"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
             f"--user-data-dir={self.directory}/profile", f"--ignore-certificate-errors-spki-list={public_key_hash('shop.pem')}",
             # It finds nobody but us.
             "--host-resolver-rules=MAP shop.example 127.0.0.1, MAP * ~NOTFOUND",
             "--dump-dom", f"{scheme}://shop.example:{port}/"],
            capture_output=True, text=True, timeout=180)
        found = re.search(r"<pre id=\"told\">(\{.*?\})</pre>", done.stdout)
        self.assertTrue(found, done.stdout[-1000:] + done.stderr[-2000:])
        return json.loads(html.unescape(found[1]))

    def assertLoads(self, proxy, scheme, protocol):
        self.assertEqual(self.load(proxy, scheme), {
            "protocol": protocol, "script": "script", "posted": "200 words and \u00fc", "nothing": "404 nothing",
            "cookie": "a=1; b=2", "colour": "rgb(1, 2, 3)", "pictures": PICTURES})
        # The page, its style, script and pictures, and what the script asked for; browsers may ask for an icon as well.
        proxy.wait_metric(1 + 2 + PICTURES + 2, "sendonce_requests_total", code="200")
        metrics = proxy.metrics()
        self.assertEqual(metrics.sum("sendonce_requests_total", method="POST", code="200"), 1)
        self.assertEqual(metrics.sum("sendonce_client_rejected_total"), 0)
        self.assertNoIncidents(proxy)

    def secure(self, *protocols):
        return self.proxy(self.origin.address, listeners=[
            {"address": "127.0.0.1:0", "tls": certificates.pair("shop"), "protocols": list(protocols)}])

    def test_http2_over_tls(self):
        self.assertLoads(self.secure("http1", "http2"), "https", "h2")

    def test_http1_over_tls(self):
        self.assertLoads(self.secure("http1"), "https", "http/1.1")

    def test_cleartext(self):
        self.assertLoads(self.proxy(self.origin.address), "http", "http/1.1")


def public_key_hash(name):
    """What Chromium wants to know of a certificate that it may trust: the hash of its public key."""
    command = f"openssl x509 -in '{certificates.file(name)}' -pubkey -noout | openssl pkey -pubin -outform DER"
    key = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
