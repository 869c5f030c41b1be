"""Small helpers that any room may use: files written whole, text files read, wording of messages. Standard library alone."""
