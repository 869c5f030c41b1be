def doubled(function):
    def wrapper(n):
        n = function(n)
        return 2 * n

    return wrapper


@doubled
def f(n):
    return 11 * n

#: call f(1)
#: steps 3 11 4
#: frames 0 1 0
#: result 22
#: state 3/1 n = 11; int
#: state 11/1 n = 1; int
#: next 3/1 11
#: next 11/1 4
#: next 4/1 -1
#: next 2/1 -1
