def down(n):
    if n == 0:
        return 3
    m = down(n - 1)
    return m + n

#: call down(2)
#: steps 2 4 2 4 2 3 5 5
#: frames 0 0 1 1 2 2 1 0
#: result 6
#: state 4/1 m = 4; int
#: state 4/2 m = 3; int
#: state 5/1 n = 1; int
#: state 5/2 n = 2; int
#: state 2/3 n = 0; int
#: next 4/1 2
#: next 3/1 5
#: next 5/1 5
#: next 5/2 -1
#: next 4/3 -1
