"""`sendonce tail` in a terminal: colours, widths, the live table."""

import os
import pathlib
import subprocess

from harness import BINARY, EndToEndTest, wait_for
from judges import judge
from records import line, lines
from terminal import Terminal


class TailTerminal(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.log = pathlib.Path(self.directory, "incidents.jsonl")
        self.log.write_text("")

    def append(self, text):
        with open(self.log, "a") as file:
            file.write(text)

    def terminal(self, *arguments, **options):
        terminal = Terminal("tail", str(self.log), *arguments, cwd=self.directory, **options)
        self.addCleanup(terminal.stop)
        return terminal

    def test_two_lines_in_colour_that_never_wrap(self):
        self.append(line(1, request__path="/orders/" + "7" * 200))
        terminal = self.terminal()
        terminal.wait_for(lambda lines: len(lines) == 4)
        first, second, remedy, explain = terminal.lines
        self.assertTrue(first.startswith("✖ 2026-11-22 09:15:01 second_response proven  HTTP/1.1 500"), first)
        self.assertIn("…", second)
        self.assertTrue(second.startswith("  GET /orders/77"), second)
        self.assertEqual(explain.strip(), "sendonce explain second_response")
        self.assertEqual(terminal.colour("✖"), "red")
        # A terminal is for watching: it goes on.
        self.append(line(2) + line(3, severity="warning", kind="late_interim"))
        terminal.wait_for(lambda lines: len(lines) == 10)
        self.assertEqual(terminal.colour("▲"), "brown")
        terminal.press(b"\x03")
        self.assertEqual(terminal.wait(), 0)

    def test_the_width_is_followed(self):
        terminal = self.terminal(columns=60)
        for columns in 60, 100, 40:
            terminal.resize(columns, 24)
            before = len(terminal.lines)
            self.append(line(1, request__path="/orders/" + "7" * 200))
            terminal.wait_for(lambda lines: len(lines) >= before + 2)
            self.assertEqual(len(terminal.lines[before + 1].strip()), columns - 2)
            self.assertEqual(len([text for text in terminal.lines[before:] if text.startswith("✖")]), 1)

    def test_without_colour_and_without_unicode(self):
        self.append(line(1, request__path="/orders/" + "7" * 200))
        terminal = self.terminal(environment={"NO_COLOR": "1", "LANG": "C"})
        terminal.wait_for(lambda lines: len(lines) == 4)
        self.assertNotIn(b"\x1b[3", terminal.written)
        self.assertTrue(terminal.text.isascii(), terminal.text)
        self.assertTrue(terminal.lines[0].startswith("E 2026-11-22 09:15:01 second_response proven"))

    def test_hostile_records_do_not_move_the_cursor(self):
        self.append(line(1, request__path="/\x1b[2J\x1b]0;title\x07\r\u009b", message="\x1b[31m", route="\x08\x08"))
        terminal = self.terminal("--color", "never")
        terminal.wait_for(lambda lines: len(lines) == 4)
        self.assertIn("\\u{1b}[2J", terminal.text)
        self.assertNotIn(b"\x1b", terminal.written)

    def test_the_live_table(self):
        self.append(lines(range(3)))
        terminal = self.terminal("--by", "kind,path")
        terminal.wait_for(lambda lines: len(lines) == 4 and lines[0].split()[:2] == ["COUNT", "FIRST"])
        self.append(lines([2, 2, 2], client_impact="misdelivered"))
        terminal.wait_for(lambda lines: lines[1].split()[0] == "4" and "misdelivered" in lines[1], "the fourth of /orders/2")
        # More groups than the screen has lines; a path that is too long.
        self.append(lines(range(100, 140)) + line(1, request__path="/" + "x" * 300))
        terminal.wait_for(lambda lines: len(lines) == 24 and lines[-1].endswith("more groups"))
        self.assertTrue(all(len(text) <= 80 for text in terminal.lines))
        terminal.resize(80, 10)
        terminal.wait_for(lambda lines: len(lines) == 10 and lines[-1].endswith("more groups"))
        terminal.resize(120, 60)
        terminal.wait_for(lambda lines: len(lines) == 45)
        terminal.press(b"\x03")
        self.assertEqual(terminal.wait(), 0)
        # The screen is given back, the cursor shown, and the last table stays.
        wait_for(lambda: b"\x1b[?25h\x1b[?1049l" in terminal.written, lambda: terminal.written[-500:])
        terminal.wait_for(lambda lines: any("misdelivered" in text for text in lines))

    def test_in_tmux(self):
        """Another terminal than the emulator of these tests."""
        server = f"{self.directory}/tmux"
        tmux = [judge("tmux"), "-S", server, "-f", "/dev/null"]
        self.addCleanup(subprocess.run, [*tmux, "kill-server"], capture_output=True)
        self.append(lines(range(5)))
        subprocess.run(
            [*tmux, "new-session", "-d", "-x", "80", "-y", "24", f"LANG=C.UTF-8 {BINARY} tail {self.log} --by route; exec sleep 1000"],
            check=True, env=os.environ | {"LC_ALL": "C.UTF-8"})

        def screen():
            return subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True).stdout
        wait_for(lambda: "     5 " in screen(), screen)
        self.append(lines(range(5)))
        wait_for(lambda: "    10 " in screen(), screen)
        self.assertEqual(len([text for text in screen().splitlines() if text.strip()]), 2, screen())
        subprocess.run([*tmux, "send-keys", "C-c"], check=True)
        wait_for(lambda: subprocess.run([*tmux, "display", "-p", "#{alternate_on}"], capture_output=True, text=True).stdout == "0\n", screen)
        self.assertIn("    10 ", screen())
