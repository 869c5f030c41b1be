"""Finds claims about a run in free text: values of variables and expressions, results of calls, rounds of loops, lines that run.

Only what can be found with confidence is a claim: `total = 4`, "`total` is now 4", "4 > 2 is False", "`f(3)` returns 4", "the loop runs 3
times", "goes to line 5", a table whose columns are variables. Sentences about what might be ("if x were 3"), questions and fenced code
make no claims. Nothing is computed and nothing runs: expressions are parsed alone.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile

from execverify.programs.program import Program
from execverify.rewards.steps.matching import canonical, literal_text, parsed

_MAX_UNIT = 1_000  # characters of a sentence; a longer one is unread


@dataclass(frozen=True, slots=True)
class ValueFound:
    """An expression has a value.

    Attributes:
        span: start and end in the text, in characters.
        subject: the expression: a name, `nums[0]`, `n > 2`, `4 > 2`, `f(3)`.
        value: canonical text of the value.
    """

    span: tuple[int, int]
    subject: str
    value: str


@dataclass(frozen=True, slots=True)
class ResultFound:
    """A call returns a value; `function` is "" where the text does not name one, and None for the whole program's call."""

    span: tuple[int, int]
    function: str | None
    value: str


@dataclass(frozen=True, slots=True)
class RoundsFound:
    """The loop runs so many rounds."""

    span: tuple[int, int]
    count: int


@dataclass(frozen=True, slots=True)
class LineFound:
    """A line runs, or never does."""

    span: tuple[int, int]
    line: int
    runs: bool


@dataclass(frozen=True, slots=True)
class RoundStarts:
    """The text goes on about a round of a loop, counted as the text counts, or about its end. This is no claim."""

    span: tuple[int, int]
    number: int
    is_end: bool


Found = ValueFound | ResultFound | RoundsFound | LineFound


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, a table's row, or a line without a full stop.

    Attributes:
        span: start and end in the text, in characters.
        claims: in order.
        rounds: the rounds of loops that it names.
        is_correction: it takes back something that was stated before.
        is_doubtful: it may deny, compare or generalize what it states.
        leaves_loop: it is about what follows or precedes a loop.
        bound: "start" or "end" where it is about the first or the last values of variables; else empty.
    """

    span: tuple[int, int]
    claims: tuple[Found, ...] = ()
    rounds: tuple[RoundStarts, ...] = ()
    is_correction: bool = False
    is_doubtful: bool = False
    leaves_loop: bool = False
    bound: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """The words that can be parts of an expression.

    Attributes:
        variables: names that the program's functions bind or read.
        functions: names of its functions.
        words: these, attributes, built-in names and the operators that are words.
    """

    variables: frozenset[str]
    functions: frozenset[str]
    words: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, program: Program) -> "Vocabulary":
        """The vocabulary of a program."""
        nodes = program.nodes
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        names = {node.id for node in nodes if isinstance(node, ast.Name)} | {
            node.arg for node in nodes if isinstance(node, ast.arg)
        }
        attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        known = {name for name in dir(builtins) if name.islower()} | {"True", "False", "None", "in", "not"}
        return cls(frozenset(names - functions - known), frozenset(functions), frozenset(names | functions | attributes | known))


# ------------------------------------------------------------------------------------------------------------------ text

_SAME = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "−": "-", "×": "*", "\u00a0": " ", "➜": "→", "⇒": "→", "⟶": "→", "$": " "}
)
_LATEX = re.compile(r"\\(?:text|texttt|mathrm|mathtt|boxed)\{([^{}\n]*)\}")
_LATEX_WORDS = {
    r"\rightarrow": "→",
    r"\Rightarrow": "→",
    r"\to": "→",
    r"\times": "*",
    r"\(": " ",
    r"\)": " ",
    r"\[": " ",
    r"\]": " ",
    r"\_": "_",
}
_BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])|(?<=[^\s*])\*\*(?![\w*])|(?<![\w`])__(?=\w)|(?<=\w)__(?![\w`])")
_BULLET = re.compile(r"(?m)^[ \t>]*(?:#+[ \t]+|[-*+•][ \t]+|\(?\d+[.)][ \t]+)*")
_FENCE = re.compile(r"(?m)^[ \t]*(?:```|~~~)")
_ENDS = re.compile(r"[.!?;](?=\s+[A-Z`\"'(\[*]|\s*$)|\.(?=\s)")


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _normalized(text: str) -> str:
    """The text with one spelling for each sign, and without marks of layout; no character moves."""
    text = text.translate(_SAME)
    text = _LATEX.sub(lambda found: found[1].rjust(len(found[0]) - 1) + " ", text)
    for word, sign in _LATEX_WORDS.items():
        if word in text:
            text = re.sub(re.escape(word) + (r"(?![a-zA-Z])" if word[1:].isalpha() else ""), sign.rjust(len(word)), text)
    return _BULLET.sub(_blank, _BOLD.sub(_blank, text))


def sentences(text: str, vocabulary: Vocabulary) -> Iterator[Sentence]:
    """The sentences of a text, each with its claims; fenced code and blank lines are left out."""
    plain = _normalized(text)
    header: list[str] = []
    fenced = False
    at = 0
    for line in plain.split("\n"):
        start, at = at, at + len(line) + 1
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced or (header and line.strip() and not line.strip(" |-:")):
            continue
        elif not line.strip(" |-:"):
            pass
        elif line.lstrip().startswith("|"):
            cells = list(_cells(line, start))
            if not header:
                header = [name for name, _ in cells]
                yield Sentence((start, start + len(line)))
            else:
                yield Sentence((start, start + len(line)), tuple(_row_claims(header, cells, vocabulary)))
            continue
        else:
            for first, last in _parts(line):
                yield _sentence(plain, start + first, start + last, vocabulary)
        header = []


def _cells(line: str, start: int) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in re.finditer(r"[^|]+", line):
        inside = found[0].strip(" `")
        begin = start + found.start() + (found[0].find(inside) if inside else 0)
        yield inside, (begin, begin + len(inside))


def _row_claims(header: list[str], cells: list[tuple[str, tuple[int, int]]], vocabulary: Vocabulary) -> Iterator[ValueFound]:
    """The claims of a table's row, whose columns are variables."""
    if len(cells) != len(header):
        return
    for name, (text, span) in zip(header, cells, strict=True):
        value = _literal(text)
        if value is not None and _is_of_program(name, vocabulary):
            yield ValueFound(span, name, value)


def _is_of_program(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a text is an expression of the program's variables."""
    tree = parsed(text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree is not None else set()
    return bool(names & vocabulary.variables) and names <= vocabulary.words


def _parts(line: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a line; a mark inside quotes, brackets or code ends nothing."""
    start = 0
    hidden = re.sub(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\[[^\[\]]*\]", lambda found: "x" * len(found[0]), line)
    for found in _ENDS.finditer(hidden):
        if hidden[start : found.end()].strip():
            yield start, found.end()
        start = found.end()
    if hidden[start:].strip():
        yield start, len(line)


# -------------------------------------------------------------------------------------------------------------- sentences

_HYPOTHETICAL = re.compile(
    r"\b(?:if|would|could|should|might|may|suppose\w*|assum\w+|imagin\w+|unless|otherwise|let's say|e\.g|example|instance|such as|"
    r"hypothetical\w*|until|whenever|whether|as long as|want|need|like|expect\w*|instead|rather|without|either|possib\w+|perhaps|probably|"
    r"maybe|given (?:an?|any|some)|typical\w*|usually|think|thought|guess\w*|claim\w*|wrong\w*|default\w*|were)\b",
    re.IGNORECASE,
)
_NO_HYPOTHESIS = re.compile(
    r"\b(?:check(?:s|ed|ing)?|see|tests?|testing|determines?|verif(?:y|ies)|asks?)(?: to see)? (?:if|whether)\b|"
    r"\bif(?=[ -](?:statement|condition|block|branch|clause|check|test|body)\b)|`(?:el)?if\b|"
    r"^\s*(?:el)?if\b(?=[^.]*?(?:→|->|=>)\s*`?(?:True|False)\b)",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(
    r"\b(?:not|never|no|without|cases?|other|another|different\w*|compar\w+|reference|relevant|always|any|every|except|impossible|"
    r"(?:un)?likely|approx\w*|about|roughly|almost|nearly|around|similar\w*|normally|generally|earlier|previous\w*|some)\b|n't\b|'d\b|≈",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"\b(?:wait|oops|correct(?:ion|ing)|actually|mistake\w*|incorrect|hmm+|scratch that|sorry|on second thought|my bad|"
    r"that'?s (?:wrong|not right)|that is (?:wrong|not right)|let me (?:re|correct|fix|double|try|start)\w*)|\bno[,:.] ",
    re.IGNORECASE,
)
_LEAVES = re.compile(
    r"\b(?:after|before|outside|end of|exit(?:s|ing)?|leav(?:e|es|ing)|complet\w+|finish\w*|terminat\w+) (?:of )?(?:the |all |both )?"
    r"(?:\w+ )?(?:loop|iterations?)\b|\bloop (?:ends|exits|finishes|terminates|completes|is (?:done|over))|"
    r"\b(?:final(?:ly)?|returns?|returned|at the end|output|answer|result(?:s)?|initial\w*|start(?:s|ing)?)\b",
    re.IGNORECASE,
)
_STARTS = re.compile(r"\b(?:initial\w*|(?:starts?|begins?|starting|beginning) (?:out )?(?:at|as|with|from))\b", re.IGNORECASE)
_FINISHES = re.compile(
    r"\b(?:at the (?:very )?end|in the end|final(?:ly)?|ends? up|(?:once|when|after) (?:the |all |both )?(?:\w+ )?(?:loop|iterations?)s?"
    r"(?: (?:ends?|exits?|finish(?:es)?|completes?|terminates?|(?:is|are) (?:done|over|complete|finished)))?)\b"
    r"(?! of (?:the |each |this |that |every )?(?:\w+ )?(?:iteration|round|pass|step|line)"
    r"| (?:iteration|round|pass|step|check|element|item))",
    re.IGNORECASE,
)
_ORDINALS = {
    word: number
    for number, words in enumerate(
        ("zero zeroth", "one first once", "two second twice", "three third thrice", "four fourth", "five fifth", "six sixth",
         "seven seventh", "eight eighth", "nine ninth", "ten tenth")
    )
    for word in words.split()
}  # fmt: skip
_NUMBER = rf"(\d+|{'|'.join(_ORDINALS)})"
_ROUND = re.compile(
    rf"\b(?:iteration|round|pass|loop)\s*#?\s*{_NUMBER}\b(?!\s*(?:times|to\b|-))"
    rf"|\b{_NUMBER}(?:st|nd|rd|th)? (?:iteration|round|pass)\b(?!s)",
    re.IGNORECASE,
)
_ROUNDS = re.compile(
    rf"\bloop(?: \w+){{0,3}}? (?:runs?|iterates?|executes?|repeats?|ran|iterated|executed)(?: \w+)? {_NUMBER}(?: times?| iterations?)?\b"
    rf"|\bthere (?:are|were) (?:a total of )?{_NUMBER} iterations\b",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"\b(?:goes|jumps?|moves?|proceeds?|continues?|control passes|falls through)(?: on)?(?: back)? (?:to|with|at) line (?P<to>\d+)\b"
    r"|\bline (?P<line>\d+) (?:(?:is|was|gets|does) )?(?P<not>not |never )?(?P<verb>runs?|executed|executes?|reached|skipped)\b(?! \d)",
    re.IGNORECASE,
)


_AFTER = re.compile(r"\b(?:after|end of|following)(?: the)? $", re.IGNORECASE)


def number_of(text: str) -> int:
    """A number in digits or as a word."""
    return _ORDINALS[text.lower()] if text.lower() in _ORDINALS else int(text[:6])


def _sentence(text: str, start: int, end: int, vocabulary: Vocabulary) -> Sentence:
    words = text[start:end]
    if len(words) > _MAX_UNIT:
        return Sentence((start, end))
    is_correction = _CORRECTION.search(words) is not None
    leaves = _LEAVES.search(words) is not None
    rounds = tuple(
        RoundStarts(
            (start + one.start(), start + one.end()), number_of(one[1] or one[2]), _AFTER.search(words[: one.start()]) is not None
        )
        for one in _ROUND.finditer(words)
    )
    judged = _NO_HYPOTHESIS.sub(_blank, words)
    outside_code = re.sub(r"`[^`]*`", _blank, judged)
    if _HYPOTHETICAL.search(outside_code) or words.rstrip().endswith("?"):
        return Sentence((start, end), (), (), is_correction, False, leaves)
    found = [*_values(words, start, vocabulary), *_results(words, start, vocabulary), *_others(words, start)]
    claims = tuple(sorted(found, key=lambda one: (one.span[0], one.span[1])))
    bounds = [name for name, signs in (("start", _STARTS), ("end", _FINISHES)) if signs.search(words)]
    bound = bounds[0] if len(bounds) == 1 else ""
    return Sentence((start, end), claims, rounds, is_correction, _DOUBTFUL.search(words) is not None, leaves, bound)


def _others(words: str, start: int) -> Iterator[Found]:
    for found in _ROUNDS.finditer(words):
        count = found[1] or found[2]
        if found[0].lower().endswith(("times", "time", "iterations", "iteration", "once", "twice", "thrice")):
            yield RoundsFound((start + found.start(), start + found.end()), number_of(count))
    for found in _LINE.finditer(words):
        runs = found["to"] is not None or ((found["not"] is None) != (found["verb"].lower() == "skipped"))
        yield LineFound((start + found.start(), start + found.end()), int((found["to"] or found["line"])[:6]), runs)


# ----------------------------------------------------------------------------------------------------------------- values

_ADVERB = r"(?:(?:now|still|then|currently|initially|also|again|therefore|thus|just|again|simply|already) )?"
_SET = (
    r"(?:(?:set|initiali[sz]ed|updated|assigned|changed|incremented|decremented|increased|decreased|reduced|reset|equal|bound|"
    r"evaluated) (?:(?:back )?to|as|with) )?"
)
_VERB = re.compile(
    rf"(?:(?<![=!<>+\-*/%&|^:~@])=(?![=>])|→|->|=>|(?<!=)==(?!=)"
    rf"|,? which (?:is|evaluates to|equals|gives|results in|returns) {_ADVERB}"
    rf"|\b(?:is|was|becomes|became|equals|remains|stays|gets|evaluates to|returns|returned|gives|results in|yields|"
    rf"(?:starts|begins|ends)(?: up)? (?:at|as)|has the value|has value)\b"
    rf"(?: {_ADVERB}{_SET})?)[ ]*",
)
_SETTING = re.compile(
    r"\b(?:sets?|setting|initiali[sz](?:e|es|ed|ing)|updat(?:e|es|ed|ing)|resets?)(?: the)?(?: variable| value of)? "
    r"`?(?P<name>[A-Za-z_]\w*)`? (?:to|as|with) ",
    re.IGNORECASE,
)
_COLON = re.compile(r"(?:^|[,;(]|\band)\s*`?(?P<name>[A-Za-z_]\w*)`?\s*: +")
_KIND = re.compile(
    r"(?:(?:the|an?) )?(?:(?:new|empty|final) )?(?:(?:value|list|string|number|integer|tuple|dictionary|dict|boolean)(?: of)? )?"
)
_STRING = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
_ATOM = re.compile(rf"(?:{_STRING})|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|True\b|False\b|None\b|set\(\)")
_TRUTH = re.compile(r"(true|false)\b", re.IGNORECASE)
_TOKEN = re.compile(rf"(?<![\w)\]])(?:{_STRING})|[A-Za-z_]\w*|\d+(?:\.\d+)?|\*\*|//|[<>=!]=|[-+*/%<>&|^~.,:()\[\]{{}}]|\s+|.")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATORS = _words("+ - * / // % ** < > <= >= == != & | ^ ~ .")
_VERBAL_AFTER = _words(
    "and so which because since after at while as before now then initially here but thus therefore hence due again in the we it too"
)
"""Words that may follow a value that a verb gives: `x is 3 and`."""
_NOT_AFTER = _words(
    "times or more less elements characters items plus minus mod modulo divided multiplied to through if unless when else percent th st "
    "nd rd than digits letters steps of x until"
)
"""Words that may not follow a value after a sign: `x = 3 times`."""
_NOT_BEFORE = _words(
    "of plus minus times over by than twice half mod modulo adding add adds subtract subtracting to from into length sum index type "
    "count number size not never every each any other"
)
"""Words that may not precede what has a value: `plus x = 3`."""
_BEFORE_VERB = _words(
    "so then now the that variable where with when and since because thus hence therefore have get gives means new updated current "
    "final parameter argument list string dictionary counter result here next finally again still as this but first time point end "
    "loop iteration pass round frame one step initially afterwards value is"
)
"""Words that may precede a name before a verb: `so x is 3`."""
_DENIED = re.compile(r"\b(?:not|never|no longer|without|than|until|unlike|except|cannot)\b|n't\b", re.IGNORECASE)
_DENIED_AFTER = re.compile(r"(?:\w+ ){0,2}?(?:not|never|cannot|\w+n't)\b", re.IGNORECASE)
_MAX_WIDE, _MAX_DROPPED, _MAX_RELATIONS = 200, 12, 40
"""Characters of an expression, words before it that may be dropped, and relations of a sentence."""


def _literal(text: str) -> str | None:
    """The canonical text of a literal without an ellipsis; None for any other text."""
    value = canonical(text) if text and len(text) <= _MAX_UNIT else None
    return None if value is None or ("..." in text and not text.strip().startswith(("'", '"'))) else value


def _closing(text: str, at: int) -> int | None:
    """Where the bracket that opens at a place is closed."""
    depth = 0
    for found in re.compile(rf"{_STRING}|[()\[\]{{}}]").finditer(text, at):
        depth += found[0] in "([{" or -(found[0] in ")]}")
        if depth == 0:
            return found.end()
    return None


def _read_literal(text: str, at: int) -> tuple[str, int] | None:
    """The literal that begins at a place, and where it ends."""
    if text[at : at + 1] == "`":
        end = text.find("`", at + 1)
        value = _literal(text[at + 1 : end]) if end > 0 else None
        return None if value is None else (value, end + 1)
    if text[at : at + 1] in ("[", "{", "("):
        close = _closing(text, at)
        value = _literal(text[at:close]) if close else None
        return None if value is None or close is None else (value, close)
    atom = _ATOM.match(text, at)
    value = _literal(atom[0]) if atom else None
    return None if atom is None or value is None else (value, atom.end())


def _stands_alone(text: str, end: int, *, verbal: bool) -> bool:
    """Whether a literal that ends at a place is the whole value, and not the beginning of an expression or a phrase."""
    rest = text[end:]
    if rest.startswith("`"):
        rest = rest[1:]
    if re.match(r"[\w%\[(+*/<>=!&^-]|\.[\w.]", rest) and not re.match(r"->|=>", rest):
        return False
    following = rest.lstrip()
    if re.match(r"(?:->|=>|→)", following):
        after = re.match(r"(?:->|=>|→)\s*", following)
        other = _read_literal(following, after.end()) if after else None
        return other is None or not _stands_alone(following, other[1], verbal=verbal)
    if re.match(r"[-+*/%<>=!&^]", following):
        return False
    if (comma := re.match(r",\s*(?:and )?", following)) is not None:
        other = _read_literal(following, comma.end())
        return other is None or re.match(r"\s*(?:[-+*/%<>=!]|is\b)", following[other[1] :]) is not None
    if _DENIED_AFTER.match(following):
        return False
    word = re.match(r"[A-Za-z]+", following)
    if word is None:
        return True
    return word[0].lower() in _VERBAL_AFTER if verbal else word[0].lower() not in _NOT_AFTER


def _values(words: str, start: int, vocabulary: Vocabulary) -> Iterator[ValueFound]:
    """Claims that an expression has a value."""
    for found in islice(_VERB.finditer(words), _MAX_RELATIONS):
        sign = found[0].strip()
        verbal = sign not in ("=", "==", "→", "->", "=>")
        at = found.end()
        if verbal and (kind := _KIND.match(words, at)) is not None:
            at = kind.end()
        truth = _TRUTH.match(words, at) if verbal else None
        read = (truth[1].capitalize(), truth.end()) if truth else _read_literal(words, at)
        if read is None or not _stands_alone(words, read[1], verbal=verbal):
            continue
        value, end = read
        for subject, begin in _subjects(words, found.start(), vocabulary, verbal=verbal):
            if (sign.startswith("return") or sign == "==") and not _is_call(subject, vocabulary, anything=verbal):
                continue
            yield ValueFound((start + begin, start + end), subject, value)
    for pattern in (_SETTING, _COLON):
        for found in pattern.finditer(words):
            read = _read_literal(words, found.end())
            name = found["name"]
            if read is None or name not in vocabulary.variables:
                continue
            arrow = re.match(r"\s*(?:→|->|=>)\s*", words[read[1] :])
            if arrow:
                read = _read_literal(words, read[1] + arrow.end())
            if (
                read is not None
                and _stands_alone(words, read[1], verbal=pattern is _SETTING)
                and not _is_denied(words, found.start())
            ):
                yield ValueFound((start + found.start("name"), start + read[1]), name, read[0])


def _is_call(subject: str, vocabulary: Vocabulary, *, anything: bool) -> bool:
    """Whether an expression is a call; of one of the program's functions, where not of anything."""
    tree = parsed(subject)
    return isinstance(tree, ast.Call) and (anything or (isinstance(tree.func, ast.Name) and tree.func.id in vocabulary.functions))


def _is_denied(words: str, at: int) -> bool:
    """Whether the words before a place deny, or compare, what follows them."""
    clause = re.split(r"[,;:(]", words[max(0, at - 30) : at])[-1]
    return _DENIED.search(clause) is not None


def _subjects(words: str, at: int, vocabulary: Vocabulary, *, verbal: bool) -> Iterator[tuple[str, int]]:
    """The expressions that end at a place, with where they begin: those of `x = a + b = 3`, or the one before a verb."""
    end = at
    only_names = False
    while True:
        read = _expression_before(words, end, vocabulary)
        tree = parsed(read[0]) if read is not None else None
        if read is None or tree is None:
            return
        text, begin = read
        before = words[:begin].rstrip(" ")
        link = re.search(r"(?<![=!<>:])([-+*/%]?=|→|->|=>)$", before)
        is_operand = isinstance(tree, ast.Name) and link is not None and link[1] in ("+=", "-=", "*=", "/=", "%=")
        if (
            not is_operand
            and not (only_names and not isinstance(tree, ast.Name))
            and _may_be_subject(words, begin, tree, vocabulary, verbal=verbal)
        ):
            yield text, begin
        if link is None or not link[1].endswith("=") or (len(link[1]) > 1 and not is_operand):
            return
        only_names = only_names or literal_text(tree) is not None
        end = len(before) - len(link[1])


_IN_CALL = re.compile(r"\w\([^()\n]*$")
"""What precedes the name of an argument, `f(x=3)`, or of a parameter."""


def _may_be_subject(words: str, begin: int, tree: ast.expr, vocabulary: Vocabulary, *, verbal: bool) -> bool:
    """Whether an expression before a relation is what has the value, by itself and by the words before it."""
    if literal_text(tree) is not None or (isinstance(tree, ast.Name) and tree.id not in vocabulary.variables):
        return False
    before = words[:begin].rstrip(" `")
    if _is_denied(words, begin) or (
        re.search(r"[-+*/%<>.&|^~]$", before) and not before.endswith("->") and not before.endswith("=>")
    ):
        return False
    listed = re.search(r"([A-Za-z_]\w*)`?,$", before)
    if isinstance(tree, ast.Name) and listed is not None and listed[1] in vocabulary.variables:  # `a, b = 1, 2`
        return False
    if isinstance(tree, ast.Name) and _IN_CALL.search(words[:begin]):
        return False
    word = re.search(r"([A-Za-z_]+)$", before)
    if word is None or re.search(r"\bvalues? of(?: the)?(?: variable)?$", before):
        return True
    if verbal and isinstance(tree, ast.Name):
        return word[1].lower() in _BEFORE_VERB
    return word[1].lower() not in _NOT_BEFORE


def _expression_before(words: str, at: int, vocabulary: Vocabulary) -> tuple[str, int] | None:
    """The expression that ends before a place, and where it begins: the code in marks there, or the longest run of its tokens."""
    end = len(words[:at].rstrip(" "))
    if words[end - 1 : end] == "`":
        begin = words.rfind("`", 0, end - 1) + 1
        text = words[begin : end - 1].strip()
        if begin == 0 or not text:
            return None
        statement = re.match(r"([A-Za-z_]\w*) ?[-+*/%]?=(?!=)", text)
        text = statement[1] if statement else text.removeprefix("return ").removeprefix("if ").removeprefix("while ").rstrip(":")
        return text, begin
    tokens = list(_TOKEN.finditer(words, max(0, end - _MAX_WIDE), end))
    run: list[re.Match[str]] = []
    depth = 0
    for token in reversed(tokens):
        text = token[0]
        depth += text in ")]}" or -(text in "([{")
        if depth < 0 or not (_is_part(text, vocabulary) or (depth > 0 and text in ",:") or (text in "([{" and depth >= 0)):
            break
        run.append(token)
    run.reverse()
    run = run[sum(1 for _ in takewhile(lambda token: token[0].isspace(), run)) :]
    for _ in range(_MAX_DROPPED):
        if not run or parsed(words[run[0].start() : end]) is not None:
            break
        if not re.match(r"[A-Za-z_]", run[0][0]):
            return None
        run.pop(0)
        run = run[sum(1 for _ in takewhile(lambda token: token[0].isspace(), run)) :]
    if not run:
        return None
    begin = run[0].start()
    before = words[:begin].rstrip(" ")
    if run[0][0] in _OPERATORS and not (run[0][0] == "-" and re.search(r"(?:^|[,;:(=→])$", before)):
        return None
    return words[begin:end], begin


def _is_part(text: str, vocabulary: Vocabulary) -> bool:
    if text.isspace() or text in _OPERATORS or text in ")]}" or text[0].isdigit() or (text[0] in "'\"" and len(text) > 1):
        return True
    return text in vocabulary.words


# ---------------------------------------------------------------------------------------------------------------- results

_RESULT = re.compile(
    r"\b(?P<answer>final (?:answer|result|output|return value)|(?:(?:the|correct) )?(?:answer|output)|return(?:ed)? value)"
    r"(?: of the (?:function|call|code|program))?\s*(?:is|:|=|will be)\s*"
    r"|\b(?P<return>returns?|returned|returning)\s+(?:the )?(?:value |list |string |result )?",
    re.IGNORECASE,
)
_RETURNER = re.compile(
    r"(?:^|[,;:(`-]|\b(?:function|code|program|it|we|and|then|so|finally|call|this|line \d+|therefore|thus|hence|will|also))\s*$",
    re.IGNORECASE,
)


def _results(words: str, start: int, vocabulary: Vocabulary) -> Iterator[ResultFound]:
    """Claims that a call returns a value, or that this is the answer."""
    for found in _RESULT.finditer(words):
        read = _read_literal(words, found.end())
        if read is None or not _stands_alone(words, read[1], verbal=True) or _is_denied(words, found.start()):
            continue
        span = (start + found.start(), start + read[1])
        if found["answer"]:
            yield ResultFound(span, None, read[0])
            continue
        before = words[: found.start()].rstrip()
        name = re.search(r"`?([A-Za-z_]\w*)`?$", before)
        if name is not None and name[1] in vocabulary.functions:
            yield ResultFound(span, name[1], read[0])
        elif _RETURNER.search(before) and not before.rstrip("`").endswith(")"):
            yield ResultFound(span, "", read[0])
