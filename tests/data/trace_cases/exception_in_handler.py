def f(table):
    try:
        value = table["a"]
    except KeyError:
        try:
            value = table["b"] + ""
        except TypeError:
            value = 8
    return value

#: call f({"b": 2})
#: steps 3 4 6 7 8 9
#: result 8
#: state 4/1 table = {'b': 2}; dict
#: state 8/1 value = 8; int
#: no-state 3/1
#: no-state 6/1
#: next 4/1 6
#: next 6/1 7
#: next 8/1 9
