"""Faults on purpose beside clients that do nothing wrong, the short form (scripts/faults does them all): none gets a wrong answer, and all is well afterwards."""

import faults
import soak
from harness import EndToEndTest


class Faults(EndToEndTest):
    alone = True


def added(name):
    def test(self):
        faults.play(name, scale=300)
    test.__doc__ = faults.FAULTS[name][0].__doc__
    setattr(Faults, f"test_{name}", test)


for name in ("upstream_killed", "upstream_stopped", "upstream_resetting", "disk_full", "log_directory_removed", "clock_steps", "worker_sigsegv", "worker_sigkill",
             "worker_sigbus", "supervisor_killed", "upgrade_fails", "descriptors_run_out", "idle_and_hostile_clients"):
    added(name)


class Soak(EndToEndTest):
    alone = True

    def test_a_quarter_of_a_minute(self):
        soak.run(15, lanes=4, crowd=40, tell=lambda text: None)
