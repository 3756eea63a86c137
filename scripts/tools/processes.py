"""Processes that a measurement has started."""

import signal
import subprocess


def end(process, patience=10):
    """Asks it to end, and ends it when it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
