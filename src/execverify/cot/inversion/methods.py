"""Names of methods by what they do, for the tables of the modules beside this one."""

CASE = frozenset(["upper", "lower", "title", "capitalize", "casefold", "swapcase"])
"""Of text: the same letters in another case."""

PARTS = frozenset(
    ["replace", "split", "rsplit", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "partition", "rpartition"]
)
"""Of text, with text as arguments: they leave something out or cut."""

SEARCHES = frozenset(["startswith", "endswith", "find", "rfind"])
"""Of text, with text as arguments: whether it is there, or where."""

PREDICATES = frozenset(["isdigit", "isalpha", "isalnum", "isupper", "islower", "isspace", "istitle", "isnumeric"])
"""Of text, without arguments."""

PADDING = frozenset(["zfill", "ljust", "rjust", "center"])
"""Of text: they make it longer."""

SETS = frozenset(["union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset", "isdisjoint"])
"""Of sets, with another set; they change nothing."""
