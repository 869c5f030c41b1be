def f(words):
    key = lambda word: (
        len(word),
        word,
    )
    words.sort(key=key)
    longest = max(words, key=lambda word: len(word))
    return longest, words

#: call f(["cc", "b", "a"])
#: steps 2 6 7 8
#: result ('cc', ['a', 'b', 'cc'])
#: state 2/1 key = opaque
#: state 6/1 words = ['a', 'b', 'cc']; list
#: state 7/1 longest = 'cc'; str
#: next 2/1 6
#: next 6/1 7
#: next 3/1 -1
