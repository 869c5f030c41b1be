def push(stack, value):
    stack.append(value)
    stack = []


def f(n):
    stack = [7]
    push(stack, n)
    return stack

#: call f(5)
#: steps 7 8 2 3 9
#: frames 0 0 1 1 0
#: result [7, 5]
#: state 7/1 stack = [7]; list
#: state 2/1 stack = [7, 5]; list
#: state 3/1 stack = []; list
#: state 8/1 stack = [7, 5]; list
#: next 8/1 2
#: next 3/1 9
