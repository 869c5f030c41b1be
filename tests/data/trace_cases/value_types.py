def f():
    a = 2.0
    b = b"\x03"
    c = "4; 'four'"
    d = -0.0
    e = {6}
    g = (7,)
    h = None
    i = a == 2
    j = {"k": [b, (d,)]}
    return a, e, i, j

#: call f()
#: steps 2 3 4 5 6 7 8 9 10 11
#: result (2.0, {6}, True, {'k': [b'\x03', (-0.0,)]})
#: state 2/1 a = 2.0; float
#: state 3/1 b = b'\x03'; bytes
#: state 4/1 c = "4; 'four'"; str
#: state 5/1 d = -0.0; float
#: state 6/1 e = {6}; set
#: state 7/1 g = (7,); tuple
#: state 8/1 h = None; NoneType
#: state 9/1 i = True; bool
#: state 10/1 j = {'k': [b'\x03', (-0.0,)]}; dict
#: next 2/1 3
#: next 11/1 -1
