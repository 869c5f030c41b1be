def square(n):
    return n * n


def f(values):
    squares = (square(n) for n in values)
    values = [7]
    total = 0
    for value in squares:
        total += value
    return total

#: call f([1, 2])
#: steps 6 7 8 9 2 10 9 2 10 9 11
#: frames 0 0 0 0 1 0 0 2 0 0 0
#: result 5
#: state 6/1 squares = opaque
#: state 7/1 values = [7]; list
#: state 9/2 value = 4; int
#: state 10/2 total = 5; int
#: next 6/1 7
#: next 9/1 2
#: next 2/1 10
#: next 9/3 11
