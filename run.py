"""Start here: `python3 run.py up`, `python3 run.py test`. Old Pythons read this file, hence its plain syntax."""

import os
import sys

if sys.version_info < (3, 11):
    version = ".".join(str(part) for part in sys.version_info[:2])
    sys.exit("This is Python " + version + ", and 3.11 or newer is needed: install one and start with it, as in 'python3.12 run.py up'.")
if os.name != "posix":
    sys.exit("Linux or macOS is needed: start this inside WSL 2.")

from registry.launcher import main

main(sys.argv[1:])
