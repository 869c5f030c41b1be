def name(n):
    return "n" * n


def f(n):
    text = f"{name(n)}-{name(1)!r:>4}"
    return text

#: call f(2)
#: steps 6 2 2 7
#: frames 0 1 2 0
#: result "nn- 'n'"
#: state 2/1 n = 2; int
#: state 6/1 text = "nn- 'n'"; str
#: next 6/1 2
#: next 2/1 2
#: next 2/2 7
