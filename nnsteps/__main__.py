"""`python -m nnsteps`."""

from nnsteps.cli import main

if __name__ == "__main__":
    main()
