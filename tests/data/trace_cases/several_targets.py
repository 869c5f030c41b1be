def f():
    a = b = c = 2
    b, c = c + 1, b + 2
    (a, d), e = (a + 2, 4), [4]
    e[0], a = a + 1, e[0]
    return a, b, c, d, e

#: call f()
#: steps 2 3 4 5 6
#: result (4, 3, 4, 4, [5])
#: state 2/1 c = 2; int
#: state 3/1 b = 3; int
#: state 3/1 c = 4; int
#: state 4/1 e = [4]; list
#: state 5/1 e = [5]; list
#: state 5/1 a = 4; int
#: next 3/1 4
#: next 6/1 -1
