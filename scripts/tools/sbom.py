"""The bill of materials of a built program, as CycloneDX 1.6: Swift packages from Package.resolved, libraries from dpkg.

    sbom.py PROGRAM VERSION PACKAGE_RESOLVED
"""

import json
import pathlib
import re
import subprocess
import sys
import uuid


def swift_packages(resolved):
    for pin in sorted(json.loads(pathlib.Path(resolved).read_text())["pins"], key=lambda pin: pin["identity"]):
        version = pin["state"].get("version", pin["state"].get("revision"))
        place = re.sub(r"^https?://|\.git$", "", pin["location"])
        yield {"type": "library", "bom-ref": f"swift:{pin['identity']}", "name": pin["identity"], "version": version,
               "purl": f"pkg:swift/{place}@{version}"}


def libraries(program):
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    owners = set()
    for path in re.findall(r"=> (/\S+)", linked):
        # Debian keeps /lib as a link to /usr/lib, and dpkg the path that a package was built with.
        names = sorted({path, str(pathlib.Path(path).resolve()), path.removeprefix("/usr"), "/usr" + path})
        found = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True).stdout
        owners |= {line.split(": ")[0].split(":")[0] for line in found.splitlines()}
    for name in sorted(owners):
        version, architecture = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version} ${Architecture}\n", name], capture_output=True, text=True, check=True).stdout.split("\n")[0].split()
        yield {"type": "library", "bom-ref": f"deb:{name}", "name": name, "version": version,
               "purl": f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}"}


def bill(program, version, resolved):
    parts = [*swift_packages(resolved), *libraries(program)]
    own = {"type": "application", "bom-ref": "sendonce", "name": "sendonce", "version": version, "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        # The same parts have the same number: a build can be repeated.
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([own, parts], sort_keys=True))),
        "metadata": {"component": own}, "components": parts,
        "dependencies": [{"ref": "sendonce", "dependsOn": [part["bom-ref"] for part in parts]}],
    }


if __name__ == "__main__":
    print(json.dumps(bill(*sys.argv[1:]), indent=1, sort_keys=True))
