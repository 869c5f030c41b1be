from contextlib import suppress


def f(table):
    with suppress(KeyError):
        table[6] = 6
        table[7] = table[0]
        table[8] = 8
    return table

#: call f({})
#: steps 5 6 7 9
#: result {6: 6}
#: state 5/1 table = {}; dict
#: state 6/1 table = {6: 6}; dict
#: no-state 7/1
#: next 5/1 6
#: next 7/1 9
#: next 8/1 -1
