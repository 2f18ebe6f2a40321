#!/usr/bin/env python3
"""The bill of materials of the static binary, as SPDX 2.3 and CycloneDX 1.6: what the linker took, by its own statistics.

Usage: sbom.py BINARY INPUTS NAME VERSION OUTPUT
  INPUTS   what scripts/native.sh wrote beside the binary: lines of KIND<TAB>PATH, kinds archive and package
  NAME     the binary's name in the release
  VERSION  with the commit behind a plus sign, as `kimg version` has it
  OUTPUT   the path without .spdx.json and .cdx.json
The same binary on the same machine gives the same bytes: times are SOURCE_DATE_EPOCH, identifiers come from the binary's digest.
What is linked and not in the tables below is an error: nobody has looked at its licence yet.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone

# Debian source package: licence of what is linked (not of the whole package), supplier's page.
DEBIAN = {
    "glibc": ("LGPL-2.1-or-later", "https://www.gnu.org/software/libc/"),
    "gcc": ("GPL-3.0-or-later WITH GCC-exception-3.1", "https://gcc.gnu.org/"),
    "openssl": ("Apache-2.0", "https://www.openssl.org/"),
    "libzstd": ("BSD-3-Clause", "https://github.com/facebook/zstd"),
    "xz-utils": ("LicenseRef-xz-public-domain", "https://tukaani.org/xz/"),
    "bzip2": ("bzip2-1.0.6", "https://sourceware.org/bzip2/"),
    "zlib": ("Zlib", "http://zlib.net/"),
}
# Archives of the runtime pack that hold others' work: component, licence, page. Versions are in the pack's notices, if anywhere.
VENDORED = {
    "libz.a": ("zlib-ng", "Zlib", "https://github.com/zlib-ng/zlib-ng"),
    "libSystem.IO.Compression.Native.a": ("brotli", "MIT", "https://github.com/google/brotli"),
    "libRuntime.WorkstationGC.a": ("llvm-libunwind", "Apache-2.0 WITH LLVM-exception", "https://github.com/llvm/llvm-project"),
}
NUGET = {
    "runtime.linux-x64.microsoft.dotnet.ilcompiler": ("runtime.linux-x64.Microsoft.DotNet.ILCompiler", "MIT"),
    "runtime.linux-arm64.microsoft.dotnet.ilcompiler": ("runtime.linux-arm64.Microsoft.DotNet.ILCompiler", "MIT"),
    "system.commandline": ("System.CommandLine", "MIT"),
}
# Only read by the compiler: what is compiled of them is in the pack above.
REFERENCES = ("microsoft.netcore.app.runtime.",)
# Compiled by the build from the sources in the pack above.
BUILT = "/libSystem.Security.Cryptography.Native.OpenSsl.a"
XZ_TEXT = "liblzma is in the public domain."


def fail(text):
    sys.exit(f"sbom.py: {text}")


def packages(inputs):
    """Components by purl, from the paths that were linked."""
    found = {}

    def add(purl, **component):
        found.setdefault(purl, {"purl": purl, **component})

    for kind, path in inputs:
        nuget = re.search(r"/packages/([^/]+)/([^/]+)/", path)
        if nuget:
            name, version = nuget.groups()
            if name.startswith(REFERENCES):
                continue
            if name not in NUGET:
                fail(f"{path} is linked, and there is no licence for the package '{name}' in scripts/sbom.py")
            name, licence = NUGET[name]
            add(f"pkg:nuget/{name}@{version}", name=name, version=version, licence=licence, supplier="Microsoft", page=f"https://www.nuget.org/packages/{name}/{version}")
            vendored = VENDORED.get(os.path.basename(path))
            if vendored:
                add(f"pkg:generic/{vendored[0]}", name=vendored[0], version=None, licence=vendored[1], supplier=None, page=vendored[2], within=f"{name} {version}")
        elif path.startswith(("/usr/", "/lib/")):
            add(**debian(path))
        elif not path.endswith(BUILT):
            fail(f"{path} is linked, and it is of no package")
    return [found[key] for key in sorted(found)]


def debian(path):
    real = os.path.realpath(path)
    # Until directories were merged packages named their files below /lib.
    owner = run("dpkg-query", "--search", real, real.removeprefix("/usr"), check=False).split(": ")[0]
    if not owner:
        fail(f"{path} is linked, and no Debian package has it")
    source, version, own, architecture = run(
        "dpkg-query", "--show", "--showformat", "${source:Package} ${source:Version} ${Version} ${Architecture}", owner).split(" ")
    source = re.sub(r"^gcc-\d+(-cross)?$", "gcc", source)
    if source not in DEBIAN:
        fail(f"{path} is linked, and there is no licence for Debian's '{source}' in scripts/sbom.py")
    licence, page = DEBIAN[source]
    name = owner.split(":")[0]
    release = "".join(line.split("=")[1] for line in pathlib.Path("/etc/os-release").read_text().splitlines() if line.startswith("VERSION_ID=")).strip('"')
    distribution = f"&distro=debian-{release}" if release else ""
    # A plus sign has to be encoded in a purl's version, and colons of epochs do too.
    encoded = own.replace("+", "%2B").replace(":", "%3A")
    return {"purl": f"pkg:deb/debian/{name}@{encoded}?arch={architecture}{distribution}", "name": source, "version": upstream(version), "licence": licence, "supplier": "Debian",
            "page": page, "within": f"{name} {own}"}


def upstream(version):
    return re.sub(r"(\+dfsg|\+ds).*$", "", version.split(":")[-1].rsplit("-", 1)[0])


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        fail(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def spdx(binary, name, version, when, components):
    version, _, commit = version.partition("+")

    def identifier(component):
        return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", component["purl"].split("?")[0])

    def package(component):
        made = {
            "SPDXID": identifier(component), "name": component["name"], "downloadLocation": "NOASSERTION", "homepage": component["page"], "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": component["licence"], "copyrightText": "NOASSERTION", "primaryPackagePurpose": "LIBRARY",
            "supplier": f"Organization: {component['supplier']}" if component["supplier"] else "NOASSERTION",
        }
        if component["version"]:
            made["versionInfo"] = component["version"]
        if component.get("within"):
            made["sourceInfo"] = f"linked from {component['within']}"
        # Others' work inside of a package has no address of its own.
        if not component["purl"].startswith("pkg:generic/"):
            made["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": component["purl"]}]
        return made

    root = {
        "SPDXID": "SPDXRef-kimg", "name": "kimg", "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION", "supplier": "Organization: kimg", "packageFileName": name,
        "checksums": [{"algorithm": "SHA256", "checksumValue": binary["sha256"]}],
    }
    if commit:
        root["sourceInfo"] = f"built from commit {commit}"
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{name} {version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{binary['uuid']}",
        "creationInfo": {"created": when, "creators": ["Organization: kimg", "Tool: kimg-sbom"]},
        "documentDescribes": ["SPDXRef-kimg"],
        "packages": [root, *map(package, components)],
        "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-xz-public-domain", "name": "XZ Utils, public domain", "extractedText": XZ_TEXT}]
        if any(c["licence"].startswith("LicenseRef-") for c in components) else [],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": "SPDXRef-kimg", "relationshipType": "DESCRIBES"},
            *({"spdxElementId": "SPDXRef-kimg", "relatedSpdxElement": identifier(c), "relationshipType": "STATIC_LINK"} for c in components),
        ],
    }


def cyclonedx(binary, name, version, when, components):
    version = version.split("+")[0]

    def licences(text):
        if text.startswith("LicenseRef-"):
            return [{"license": {"name": XZ_TEXT.rstrip("."), "acknowledgement": "declared"}}]
        return [{"expression": text, "acknowledgement": "declared"}] if " " in text else [{"license": {"id": text, "acknowledgement": "declared"}}]

    def component(c):
        made = {"type": "library", "bom-ref": c["purl"], "name": c["name"], "licenses": licences(c["licence"]), "externalReferences": [{"type": "website", "url": c["page"]}]}
        if c["version"]:
            made["version"] = c["version"]
        if c["supplier"]:
            made["supplier"] = {"name": c["supplier"]}
        if not c["purl"].startswith("pkg:generic/"):
            made["purl"] = c["purl"]
        if c.get("within"):
            made["properties"] = [{"name": "kimg:linked-from", "value": c["within"]}]
        return made

    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{binary['uuid']}", "version": 1,
        "metadata": {
            "timestamp": when,
            "component": {
                "type": "application", "bom-ref": "kimg", "name": "kimg", "version": version, "licenses": licences("Apache-2.0"),
                "hashes": [{"alg": "SHA-256", "content": binary["sha256"]}], "properties": [{"name": "kimg:file", "value": name}],
            },
        },
        "components": [component(c) for c in components],
        "dependencies": [{"ref": "kimg", "dependsOn": [c["purl"] for c in components]}, *({"ref": c["purl"], "dependsOn": []} for c in components)],
    }


def main():
    if len(sys.argv) != 6:
        fail("usage: sbom.py BINARY INPUTS NAME VERSION OUTPUT")
    file, inputs, name, version, output = sys.argv[1:]
    digest = hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
    binary = {"sha256": digest, "uuid": uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}")}
    when = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [tuple(line.split("\t", 1)) for line in pathlib.Path(inputs).read_text().splitlines()]
    components = packages(lines)
    if not any(c["name"] == "glibc" for c in components):
        fail(f"{inputs} names no C library: it does not tell what was linked")
    for suffix, made in (("spdx", spdx), ("cdx", cyclonedx)):
        text = json.dumps(made(binary, name, version, when, components), indent=2, default=str) + "\n"
        pathlib.Path(f"{output}.{suffix}.json").write_text(text)


if __name__ == "__main__":
    main()
