def numbers(n):
    made = [2, n]
    return made


def f(n):
    for n in numbers(n):
        n += 8
    return n

#: call f(5)
#: steps 7 2 3 8 7 8 7 9
#: frames 0 1 1 0 0 0 0 0
#: result 13
#: state 2/1 made = [2, 5]; list
#: state 7/1 n = 2; int
#: state 8/1 n = 10; int
#: state 7/2 n = 5; int
#: state 7/3 n = 13; int
#: next 7/1 2
#: next 3/1 8
#: next 8/1 7
#: next 7/3 9
