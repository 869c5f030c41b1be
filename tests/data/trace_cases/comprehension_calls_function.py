def square(n):
    result = n * n
    return result


def f(values):
    n = 7
    squares = [square(n) for n in values if n]
    return squares, n

#: call f([2, 0, 3])
#: steps 7 8 2 3 2 3 9
#: frames 0 0 1 1 2 2 0
#: result ([4, 9], 7)
#: state 2/1 n = 2; int
#: state 2/2 result = 9; int
#: state 8/1 squares = [4, 9]; list
#: state 8/1 n = 7; int
#: next 8/1 2
#: next 3/1 2
#: next 3/2 9
