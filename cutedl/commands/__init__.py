"""The command line: `python -m cutedl`, one file per command. Results go to stdout, everything else to stderr."""
