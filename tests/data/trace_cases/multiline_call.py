def add(
    a,
    b,
):
    return (
        a
        + b
    )


def f(n):
    m = add(
        n,
        add(n, 14),
    )
    return m

#: call f(1)
#: steps 12 5 5 16
#: frames 0 1 2 0
#: result 16
#: state 5/1 b = 14; int
#: state 5/2 b = 15; int
#: state 12/1 m = 16; int
#: next 12/1 5
#: next 5/1 5
#: next 5/2 16
#: next 14/1 -1
#: next 6/1 -1
