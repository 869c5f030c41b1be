def f(n):
    total = 0
    for a, b in zip(
        range(n),
        [5, 6, 7],
    ):
        total += (
            a
            * b
        )
    return total

#: call f(2)
#: steps 2 3 7 3 7 3 11
#: result 6
#: state 3/1 b = 5; int
#: state 3/2 b = 6; int
#: state 7/2 total = 6; int
#: next 3/1 7
#: next 7/2 3
#: next 3/3 11
#: next 5/1 -1
