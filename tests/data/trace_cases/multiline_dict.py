def half(n):
    return n // 2


def f(n):
    table = {
        "seven": half(14),
        "n": [
            n,
            half(20),
        ],
    }
    text = """line
14
"""
    return table, len(text)

#: call f(9)
#: steps 6 2 2 13 16
#: frames 0 1 2 0 0
#: result ({'seven': 7, 'n': [9, 10]}, 8)
#: state 2/2 n = 20; int
#: state 6/1 table = {'seven': 7, 'n': [9, 10]}; dict
#: state 13/1 text = 'line\n14\n'; str
#: next 6/1 2
#: next 2/1 2
#: next 2/2 13
#: next 10/1 -1
