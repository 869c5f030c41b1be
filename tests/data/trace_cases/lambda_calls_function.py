def grade(n):
    return n % 3


def f(values):
    grader = lambda n: grade(n + 1)
    ordered = sorted(values, key=grader)
    return ordered

#: call f([1, 3, 5])
#: steps 6 7 2 2 2 8
#: frames 0 0 1 2 3 0
#: result [5, 3, 1]
#: state 6/1 grader = opaque
#: state 2/1 n = 2; int
#: state 2/3 n = 6; int
#: state 7/1 ordered = [5, 3, 1]; list
#: next 6/1 7
#: next 7/1 2
#: next 2/3 8
