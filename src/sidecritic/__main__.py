"""`python -m sidecritic`, the same as the command `sidecritic`."""

from sidecritic.cli import main

main()
