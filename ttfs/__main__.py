"""``python -m ttfs`` runs the command line."""

from .cli.main import main

# Processes that joblib starts import this module under another name.
if __name__ == "__main__":
    raise SystemExit(main())
