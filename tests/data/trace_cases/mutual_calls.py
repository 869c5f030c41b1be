def is_even(n):
    if n == 0:
        return True
    return is_odd(n - 1)


def is_odd(n):
    if n == 0:
        return False
    return is_even(n - 1)

#: call is_even(3)
#: steps 2 4 8 10 2 4 8 9
#: frames 0 0 1 1 2 2 3 3
#: result False
#: state 2/1 n = 3; int
#: state 8/1 n = 2; int
#: state 2/2 n = 1; int
#: state 8/2 n = 0; int
#: next 4/1 8
#: next 10/1 2
#: next 9/1 -1
#: next 3/1 -1
