def keep(n):
    return n > 2


def f(values):
    table = {
        n: [
            m
            for m in range(n)
        ]
        for n in values
        if keep(n)
    }
    n = {
        14
        for _ in table
    }
    return table, n

#: call f([3, 1])
#: steps 6 2 2 14 18
#: frames 0 1 2 0 0
#: result ({3: [0, 1, 2]}, {14})
#: state 2/2 n = 1; int
#: state 6/1 table = {3: [0, 1, 2]}; dict
#: state 14/1 n = {14}; set
#: next 6/1 2
#: next 2/1 2
#: next 2/2 14
#: next 8/1 -1
