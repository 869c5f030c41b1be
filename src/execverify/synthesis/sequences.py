"""Which operations people write one after the other, where nothing but calls makes up a program; see `oddities` for what they do not."""

LEADING = frozenset(
    ("str.strip", "str.lower", "str.upper", "str.replace", "str.split", "str.join", "str [:]", "str +", "list [:]", "list +", "sorted",
     "len", "sum", "str.count", "str.find", "min", "max", "abs", "int +", "int -", "int *", "int //", "int %", "list.count", "dict.get",
     "round", "float +", "float -", "float *", "set", "str", "list", "str.capitalize")
)  # fmt: skip
"""What people compute before they do something else with it."""

UNUSUAL_NEXT = frozenset(("str.join", "str *", "str !=", "int neg", "int !=", "range", "zip"))
"""What people seldom apply to a value that they have just computed."""

IDEMPOTENT = frozenset(
    ("str.capitalize", "str.casefold", "str.center", "str.expandtabs", "str.ljust", "str.lower", "str.lstrip", "str.removeprefix",
     "str.removesuffix", "str.rjust", "str.rstrip", "str.splitlines", "str.strip", "str.swapcase", "str.title", "str.upper", "str.zfill",
     "list.copy", "dict.copy", "set.copy", "sorted", "list", "tuple", "set", "frozenset", "dict", "abs", "str", "repr", "ascii",
     "int.conjugate", "float.conjugate", "round", "int", "float", "bool")
)  # fmt: skip
"""What changes nothing, or undoes it, most of the time, where it is applied to what it gave."""
