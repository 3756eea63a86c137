"""The page of the admin endpoint, in a real browser: what a person sees, presses and is kept from."""

import json
import urllib.parse

import client
import upstream
from browser import Browser
from harness import EndToEndTest

TWICE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"
DUPLICATE = b"HTTP/1.1 200 OK\r\nETag: a\r\nETag: b\r\nContent-Length: 0\r\n\r\n"
AGAIN = upstream.ok(b"first") + b"HTTP/1.1 500 <img src=x onerror=pwned=1>\r\nContent-Length: 3\r\nX-<b>: 1\r\n\r\nbad"
HOSTILE = "/<img src=x onerror=pwned=1>\"'><script>pwned=1</script>/{{x}}?a=</script>"


def answer(conversation):
    while request := conversation.read_request():
        path = request.target.split("?")[0]
        conversation.send(DUPLICATE if path.startswith("/dup") else upstream.ok() if path.startswith("/ok") else AGAIN if path.startswith("/again") else TWICE)


class Page(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.origin = self.scripted(answer)

    def started(self, **options):
        return self.proxy(self.origin.address, **options)

    def browse(self, proxy, query="", **options):
        browser = Browser(**options)
        self.addCleanup(browser.close)
        browser.open(f"http://{proxy.admin}/{query}")
        if options.get("scripts", True):
            browser.wait("document.getElementById('status').className.includes('live')")
        return browser

    def rows(self, browser):
        return browser.evaluate("[...document.querySelectorAll('.row')].map((row) => row.innerText)")

    def assertUntouched(self, browser):
        """Nothing was complained of, and nobody else was asked for anything."""
        self.assertEqual(browser.complaints(), [])
        origin = urllib.parse.urlsplit(browser.evaluate("location.href"))
        for url in browser.requests():
            self.assertEqual(urllib.parse.urlsplit(url)[:2], origin[:2])


class Living(Page):
    def test_a_group_and_what_there_is_to_know_of_it(self):
        proxy = self.started()
        proxy.get("/orders/7")
        proxy.get("/orders/8")
        proxy.wait_incidents(2)
        browser = self.browse(proxy)
        browser.wait("document.querySelectorAll('.row').length === 1")
        row, = self.rows(browser)
        for text in ("GET /orders/{id}", "proven", "client unharmed", "main", "2"):
            self.assertIn(text, row)
        self.assertEqual(browser.evaluate("document.querySelectorAll('.row .spark rect:not(.none)').length > 0"), True)
        browser.evaluate("document.querySelector('.row').click()")
        browser.wait("document.querySelectorAll('.wire-drawing .part').length >= 5 && document.querySelectorAll('.program').length === 2")
        shown = browser.text()
        for text in ("bytes after the end", "/orders/8", "6 B", "byte 43 of the answer", "The answer ends", "How to mend it".upper(),
                     "sendonce explain body_after_end", "RECORDS (2)"):
            self.assertIn(text, shown)
        self.assertIn("group=", browser.evaluate("location.search"))
        self.assertUntouched(browser)

    def test_it_follows_the_stream(self):
        proxy = self.started()
        browser = self.browse(proxy)
        browser.wait("document.getElementById('status').className.includes('live')")
        self.assertIn("Every answer was sent once.", browser.text())
        for count in (1, 2, 3):
            proxy.get("/orders/7")
            browser.wait(f"document.querySelector('.row .count')?.innerText.startsWith('{count} time')")
        proxy.get("/dup")
        browser.wait("document.querySelectorAll('.row').length === 2")
        self.assertUntouched(browser)

    def test_it_survives_a_restart_of_the_proxy(self):
        proxy = self.started()
        proxy.get("/orders/7")
        browser = self.browse(proxy)
        browser.wait("document.querySelectorAll('.row').length === 1")
        self.end(proxy)
        browser.wait("document.getElementById('status').className.includes('lost')")
        again = self.started(admin={"address": proxy.admin})
        browser.wait("document.getElementById('status').className.includes('live')")
        again.get("/dup")
        browser.wait("document.querySelectorAll('.row').length === 2")
        self.assertEqual(browser.evaluate("document.querySelectorAll('.row .count').length"), 2)

    def test_filters_stand_in_the_address_bar(self):
        proxy = self.started()
        for path in ("/orders/7", "/orders/8", "/dup"):
            proxy.get(path)
        proxy.wait_incidents(3)
        browser = self.browse(proxy, "?kind=duplicate_field")
        browser.wait("document.querySelectorAll('.row').length === 1")
        self.assertIn("/dup", self.rows(browser)[0])
        browser.evaluate("""(() => { const select = document.querySelector('select[name=kind]'); select.value = 'body_after_end';
            select.dispatchEvent(new Event('input', { bubbles: true })); })()""")
        browser.wait("location.search === '?kind=body_after_end' && document.querySelector('.row').innerText.includes('/orders')")
        browser.evaluate("history.back()")
        browser.wait("location.search === '?kind=duplicate_field' && document.querySelector('.row').innerText.includes('/dup')")
        browser.evaluate("""(() => { const field = document.querySelector('input[name=q]'); field.value = 'orders/8';
            field.dispatchEvent(new Event('input', { bubbles: true })); })()""")
        browser.wait("document.querySelector('.nothing').innerText.includes('Nothing matches')")

    def test_the_keyboard(self):
        proxy = self.started()
        for number, path in enumerate(("/orders/7", "/dup", "/dup"), 1):
            proxy.get(path)
            proxy.wait_incidents(number)
        browser = self.browse(proxy)
        browser.wait("document.querySelectorAll('.row').length === 2")
        browser.press("j")
        browser.press("j")
        browser.wait("document.activeElement === document.querySelectorAll('.row')[1]")
        browser.press("k")
        browser.press("Enter")
        browser.wait("document.querySelector('.detail')?.innerText.includes('/dup')")
        browser.press("p")
        browser.wait("location.search.includes('record=')")
        browser.press("Escape")
        browser.wait("!document.querySelector('.detail') && !location.search.includes('group=')")
        browser.press("/")
        browser.wait("document.activeElement.name === 'q'")
        browser.press("Escape")
        browser.press("3")
        browser.wait("location.search === '?view=routes' && !!document.querySelector('#routes tbody tr')")
        browser.press("?")
        browser.wait("document.getElementById('keys').open")
        self.assertUntouched(browser)

    def test_servers_and_routes(self):
        proxy = self.proxy([self.origin.address, {"address": "127.0.0.1:1", "weight": 3}], balance="round_robin",
                           health={"path": "/ok", "interval": "50ms", "timeout": "1s", "unhealthy_after": 1})
        proxy.get("/orders/7")
        proxy.wait_incidents(1)
        browser = self.browse(proxy, "?view=upstreams")
        browser.wait("document.querySelector('#servers').innerText.includes('down') && document.querySelector('#servers').innerText.includes('quarantine')")
        self.assertIn(self.origin.address, browser.evaluate("document.querySelector('#servers').innerText"))
        self.assertEqual(browser.evaluate("document.getElementById('figure-up').innerText"), "1 / 2")
        browser.evaluate("document.querySelector('[data-view=routes]').click()")
        browser.wait("document.querySelector('#routes td[data-name=incidents]').innerText === '1'")
        self.assertUntouched(browser)

    def test_a_phone_and_the_dark(self):
        proxy = self.started()
        proxy.get("/orders/7")
        proxy.wait_incidents(1)
        browser = self.browse(proxy, width=390, height=844, mobile=True, scheme="dark")
        browser.wait("document.querySelectorAll('.row').length === 1")
        background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((sum, part) => sum + +part, 0)"
        self.assertLess(browser.evaluate(background), 150)
        for open_it in ("", "document.querySelector('.row').click()"):
            browser.evaluate(open_it)
            # Nothing is wider than the screen.
            browser.wait("document.documentElement.scrollWidth <= 390")
        browser.wait("document.querySelector('.wire-drawing svg').getBoundingClientRect().right <= 390")
        self.assertEqual(browser.evaluate("getComputedStyle(document.getElementById('groups')).display"), "none")
        browser.evaluate("document.getElementById('theme').click()")  # light, against the system
        self.assertGreater(browser.evaluate(background), 600)


class Hostile(Page):
    def test_nothing_that_a_peer_says_becomes_markup(self):
        proxy = self.started(incidents={"evidence": {"sample": "escaped"}})
        proxy.get("/again")
        for path in (HOSTILE, urllib.parse.quote(HOSTILE)):
            with client.Client(proxy.address) as one:
                one.send(f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nHost: <i>.example\r\nX-Request-Id: <svg/onload=pwned=1>\r\n\r\n".encode())
                one.read_until(b"\r\n\r\n")
        count = len(proxy.wait_incidents(2))
        for scripts in (True, False):
            browser = self.browse(proxy, scripts=scripts)
            browser.wait("document.querySelectorAll('.row').length >= 2")
            for index in range(browser.evaluate("document.querySelectorAll('.row').length")):
                address = browser.evaluate(f"document.querySelectorAll('.row')[{index}].href")
                other = self.browse(proxy, address.split("/", 3)[3], scripts=scripts)
                other.wait("!!document.querySelector('.detail')")
                self.assertEqual(other.evaluate("typeof pwned + document.querySelectorAll('main img, main script, main b:not(.method), main i').length"), "undefined0")
                self.assertEqual(other.complaints(), [])
        self.assertGreaterEqual(count, 2)

    def test_the_policy_allows_nothing_but_ourselves(self):
        proxy = self.started()
        for path in ("/", "/page/page.js", "/page/page.css"):
            response = proxy.ask_admin(path)
            self.assertEqual(response.status, 200)
            policy = response.field("content-security-policy")
            for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
                self.assertIn(rule, policy)
            self.assertNotIn("unsafe", policy)
        with client.Client(proxy.admin) as one:
            one.send(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            self.assertIn(b" 403 ", one.read_until(b"\r\n\r\n"))


class WithoutScripts(Page):
    def test_all_of_it_is_a_table(self):
        proxy = self.started()
        for path in ("/orders/7", "/orders/8", "/dup"):
            proxy.get(path)
        proxy.wait_incidents(3)
        browser = self.browse(proxy, scripts=False)
        self.assertEqual(len(self.rows(browser)), 2)
        shown = browser.text()
        for text in ("/orders/{id}", "2 times", "duplicate", self.origin.address, "/metrics", "/incidents/stream", "up"):
            self.assertIn(text, shown)
        address = browser.evaluate("[...document.querySelectorAll('.row')].find((row) => row.innerText.includes('/orders')).href")
        browser.open(address)
        shown = browser.text()
        for text in ("GET /orders/8", "HOW TO MEND IT", "const http = require('http');"):
            self.assertIn(text, shown)
        browser.open(f"http://{proxy.admin}/?kind=duplicate_field")
        self.assertEqual(len(self.rows(browser)), 1)
        self.assertEqual(browser.complaints(), [])


class Many(Page):
    alone = True

    def test_a_full_ring_and_200_routes_stay_quick(self):
        routes = [{"name": f"tenant-{number:03}", "path_prefix": f"/r{number}/", "upstream": "app"} for number in range(199)]
        proxy = self.started(routes=[*routes, {"name": "main", "path_prefix": "/", "upstream": "app"}],
                             incidents={"limit": {"burst": 2000, "per_second": 1000}})
        for number in range(1100):
            proxy.get(f"/r{number % 199}/x{number}y")
        proxy.wait_incidents(1100)
        self.assertEqual(len(json.loads(proxy.ask_admin("/incidents?limit=5000").body)), 1024)
        browser = self.browse(proxy)
        browser.wait("document.querySelectorAll('.row').length === 200 && document.querySelector('.more').innerText.includes('1,024')")
        # The time that the page itself takes, not the machine's: how long the longest of its turns was.
        browser.evaluate("""(() => { window.longest = 0; new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration); }).observe({ type: 'longtask' }); })()""")
        proxy.get("/dup")
        browser.wait("document.querySelector('.row').innerText.includes('/dup')")
        browser.evaluate("document.querySelector('[data-view=routes]').click()")
        browser.wait("document.querySelectorAll('#routes tbody tr').length === 200")
        self.assertLess(browser.evaluate("longest"), 1000)
        self.assertEqual(browser.complaints(), [])
