"""Run the command line: ``python -m truetwin``."""

from truetwin.cli import main

if __name__ == "__main__":
    main()
