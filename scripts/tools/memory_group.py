"""A control group with a limit on memory, of either version of Linux's control groups. Needs root."""

import os
import pathlib
import tempfile

ROOT = pathlib.Path("/sys/fs/cgroup")


class MemoryGroup:
    """What is started by `launcher` is in it, and so is what that starts."""

    def __init__(self):
        is_old = (ROOT / "memory").is_dir()
        if not is_old:
            control = ROOT / "cgroup.subtree_control"
            if "memory" not in control.read_text().split():
                control.write_text("+memory")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sendonce-", dir=ROOT / "memory" if is_old else ROOT))
        self.limit_file = self.folder / ("memory.limit_in_bytes" if is_old else "memory.max")
        self.unlimited = "-1" if is_old else "max"
        self.usage_file = self.folder / ("memory.usage_in_bytes" if is_old else "memory.current")

    def launcher(self, path, binary):
        """A program at `path` that goes into the group and becomes the binary."""
        path.write_text(f'#!/bin/sh\necho $$ > {self.folder}/cgroup.procs\nexec {binary} "$@"\n')
        path.chmod(0o755)
        return str(path)

    @property
    def usage(self):
        return int(self.usage_file.read_text())

    def limit(self, count):
        """In bytes; None: none."""
        self.limit_file.write_text(self.unlimited if count is None else str(count))

    def remove(self):
        """Once nobody is in it."""
        os.rmdir(self.folder)
