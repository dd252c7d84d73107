"""`python -m regulars.cli`, where the command is not on the path."""

from regulars.cli import main

main()
