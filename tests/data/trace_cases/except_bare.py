def f(x):
    try:
        y = 10 // x
    except TypeError:
        y = 5
    except:
        y = 7
    return y

#: call f(0)
#: steps 3 4 6 7 8
#: result 7
#: state 6/1 x = 0; int
#: state 7/1 y = 7; int
#: no-state 3/1
#: next 3/1 4
#: next 4/1 6
#: next 6/1 7
