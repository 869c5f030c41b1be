def f(n):
    if n > 2:
        from math import gcd

        n = gcd(n, 12)
    else:
        import math

        n = math.factorial(n)
    return n

#: call f(8)
#: steps 2 3 5 10
#: result 4
#: state 3/1 gcd = opaque
#: state 3/1 n = 8; int
#: state 5/1 n = 4; int
#: next 2/1 3
#: next 3/1 5
#: next 7/1 -1
