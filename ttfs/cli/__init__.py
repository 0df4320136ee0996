"""The command line ``ttfs``: one module for each subcommand, and what they share."""
