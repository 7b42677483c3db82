"""The command line: thin commands on top of the client."""
