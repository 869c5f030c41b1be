def total(*numbers):
    result = 0
    for number in numbers:
        result += number
    return result


def f(values):
    return total(*values, *reversed(values))

#: call f([1])
#: steps 9 2 3 4 3 4 3 5
#: frames 0 1 1 1 1 1 1 1
#: result 2
#: state 2/1 numbers = (1, 1); tuple
#: state 4/1 result = 1; int
#: state 4/2 result = 2; int
#: next 9/1 2
#: next 3/3 5
#: next 5/1 -1
