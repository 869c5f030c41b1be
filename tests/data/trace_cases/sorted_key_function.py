def last_digit(n):
    digit = n % 10
    return digit


def f(values):
    ordered = sorted(values, key=last_digit)
    return ordered

#: call f([25, 11, 13])
#: steps 7 2 3 2 3 2 3 8
#: frames 0 1 1 2 2 3 3 0
#: result [11, 13, 25]
#: state 2/1 digit = 5; int
#: state 2/2 digit = 1; int
#: state 7/1 ordered = [11, 13, 25]; list
#: state 7/1 values = [25, 11, 13]; list
#: next 7/1 2
#: next 3/2 2
#: next 3/3 8
