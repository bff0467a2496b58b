"""`python -m stoep`: the same as the command `stoep`, for a machine whose PATH does not know it."""

from stoep.cli import main

if __name__ == "__main__":
    main()
