"""`python -m tantala.cli`: the command line without its installed script."""

from tantala.cli import main

main()
