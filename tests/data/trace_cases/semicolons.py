def f(n):
    a = 2; b = n
    a += b; b = 3; return a, b

#: call f(1)
#: steps 2 3
#: result (3, 3)
#: state 2/1 a = 2; int
#: state 2/1 b = 1; int
#: next 2/1 3
#: next 3/1 -1
