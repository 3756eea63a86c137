"""A program in a terminal: a pseudo-terminal whose other end is pyte, a terminal emulator, so that a test sees what a person would."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading

import pyte

from harness import BINARY, PATIENCE, wait_for


class Terminal:
    def __init__(self, *arguments, columns=80, rows=24, cwd=None, environment={}):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.lock = threading.Lock()
        self.written = b""
        surroundings = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LC_ALL")}
        surroundings |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | environment
        # No code of this program runs in the child: it has threads, and what they hold a fork would hold for ever.
        self.descriptor, theirs = pty.openpty()
        settings = termios.tcgetattr(theirs)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        self.resize(columns, rows)
        self.process = subprocess.Popen(["setsid", "--ctty", BINARY, *arguments], cwd=cwd, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.descriptor, 65536)
            except OSError:
                return
            if not data:
                return
            with self.lock:
                self.written += data
                self.stream.feed(data)

    def resize(self, columns, rows):
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        with self.lock:
            self.screen.resize(rows, columns)

    @property
    def lines(self):
        """What is on the screen, without the empty rest."""
        with self.lock:
            shown = [line.rstrip() for line in self.screen.display]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait_for(self, condition, what="something on the screen", patience=PATIENCE):
        return wait_for(lambda: condition(self.lines), lambda: f"{what}; the screen:\n{self.text}", patience)

    def colour(self, text):
        """The colour of a text's first letter, where it stands first on the screen."""
        for row, line in enumerate(self.screen.display):
            if text in line:
                return self.screen.buffer[row][line.index(text)].fg
        raise AssertionError(f"no {text!r} on the screen:\n{self.text}")

    def press(self, keys):
        os.write(self.descriptor, keys)

    def ended(self):
        return self.process.poll() is not None

    def wait(self):
        wait_for(self.ended, "the end of the program")
        return self.process.returncode

    def stop(self):
        if not self.ended():
            self.process.kill()
            self.wait()
        os.close(self.descriptor)
