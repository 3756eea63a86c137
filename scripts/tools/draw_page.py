"""Pictures of the page with real records: customers of an Express shop (apps/shop.js) that answers twice, once under the probe (host shop.test), once
without (legacy.test), where only the wire can tell who it was.

    draw_page.py [--seconds N] [FOLDER]
"""

import argparse
import pathlib
import random
import shutil
import tempfile
import threading
import time

import browser
import client
import configuration
import harness
import probed
import upstream

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATHS = {"/": 30, "/products/7": 20, "/products/9": 20, "/orders/41": 20, "/orders/x": 2, "/reports/5": 10, "/reports/6": 2, "/labels/9": 10,
         "/labels/8": 2, "/export/orders.csv": 2}
# Picture → the group that it shows (host's route, path), where the page is to be scrolled to, and how large it is.
PICTURES = {
    "page-light": ("legacy", "/export/orders.csv", None, {"width": 1360, "height": 860}),
    "page-candidates": ("legacy", "/export/orders.csv", ".candidates", {"width": 1360, "height": 860}),
    "page-stacks": ("shop", "/orders/x", ".pair", {"width": 1360, "height": 860}),
    "page-dark": ("shop", "/orders/x", None, {"width": 1360, "height": 860, "scheme": "dark"}),
    "page-phone": ("shop", "/orders/x", None, {"width": 390, "height": 844, "mobile": True}),
}


def shop_along(proxy, host, ends):
    """One customer: asks for this and that over one connection."""
    one = None
    while not ends.is_set():
        path = random.choices(list(PATHS), list(PATHS.values()))[0]
        one = client.ask(one, proxy.address, path, host=f"{host}.test")
        time.sleep(random.expovariate(8))


def photograph(proxy, route, path, selector, file, options):
    record = [one for one in proxy.incidents() if one["route"] == route and one["request"]["path"] == path and one["kind"] != "hangup_after_end"]
    # Where several requests may be guilty, one that shows it.
    record = max(record, key=lambda one: (len(one.get("candidates", [])), one["time"]))
    screen = browser.Browser(**options)
    try:
        screen.open(f"http://{proxy.admin}/?group={record['group']}&record={record['id']}")
        # A rate needs two looks.
        screen.wait("document.getElementById('status').className.includes('live') && document.querySelector('.detail') !== null"
                    " && document.getElementById('figure-rate').textContent !== '–'")
        if selector:
            screen.evaluate(f"document.querySelector('{selector}').closest('.card').scrollIntoView()")
        screen.screenshot(file)
        if complaints := screen.complaints():
            raise AssertionError(complaints)
    finally:
        screen.close()
    print(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--pictures", default="page-light,page-candidates,page-stacks", help=", ".join(PICTURES))
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=ROOT / "docs/images")
    arguments = parser.parse_args()
    folder, programs, customers, ends = tempfile.mkdtemp(prefix="shop-"), [], [], threading.Event()
    try:
        socket = f"{folder}/probe.socket"
        # Stacks show where a program stands: not where this checkout does.
        apps = pathlib.Path(folder, "app")
        apps.mkdir()
        for name in ("shop.js", "serve.js"):
            shutil.copy(probed.APPS / name, apps)
        programs.append(probed.Probed("shop.js", folder, apps=apps, SENDONCE_PROBE_SOCKET=socket))
        programs.append(upstream.Node("shop.js"))
        # The guards are off for the old one: what its connections carried together shows who it may have been.
        config = configuration.configuration(
            None, folder, probe={"socket": socket}, incidents={"quarantine": {"for": "0s"}},
            upstreams={"shop": {"servers": [programs[0].address]},
                       "legacy": {"servers": [programs[1].address], "connections": {"reuse": "always", "max": 4}}},
            routes=[{"name": name, "host": f"{name}.test", "path_prefix": "/", "upstream": name} for name in ("shop", "legacy")])
        proxy = harness.SendOnce(folder, config)
        programs.append(proxy)
        customers = [threading.Thread(target=shop_along, args=(proxy, host, ends)) for host in ("shop", "shop", "legacy", "legacy")]
        for customer in customers:
            customer.start()
        time.sleep(arguments.seconds)
        for name in arguments.pictures.split(","):
            route, path, selector, options = PICTURES[name]
            photograph(proxy, route, path, selector, arguments.folder / f"{name}.png", options)
    finally:
        ends.set()
        for customer in customers:
            customer.join()
        for program in reversed(programs):
            program.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
