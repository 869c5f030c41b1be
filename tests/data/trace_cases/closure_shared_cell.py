def f(n):
    def get():
        return n

    n = get() + 5
    return get()

#: call f(1)
#: steps 2 5 3 6 3
#: frames 0 0 1 0 2
#: result 6
#: state 2/1 n = 1; int
#: state 3/1 n = 1; int
#: state 5/1 n = 6; int
#: state 3/2 n = 6; int
#: next 5/1 3
#: next 3/1 6
#: next 6/1 3
#: next 3/2 -1
