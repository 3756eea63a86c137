"""scripts/bench: how perf's samples are read."""

import pathlib
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "scripts/tools/bench"))

import parts  # noqa: E402

SAMPLES = """
    ffffffff81234 copy_from_iter+0x10 ([kernel.kallsyms])
    ffffffff81235 tcp_sendmsg_locked+0x5 ([kernel.kallsyms])
    ffffffff81236 do_writev+0x83 ([kernel.kallsyms])
    ffffffff81237 do_syscall_64+0x61 ([kernel.kallsyms])
           7f0001 __writev+0x1c (/usr/lib/libc.so.6)

    ffffffff81234 do_epoll_wait+0x10 ([kernel.kallsyms])
    ffffffff81236 __x64_sys_epoll_wait+0x83 ([kernel.kallsyms])
    ffffffff81237 do_syscall_64+0x61 ([kernel.kallsyms])
           7f0001 epoll_wait+0x1c (/usr/lib/libc.so.6)

    ffffffff81234 asm_sysvec_apic_timer_interrupt+0x10 ([kernel.kallsyms])
           7f0002 $s5HTTP1+0x1c (/usr/bin/sendonce)

           7f0002 $s5HTTP1+0x1c (/usr/bin/sendonce)
"""


class Parts(unittest.TestCase):
    def test_a_sample_belongs_to_the_call_it_was_taken_in(self):
        self.assertEqual(parts.shares(SAMPLES), {"writing": 0.25, "waiting": 0.25, "entry, other": 0.25, "own code": 0.25})

    def test_rows_are_microseconds_of_what_there_is(self):
        rows = parts.table({("h1_small", "SendOnce"): ({"own code": 0.25, "writing": 0.75}, 20.0)})
        self.assertEqual(rows[0], "| scenario, proxy | own code | writing | together |")
        self.assertEqual(rows[2], "| `h1_small`, SendOnce | 5.0 | 15.0 | 20.0 |")
