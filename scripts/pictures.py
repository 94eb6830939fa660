#!/usr/bin/python3
"""Makes the README's pictures, docs/pictures/*.png: parts of the page of the shipped trace.

    scripts/pictures.py [PROGRAM]        (default: build/sim/potomac; Chromium as scripts/setup.sh test has it)
"""

import base64
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/pages"))

from browser import Browser  # noqa: E402

TRACE = "workloads/traces/fashion-cnn-b16.h5"
RUN = ["--arch", "os-16x16", "--set", "memory.dram.bandwidth_gb_s=12.8", "--set", "memory.objective=traffic",
       "--energy", "horowitz-45nm", "--accounting", "structural", "--step", "adam"]  # fmt: skip
PICTURES = {"headline": "way", "pe-cycles": "cycles"}  # and the sections that they show
WIDTH = 820
LARGEST = 150_000  # bytes


def main() -> None:
    program = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/sim/potomac").resolve()
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        subprocess.run([program, "run", TRACE, *RUN, "--out", folder, "--html", page],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        browser = Browser()
        browser.command("Emulation.setScrollbarsHidden", hidden=True)
        browser.open(page, WIDTH)
        browser.script("window.dispatchEvent(new Event('beforeprint'))")
        browser.script("document.querySelectorAll('details, .controls').forEach((one) => { one.hidden = true; })")
        for name, section in PICTURES.items():
            box = browser.script(
                "const box = document.getElementById(arguments[0]).getBoundingClientRect();"
                "return {x: box.left + scrollX, y: box.top + scrollY, width: box.width, height: box.height};",
                section)  # fmt: skip
            shot = browser.command("Page.captureScreenshot", captureBeyondViewport=True, clip={**box, "scale": 1.5})
            picture = base64.b64decode(shot["data"])
            if len(picture) > LARGEST:
                sys.exit(f"{name}: {len(picture)} bytes, more than {LARGEST}")
            file = ROOT / f"docs/pictures/{name}.png"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(picture)
            print(f"{file.relative_to(ROOT)}: {len(picture)} bytes")
        browser.quit()


if __name__ == "__main__":
    main()
