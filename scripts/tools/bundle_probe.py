#!/usr/bin/env python3
"""Makes the probe's one file, Sources/NodeProbe/sendonce-probe.cjs, of its parts in Sources/NodeProbe/src.

    bundle_probe.py            writes the file
    bundle_probe.py --check    exits 1 where the file is not what the parts make
"""

import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources/NodeProbe"
BUNDLE = FOLDER / "sendonce-probe.cjs"

HEAD = """\
// SendOnce's probe for Node: tells which line of an application sent an answer first, and which sent it again.
//   NODE_OPTIONS="--require /path/to/sendonce-probe.cjs" node app.js
// Made by scripts/bundle-probe of Sources/NodeProbe/src: edit that. Syntax that every version can parse, so that a version
// too old is left alone.
// SPDX-License-Identifier: Apache-2.0
(function () {
  'use strict';
  var VERSION = 14;
  if (typeof process !== 'object' || !process.versions || !(parseInt(process.versions.node, 10) >= VERSION)) return;
  var parts = {}, loaded = {};
  function part(name) {
    name = name.replace('./', '');
    if (!Object.prototype.hasOwnProperty.call(parts, name)) return require(name);
    if (!loaded[name]) parts[name](part, loaded[name] = {});
    return loaded[name];
  }
"""

TAIL = """\
  // A probe that cannot start leaves the application as it is.
  try { part('./main').start(); } catch (e) { /* no probe */ }
})();
"""


def bundle():
    text = HEAD
    for path in sorted((FOLDER / "src").glob("*.js")):
        body = re.sub(r"\A'use strict';\n", "", path.read_text())
        text += f"\n  // src/{path.name}\n  parts.{path.stem} = function (require, exports) {{\n"
        text += "".join(f"    {line}\n" if line else "\n" for line in body.rstrip("\n").split("\n"))
        text += "  };\n"
    return text + "\n" + TAIL


if __name__ == "__main__":
    made = bundle()
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if BUNDLE.exists() and BUNDLE.read_text() == made else f"{BUNDLE} is not what its parts make: scripts/bundle-probe")
    BUNDLE.write_text(made)
