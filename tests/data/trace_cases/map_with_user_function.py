def twice(n):
    return 2 * n


def f(values):
    doubled = map(twice, values)
    first = next(doubled)
    rest = list(doubled)
    return first, rest

#: call f([1, 2, 3])
#: steps 6 7 2 8 2 2 9
#: frames 0 0 1 0 2 3 0
#: result (2, [4, 6])
#: state 6/1 doubled = opaque
#: state 7/1 first = 2; int
#: state 2/2 n = 2; int
#: state 8/1 rest = [4, 6]; list
#: next 6/1 7
#: next 7/1 2
#: next 2/1 8
#: next 2/3 9
