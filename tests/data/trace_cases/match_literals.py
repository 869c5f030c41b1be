def name(code):
    match code:
        case 0:
            text = "zero"
        case 1 | 2:
            text = "few"
        case _:
            text = "many"
    return text

#: call name(2)
#: steps 2 6 9
#: result 'few'
#: state 2/1 code = 2; int
#: state 6/1 text = 'few'; str
#: next 2/1 6
#: next 6/1 9
#: next 3/1 -1
#: next 5/1 -1
