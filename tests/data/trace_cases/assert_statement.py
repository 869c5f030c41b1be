def f(n):
    assert n > 1
    try:
        assert n > 4, n
    except AssertionError as error:
        n += error.args[0]
    return n

#: call f(3)
#: steps 2 4 5 6 7
#: result 6
#: state 2/1 n = 3; int
#: state 5/1 error = opaque
#: state 6/1 n = 6; int
#: no-state 4/1
#: next 2/1 4
#: next 4/1 5
#: next 5/1 6
