"""Behind scripts/stress-starts: many starts, each scraped from its first moment, reloaded and ended; a step that takes 20 s has hung."""

import pathlib
import signal
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import upstream  # noqa: E402
from configuration import configuration  # noqa: E402
from harness import SendOnce, wait_for  # noqa: E402

STEP_SECONDS = 20


def scrape(proxy, stop):
    while not stop.is_set():
        for path in ("/metrics", "/upstreams", "/config", "/incidents"):
            proxy.ask_admin(path)


def once(origin, directory):
    proxy = SendOnce(directory, configuration(origin, directory, workers=2))
    stop = threading.Event()
    troubles = []

    def scraping():
        try:
            scrape(proxy, stop)
        except Exception as trouble:  # told by the caller, with the log
            troubles.append(trouble)
    threads = [threading.Thread(target=scraping) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert proxy.get("/").body == b"OK"
        proxy.log_grows("configuration reloaded", lambda: proxy.send_signal(signal.SIGHUP), STEP_SECONDS)
        assert proxy.get("/").body == b"OK"
    finally:
        stop.set()
        for thread in threads:
            thread.join(STEP_SECONDS)
        status = proxy.stop(patience=STEP_SECONDS)
    assert not troubles and status == 0, (troubles, status, proxy.log)


def main(count):
    origin = upstream.Scripted(upstream.by_target({"/": upstream.ok()}))
    lock = threading.Lock()
    left, failures, started = [count], [], time.monotonic()

    def work():
        with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
            while not failures:
                with lock:
                    if not left[0]:
                        return
                    left[0] -= 1
                try:
                    once(origin.address, directory)
                except Exception as failure:
                    failures.append(failure)
                    return
    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    origin.stop()
    done = count - left[0]
    print(f"{done} starts and reloads in {time.monotonic() - started:.0f} s: " + (f"FAILED: {failures[0]!r}" if failures else "none hung"))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
