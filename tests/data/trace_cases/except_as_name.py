def f(n):
    try:
        raise ValueError(n)
    except ValueError as e:
        code = e.args[0]
    return code

#: call f(6)
#: steps 3 4 5 6
#: result 6
#: state 4/1 e = opaque
#: state 4/1 n = 6; int
#: state 5/1 code = 6; int
#: no-state 3/1
#: next 3/1 4
#: next 4/1 5
#: next 5/1 6
