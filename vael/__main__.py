"""`python -m vael` is the command line."""

from vael.cli import main

if __name__ == "__main__":
    main()
