class ParseError(Exception):
    def __init__(self, position):
        self.position = position


def parse(text):
    try:
        return int(text)
    except ValueError as error:
        raise ParseError(10) from error


def f(text):
    try:
        number = parse(text)
    except ParseError as error:
        number = error.position
    return number

#: call f("x")
#: steps 15 8 9 10 3 16 17 18
#: frames 0 1 1 1 2 0 0 0
#: result 10
#: state 9/1 error = opaque
#: state 3/1 position = 10; int
#: state 17/1 number = 10; int
#: no-state 8/1
#: no-state 10/1
#: no-state 15/1
#: next 8/1 9
#: next 10/1 3
#: next 3/1 16
