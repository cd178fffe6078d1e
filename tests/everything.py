"""``make test``: the whole suite, in parallel, and the browser tests wherever there is a browser.

Where no Chromium is (and none could be installed) the browser tests are left out by name, and it says so.
"""

import os
import shutil
import sys

import pytest

#: Names under which Chromium is installed.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    # Most tests wait for a socket most of their time: two to a core.
    workers = max(2, 2 * (os.cpu_count() or 1))
    arguments = ["-n", str(workers), "--dist", "worksteal", *sys.argv[1:]]
    if not any(map(shutil.which, BROWSERS)):
        sys.stderr.write("There is no Chromium here: the browser tests are left out (install Debian's `chromium`).\n")
        arguments += ["-m", "not browser"]
    return int(pytest.main(arguments))


if __name__ == "__main__":
    sys.exit(main())
