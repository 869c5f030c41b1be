"""From a result back to arguments: what each statement must start from, worked out from the program's text and the result alone."""
