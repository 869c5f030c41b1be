def f(a,
      b):
    c = a + \
        b
    text = ("five"
            "six")
    return c, \
        text

#: call f(1, 2)
#: steps 3 5 7
#: result (3, 'fivesix')
#: state 3/1 c = 3; int
#: state 5/1 text = 'fivesix'; str
#: next 3/1 5
#: next 5/1 7
#: next 4/1 -1
