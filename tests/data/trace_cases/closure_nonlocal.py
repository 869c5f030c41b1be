def make():
    count = 2

    def bump(by):
        nonlocal count
        count += by
        return count

    return bump


def f():
    bump = make()
    bump(3)
    return bump(4)

#: call f()
#: steps 13 2 4 9 14 6 7 15 6 7
#: frames 0 1 1 1 0 2 2 0 3 3
#: result 9
#: state 2/1 count = 2; int
#: state 6/1 count = 5; int
#: state 6/1 by = 3; int
#: state 6/2 count = 9; int
#: state 13/1 bump = opaque
#: next 13/1 2
#: next 9/1 14
#: next 14/1 6
#: next 7/2 -1
#: next 5/1 -1
