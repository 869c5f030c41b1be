def f(values, key):
    try:
        found = values[key]
    except IndexError:
        found = 5
    except (KeyError, NameError):
        found = 7
    except Exception:
        found = 9
    return found

#: call f({1: 2}, 3)
#: steps 3 4 6 7 10
#: result 7
#: state 6/1 key = 3; int
#: state 7/1 found = 7; int
#: no-state 3/1
#: next 3/1 4
#: next 4/1 6
#: next 6/1 7
#: next 7/1 10
#: next 8/1 -1
