def f(n):
    def twice(function):
        def wrapper(m):
            return function(function(m))

        return wrapper

    @twice
    def grow(m):
        return m + 10

    return grow(n)

#: call f(1)
#: steps 2 8 3 6 12 4 10 10
#: frames 0 0 1 1 0 2 3 4
#: result 21
#: state 8/1 grow = opaque
#: state 4/1 m = 1; int
#: state 10/1 m = 1; int
#: state 10/2 m = 11; int
#: next 2/1 8
#: next 8/1 3
#: next 6/1 12
#: next 10/1 10
#: next 10/2 -1
