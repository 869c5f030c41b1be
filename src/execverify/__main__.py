"""`python -m execverify` is the `execverify` command."""

from execverify.cli import main

main()
