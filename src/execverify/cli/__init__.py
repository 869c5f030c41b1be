"""The command line: every verb, each a thin reading of the library.

Tables are for people; `--json` gives JSON lines that pipe into the next verb. What is wrong with the input is reported in one
line on standard error, with exit status 2; what a check found wrong exits with 1.
"""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the `execverify` command."""
    try:
        from execverify.cli.app import run_command_line

        run_command_line()
    except ImportError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit(f"execverify: the command line needs {error.name}: pip install 'execverify[cli]'")
    except KeyboardInterrupt:  # while the command line itself is loaded, or ends
        print("execverify: stopped", file=sys.stderr)
        sys.exit(130)
