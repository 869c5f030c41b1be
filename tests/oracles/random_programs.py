"""Random programs that end, for holding two accounts of a run against each other.

They are made to stress what a statement can do, not to look like anybody's code: every construct meets every other, and
names go unbound, generators are dropped half-way and exceptions escape where chance has it so. Four rules keep them
useful:

- They end. Each function gets fuel `n`, which nothing assigns, and passes on less; a global count of calls stops the rest.
  Loops run over copies, ranges, or a counter of their own.
- They are deterministic, under every hash seed and on every Python: no address and no message of Python's own becomes a
  value, sets hold integers, and no number or text grows without bounds.
- Most of them run under one hash seed alone: what could show an address, or make a set, is in a share of the programs.
- They depend on the seed alone.

Text is written from templates. A token in angle brackets stands for an expression of that type (`<int>`), for a short one
(`<i>`, a name or a literal), or for one of the names of a kind (`<boxes>`), which must exist; `<int:v>` may also use `v`.
`<+ints>` binds a name, after everything around it has been read. `$v` and `$w` are variables of a comprehension. What is
there more than once is chosen more often.

    >>> source, arguments = generate(7)
    >>> "def f(n, xs, s, d):" in source
    True
"""

import contextlib
import functools
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

SPARED = frozenset({"truth", "shared"})
"""What is left out because the trace and the account disagree about it; `FAULTS` in `test_against_reference_interpreter.py`
shows each. Take
a word out when they agree.

- truth: a truth test of an object of the program's inside of `and` and `or`
- shared: a function's or a case's header of several lines that ends on the line of its suite
"""

_TOKEN = re.compile(r"<(\w+)(?::(\w+))?>")
_BINDING = re.compile(r"<\+(\w+)>")
_DEEPEST = 3  # nested compound statements

_NAMES = {"ints": "abcxyz", "lists": ("xs", "ys", "zs"), "texts": "st", "dicts": "de", "floats": "ru", "sets": ("seen",)}
_NAMES |= {"functions": ("fn", "op"), "iterators": ("it", "other"), "boxes": ("box", "top")}


def _templates(kinds: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Templates by kind, out of texts that hold them two or more blanks apart, with `⏎` for the end of a line."""
    return {
        kind: tuple(re.sub("⏎ ?", "\n    ", one) for one in re.split(r"\s{2,}", text.strip())) for kind, text in kinds.items()
    }


_EXPRESSIONS = _templates(
    {
        "int": r"""
        (<int> + <int>)  (<int> - <i>)  (<int> * <int>) % 89  <int> // (<i> or 1)  <int> // <i>  (<int> % (<i> or 2))
        abs(<int>)  min(<int>, <i>)  (⏎ <int> +⏎ <int>⏎)  (<i> \⏎ - <int>)  (<int> if <bool> else <int>)
        (<int> and <i>)  (<i> or <int>)  -(<int>)  len(<list>)  sum(<list>)  max(<list>, default=<i>)  (<l> or [3])[-1]
        len(<text>)  <d>.get('a', <int>)  <list>.count(1)  (lambda v, w=2: v + w)(<int>)  (lambda *v: len(v))(*<l>)
        int(not (<bool>))  (<free> := <int>)  sum($v * 2 for $v in <l>)  len([$v for $v in <l>[:3] if <bool:$v>])
        sum(<call:$v> for $v in <l>[:2])  max([$v % 5 for $v in <l>], default=0)
        next(($v for $v in <l> if $v > <i>), <int>)  len({$v: 1 for $v in <l>})  <call>  <call>  <boxes>.size
        len(<boxes>)  <boxes>.step(n - 1)  <boxes>[<int>]  <boxes>.made(<i>)  <boxes>.value  <functions>(<int>)
        <functions>(<int>)  next(<iterators>, <int>)  next(<iterators>, <int>)
        len({$v % 3 for $v in <l>}) + 0 * <setting>
    """,
        "call": r"""
        <helpers>(n - 1, <l>)  <helpers>(n - 1, <list>, <i>)  <helpers>(n - 1, xs=<l>, k=<i>)  <helpers>(*[n - 1, <l>])
        <helpers>(⏎ n - 1,⏎ <l>,⏎)  <helpers>(**{'n': n - 2, 'xs': <l>})
    """,
        "list": r"""
        [<int>, <i>]  <l>[:3]  <l>[::-1][:4]  sorted(<l>)[:4]  [*<l>[:2], <int>]  list(range(<i> % 4))
        (<l> + [<int>])[-4:]  list(map(lambda v: v + <i>, <l>[:2]))  [⏎ <int>,⏎ <i>,⏎]  list(filter(None, <l>))
        list(<d>.values())[:4]  [<int:$v> for $v in <l>[:3]]  [$v for $v in <l> if <bool:$v>][:4]
        [<call:$v> for $v in <l>[:2]]  list(<generator>)  [$w for $v in [<l>[:2], [<i>]] for $w in $v]
        [$w + 1 for $w in [$v % 4 for $v in <l>[:3]]]  list(<generator>)
        [sum([$w for $w in <l>[:$v % 3]]) for $v in <l>[:2]]  list($v for $v in <l> if <bool:$v>)[:3]  list(<boxes>)
        [⏎ <int:$v>⏎ for $v in <l>[:2]⏎ if <bool:$v>⏎]  [(<int:$v>, $v)[1] for $v in <l>[:3] if (last := $v) or last]
        [y for y in (lambda: [<i>])()]  list(map(<functions>, <l>[:2]))  sorted(<l>, key=lambda v: (v % 3, v))[:5]
    """,
        "generator": r"""
        <generators>(n - 1, <l>)  <generators>(n - 1, <list>)  (v + 1 for v in <generators>(n - 1, <l>))
        map(abs, <generators>(n - 1, <l>))  <generators>(n - 1, <l>)  (<call:$v> for $v in <l>[:2])
    """,
        "dict": r"""
        {'a': <int>}  {**<d>, 'c': <int>}  dict(<d>)  {$v: $v * 2 for $v in <l>[:3]}
        {k: v for k, v in <d>.items() if k != <setting>}  dict(a=<int>, b=<i>)  {'a': <i>} | {⏎ 'b': <int>⏎}
    """,
        "text": r'''
        <s>[:3]  (<s> + 'b')[-5:]  <s>.upper()  <s>[::-1]  'x; y'  """p⏎q"""  ('a'⏎ 'b')  <shown>  <shown>
    ''',
        "shown": r"""f"{<i>}{<s>[:2]}"  str(<int>)  '-'.join(str(v) for v in <l>[:3])  f"{<i>:>3}"  '%s' % <i>""",
        "bool": r"""
        <int> > <i>  <int> <= <i>  <int> == <i>  0 <= <int> < 5  <i> < <int> <= <int>  <int> % 2  <i> in <list>  not <l>
        'a' in <text>  isinstance(<i>, int)  'a' in <d>  <bool> and <bool>  (⏎ <bool>⏎ or <bool>⏎)  not (<bool>)
        any(v > <i> for v in <l>)  (<free> := <int>) > 2  <boxes> == <int>  <i> in <boxes>  <l>  True
    """,
        "test": "<bool>  <bool>  <bool>  <boxes>"
        if "truth" in SPARED
        else "<bool>  <boxes>  <boxes> and <bool>  not (<boxes> or <bool>)",
        "float": r"""<int> / 4  <int> * 0.5  float(<i>)""",
        "set": r"""set(<l>)  {<int>, <i>}  {$v % 3 for $v in <l>}""",
        "guard": r"""Guard(<l>)  Guard(<l>, <error>)  Guard(<l>, Exception)  Guard(<l>, Oops, <error>)""",
        "raised": r"""<error>  <error>(2)  Oops(<int>)  Late(<i>)""",
        "error": r"""ValueError  KeyError  IndexError  TypeError  ZeroDivisionError  Oops  Late""",
        "caught": r"""
        <error>  <error>  LookupError  Exception  Exception  ArithmeticError  (KeyError, Oops)
        (ValueError,⏎ IndexError)
    """,
        "pairs": r"""
        enumerate(<list>)  zip(<list>, <list>)  [(v, 1) for v in <l>]  zip(<list>, list(<generator>))
        zip(<d>.items(), [<i>, <setting>])
    """,
        "source": r"""
        range(3)  range(<i> % 3)  list(<list>)[:4]  <l>[:3]  tuple(<l>)  <generator>  <generator>  <boxes>  <boxes>  <iterators>
    """,
        "subject": r"""<int>  <list>  (<int>, <list>)  <dicts>  <boxes>  <texts>  <call>  (<i>,)""",
    }
)

_STATEMENTS = _templates(
    {
        "assign": r"""
        <+ints> = <int>  <+ints> = <int>  <+ints> = <int>  <+ints> = <call>  <+lists> = <list>  <+lists> = <list>
        <+texts> = <text>  <+dicts> = <dict>  <+floats> = <float>  <+ints> = <+ints> = <int>  <+ints>: int = <int>
        <+lists>: Missing[0] = <list>  <+sets> = <set>; total += <setting>  <+boxes> = <boxing>(<int>, <list>)
        <+boxes> = <boxing>(<i>, <l>)  (<+ints>) = (<int>)
    """,
        "augment": r"""
        <bound> += <int>  <bound> -= <int>  <bound> |= <int>  <texts> += <text>[:2]  <floats> += 0.5  <lists> += [<int>]
        total += <i>  <bound> += (⏎ <int>⏎)  <boxes> += <int>  <boxes>.value += <int>  <dicts> |= {'b': <int>}
    """,
        "unpack": r"""
        <+ints>, <+ints> = <int>, <int>  <+ints>, *<+lists> = [<int>, *<l>]
        [<+ints>, (*<+lists>, <+ints>)] = <int>, [<int>, 1]  (<+ints>,⏎ <+ints>) = (<int>,⏎ <int>)
        <+ints>, <+ints> = <i>, <i>  <lists>[:1], <+ints> = [<i>], <int>  <+lists> = [<+ints> := <int>, <i>]
        <+ints>, <+ints> = (v % 7 for v in (<i>, <i>))  <+ints> = <dicts>['c'] = <int>
    """,
        "mutate": r"""
        <lists>.append(<int>)  <lists>.append(<int>)  <lists>.append(<call>)  <lists>.insert(0, <int>)
        <lists>[-1:] = [<int>]  <lists>.extend([<i>])  <lists>.sort()  <lists>.reverse()  <+lists> = <lists>
        <+lists> = <lists>  del <lists>[4:]  <lists> = <lists>[-5:]  <dicts>['a'] = <int>  <dicts>.update(b=<int>)
        <dicts>.setdefault('c', <int>)  <dicts>.pop('a', None)  <dicts>[<i>] = <int>  <+dicts> = <dicts>
        <boxes>.held.append(<int>)  <boxes>.value = <int>  <+lists> = <boxes>.held  <boxes>[<i>] = <int>
        <+boxes> = <boxes>  <sets>.add(<i>)  <lists>[:] = <list>
    """,
        "odd": r"""
        pass  ...  a: int  'text'  total += 1  (<+ints> := <int>)  <helpers>(n - 1, <l>)  assert <bool> or True
        print(<shown>)  <+functions> = lambda v: v + <i>  <+functions> = lambda v, k=<int>: (⏎ v * k % 31⏎)
        <functions>(<int>)  <boxes>.step(n - 1)  _ = <list>
    """,
        "risky": r"""
        assert <bool>, <i>  del <lists>[0]  <+ints> = <lists>.pop()  <lists>[<int> % 3] = <int>  <lists>[0] += <int>
        <+ints> = <dicts>['b']  del <dicts>['a']  <+ints> = next(<iterators>)  <iterators>.throw(Oops(4))
        <+ints> = <lists>[0]  <+ints> = maybe  del <bound>  del <bound>
    """,
        "iterate": r"""
        <+iterators> = <generator>  <+iterators> = iter(<list>)  <+ints> = next(<iterators>, 7)
        <+lists> = list(<iterators>)  <iterators> = None; <+iterators> = iter([2, 5])
        <+iterators> = <generators>(n - 1, <l>); next(<iterators>, 0)  <+ints>, *_ = <generator>, 3
        <+ints> = sum(<generator>)  <+lists> = [*<generator>, <i>]  <+ints> = <i> in <generator>
    """,
        "yield": r"""
        yield <int>  yield <int>  <+ints> = (yield <int>) or 0  yield from <list>  yield from <generator>
        <+lists> = [(yield <int>) or 1]  yield  xs.append((yield <i>) or <int>)
    """,
        "noted": r"""a = type(e).__name__ > 'L'  c = len(e.args)  b = isinstance(e, Oops) and e.code  pass""",
        "again": r"""raise  raise Late(2) from None  raise KeyError(1) from e  e = None""",
        "with": r"""
        with <guard>  with <guard> as <+ints>  with <guard> as <+ints>, <guard>  with (⏎<guard> as <+ints>,⏎<guard>⏎)
    """,
        "guard": "if <bool>",
        "decorator": "@kept  @(lambda g: g)  @(lambda g:⏎ g)",
        "inner": r"""w = <i> + <i>  w = len([v for v in range(<i> % 3)])  w = sum(vs) + <i>  w = <i> if v > <i> else <i>""",
        "result": r"""return <int>  return n, xs, s, d  return [total, xs, d]  return xs""",
    }
)

_WEIGHTS = {"assign": 8, "augment": 4, "unpack": 2, "mutate": 5, "odd": 2, "risky": 0.6, "iterate": 2, "yield": 8}

_PATTERNS = (  # with the integers and the lists that they bind; the first shows that it may print an address
    ("str() as s", "", ""),
    ("0 | 1", "", ""),
    ("int(p)", "p", ""),
    ("[]", "", ""),
    ("[p]", "p", ""),
    ("[p, *rs]", "p", "rs"),
    ("(p, [q, *_])", "pq", ""),
    ("{'a': p, **rest}", "p", ""),
    ("{'a': 1}", "", ""),
    ("Box(value=p)", "p", ""),
    ("(int() as p) | [p, _]", "p", ""),
    ("None | True", "", ""),
    ("(p, q)", "p", ""),
    ("'ab' | 3", "", ""),
)
_PARTS = {
    "Oops": """class Oops(Exception):
    def __init__(self, code=0):
        super().__init__(code)
        self.code = code


class Late(Oops):
    pass""",
    "Guard": """class Guard:
    def __init__(self, log, *kinds):
        self.log = log
        self.kinds = kinds

    def __enter__(self):
        self.log.append(1)
        return len(self.log)

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, self.kinds):
            self.log.append(8)
            return True
        self.log.append(2)""",
    "kept": """def kept(function):
    def wrapper(v):
        return function(v) % 41
    return wrapper""",
    "Walk": """class Walk:
    def __init__(self, items):
        self.held = items
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.at += 1
        if self.at > len(self.held) or self.at > 4:
            raise StopIteration
        return self.held[self.at - 1]""",
    "Box": """class Box:
    made_by = 2

    def __init__(self, value, items):
        self._value = value
        self.held = items[:4]

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        if new == 3: raise ValueError(new)
        self._value = new

    @property
    def size(self):
        return len(self.held) + self._value % 3

    @staticmethod
    def made(k):
        return k + Box.made_by

    def __len__(self):
        TOUCH
        return len(self.held)

    def __getitem__(self, key):
        return self.held[key % 3]

    def __setitem__(self, key, value):
        self.held[key % 2:] = [value]

    def __iadd__(self, other):
        self.held = self.held[-3:] + [other]
        return self

    def __eq__(self, other):
        return self._value == other

    def __contains__(self, item):
        for each in self.held:
            if each == item: return True
        return False

    def __iter__(self):
        return ITERATOR

    def step(self, n):
        return STEP


class Tall(Box):
    def __init__(self, value, items):
        super().__init__(value + 1, items)

    def step(self, n):
        return super().step(n) + 1""",
}


def generate(seed: int) -> tuple[str, str]:
    """A program's source, whose entry point is `f`, and the arguments of its call."""
    return _Module(random.Random(seed)).write()


@dataclass
class _Scope:
    """What a statement may use: the names that are (most likely) bound, by the type of their values."""

    generator: bool = False
    ints: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    dicts: list[str] = field(default_factory=list)
    floats: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)  # of one integer
    iterators: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    fixed: frozenset[str] = frozenset()  # integers that no statement may assign: fuel, counters
    depth: int = 0
    loop: bool = False
    guarded: bool = False  # by a try or with statement

    def inside(self, *, loop: bool = False, guarded: bool = False) -> "_Scope":
        """The scope of a suite: what is bound there may not be bound after it."""
        inner = replace(self, depth=self.depth + 1, loop=self.loop or loop, guarded=self.guarded or guarded)
        for pool in _NAMES:
            setattr(inner, pool, list(getattr(self, pool)))
        return inner

    def within(self, name: str) -> "_Scope":
        """The scope inside of a comprehension over `name`."""
        return replace(self, ints=[*self.ints, name, name], fixed=self.fixed | {name})

    def bound(self) -> list[str]:
        return [name for name in self.ints if name not in self.fixed]


class _Text:
    """Writes expressions and simple statements from the templates."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.helpers = ["g", "h", "k2"][: rng.choice((0, 1, 1, 2, 2, 3))]  # functions of the module, called with (n, xs, k=...)
        self.generators = ["gen", "items"][: rng.choice((0, 0, 1, 1, 2))]  # likewise
        self.shown = ["shown"] * (rng.random() < 0.08)
        self.setting = ["0"] * (rng.random() < 0.08)
        self.boxing = ["Box", "Tall"] * (rng.random() < 0.25)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def expression(self, kind: str, scope: _Scope, deep: int) -> str:
        """An expression of a kind; at the end of its depth a short one."""
        short = {"int": "i", "list": "l", "text": "s", "dict": "d", "call": "i", "bool": "i", "generator": "l"}.get(kind)
        if short is not None and (deep <= 0 or (kind == "int" and self.chance(0.3))):
            return self.short(short, scope)
        template = self.choice(_EXPRESSIONS[kind], scope)
        return self.fill(template, scope, deep - 1) if template is not None else self.short(short or "i", scope)

    def choice(self, templates: Sequence[str], scope: _Scope) -> str | None:
        """One of the templates that have what they need; None where it seems that none has."""
        for _ in range(30):
            template = self.rng.choice(templates)
            if all(self.names(kind, scope) != [] for kind in _kinds(template)):
                return template
        return None

    def short(self, kind: str, scope: _Scope) -> str:
        """A name or a literal: nothing that would not do in a comprehension's iterable."""
        names, literals = {
            "i": (scope.ints, [str(self.rng.randint(-1, 9))]),
            "l": (scope.lists, ["[]", "[4, 0]", "[2]"]),
            "s": (scope.texts, ["'ab'"]),
            "d": (scope.dicts, ["{'a': 1}"]),
        }[kind]
        return self.rng.choice(names if names and self.chance(0.8) else literals)

    def fill(self, template: str, scope: _Scope, deep: int = 2) -> str:
        """A template's text: names are read first and bound last."""
        v, w = self.rng.choice(("v", "v", "a", "x")), self.rng.choice(("w", "w", "b", "y"))
        if {v, w} & scope.fixed:  # inside of a comprehension that may have the same name
            v, w = f"v{deep + 3}", f"w{deep + 3}"
        text = _TOKEN.sub(lambda match: self.token(match, scope, deep), template.replace("$v", v).replace("$w", w))
        taken: set[str] = set()
        return _BINDING.sub(lambda match: self.bind(match[1], scope, taken), text)

    def token(self, match: re.Match[str], scope: _Scope, deep: int) -> str:
        kind, extra = match[1], match[2]
        if extra is not None:
            scope = scope.within(extra)
        if kind in _EXPRESSIONS:
            return self.expression(kind, scope, deep)
        return self.short(kind, scope) if kind in "ilsd" else self.rng.choice(self.names(kind, scope) or ["0"])

    def names(self, kind: str, scope: _Scope) -> list[str] | None:
        """The names that a token chooses from; None where it stands for an expression."""
        if kind in ("helpers", "generators", "shown", "setting", "boxing"):
            known: list[str] = getattr(self, kind)
            return known
        if kind == "free":
            return [name for name in _NAMES["ints"] if name not in scope.fixed]
        if kind == "bound":
            return scope.bound()
        return list(getattr(scope, kind)) if kind in _NAMES else None

    def bind(self, pool: str, scope: _Scope, taken: set[str]) -> str:
        """A name of a pool, bound from now on; not one that is taken: CPython 3.11.2 goes wrong over `a, a = b, c`."""
        known: list[str] = getattr(scope, pool)
        free = [name for name in _NAMES[pool] if name not in scope.fixed | taken]
        name = self.rng.choice(free or [*_NAMES[pool]])
        taken.add(name)
        if name not in known:
            known.append(name)
        return name

    def one(self, kind: str, scope: _Scope) -> str:
        """A statement of a kind, or a header."""
        return self.fill(self.choice(_STATEMENTS[kind], scope) or "pass", scope)

    def simple(self, scope: _Scope) -> str:
        """A statement without a suite."""
        kinds = [kind for kind in _WEIGHTS if kind != "yield" or scope.generator]
        text = self.one(self.rng.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0], scope)
        if text.startswith("del ") and text[4:] in scope.ints:
            scope.ints.remove(text[4:])
        return text


@functools.cache
def _kinds(template: str) -> tuple[str, ...]:
    return tuple(match[1] for match in _TOKEN.finditer(template))


class _Suites(_Text):
    """Writes statements, line by line."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.lines: list[str] = []
        self.indent = 0
        self.counters = 0

    def line(self, text: str) -> None:
        """One statement; its lines after the first stand inside brackets, where indentation is free."""
        comment = self.rng.choice(("  # so", "  # a = 1; b", " #", " # 'x")) if self.chance(0.03) else ""
        self.lines.append("    " * self.indent + text + comment)

    @contextlib.contextmanager
    def block(self, header: str) -> Iterator[None]:
        self.line(f"{header}:")
        self.indent += 1
        yield
        self.indent -= 1

    def counter(self, scope: _Scope) -> str:
        """A name that no other statement assigns."""
        self.counters += 1
        name = f"i{self.counters}"
        scope.ints.append(name)
        scope.fixed |= {name}
        return name

    def body(self, scope: _Scope, count: int | None = None) -> None:
        """Some statements; sometimes the last one leaves."""
        for _ in range(self.rng.choice((1, 1, 1, 2, 2, 3)) if count is None else count):
            self.statement(scope)
        if scope.depth and self.chance(0.08):
            self.line(self.fill(self.leaving(scope), scope))

    def suite(self, header: str, scope: _Scope) -> None:
        """A header and its suite, now and then on one line."""
        if self.on_one_line(header, 0.1):
            self.line(f"{header}: {self.joined(scope, self.rng.randint(1, 2))}")
        else:
            with self.block(header):
                self.body(scope)

    def joined(self, scope: _Scope, count: int) -> str:
        """Statements on one line."""
        return "; ".join([self.simple(scope) for _ in range(count)])

    def on_one_line(self, header: str, share: float) -> bool:
        """Whether a header's suite goes on its line."""
        spared = "shared" in SPARED and "\n" in header and header.startswith(("case", "def"))
        return self.chance(share) and not spared

    def leaving(self, scope: _Scope) -> str:
        """The template of a statement that leaves the suite."""
        ways = ["return", "return <int>"] if scope.generator else ["return <int>", "return <call>"]
        ways += ["raise <raised>"] * (scope.guarded or self.chance(0.15)) + ["break", "continue"] * 3 * scope.loop
        return self.rng.choice(ways)

    def statement(self, scope: _Scope) -> None:
        if scope.depth >= _DEEPEST or self.chance((0.4, 0.65, 0.8)[scope.depth]):
            self.line(self.joined(scope, self.rng.choices((1, 2, 3), (16, 1, 0.1))[0]))
            return
        often = [self.if_, self.for_, self.try_] * 3 + [self.while_, self.closure] * 2
        self.rng.choice([*often, self.with_, self.match, self.exit, self.class_])(scope)

    def if_(self, scope: _Scope) -> None:
        self.suite(self.fill("if <test>", scope), scope.inside())
        while self.chance(0.2):
            self.suite(self.fill("elif <test>", scope), scope.inside())
        if self.chance(0.4):
            self.suite("else", scope.inside())

    def exit(self, scope: _Scope) -> None:
        """A conditional way out, the commonest shape of break, continue, return and raise."""
        self.conditional(self.leaving(scope), scope, 0.3)

    def conditional(self, template: str, scope: _Scope, share: float) -> None:
        """One statement under an `if`, on the same line or the next."""
        header, statement = self.fill("if <test>", scope), self.fill(template, scope)
        if self.on_one_line(header, share):
            self.line(f"{header}: {statement}")
            return
        with self.block(header):
            self.line(statement)

    def for_(self, scope: _Scope) -> None:
        inner = scope.inside(loop=True)
        shape = self.rng.random()
        if shape < 0.25:
            source = self.fill("<pairs>", scope)
            self.suite(f"for {self.counter(inner)}, {self.counter(inner)} in {source}", inner)
        elif shape < 0.35:
            target = self.choice(("<dicts>['c']", "<boxes>.value", "<lists>[0]", "<+ints>, (*<+lists>, <+ints>)"), scope) or "_"
            source = self.fill("[(v, [2, v]) for v in <l>[:3]]" if target.startswith("<+") else "<list>", scope)
            self.suite(f"for {self.fill(target, inner)} in {source}", inner)
        else:
            source = self.fill("<source>", scope)
            self.suite(f"for {self.counter(inner)} in {source}", inner)
        if self.chance(0.25):
            self.suite("else", scope.inside())

    def while_(self, scope: _Scope) -> None:
        inner = scope.inside(loop=True)
        name, end = self.counter(inner), self.rng.randint(1, 4)
        self.line(f"{name} = 0")
        shape = self.rng.randint(0, 3)
        if shape == 0:
            self.suite(f"while ({name} := {name} + 1) < {end}", inner)
        elif shape == 1:
            self.line(f"while {name} < {end}: {name} += 1")
        else:
            with self.block("while True" if shape == 2 else self.fill(f"while {name} < {end} and (<bool>)", scope)):
                self.line(f"{name} += 1")
                if shape == 2:
                    self.line(f"if {name} > {end}: break")
                self.body(inner)
        if self.chance(0.25):
            self.suite("else", scope.inside())

    def try_(self, scope: _Scope) -> None:
        with self.block("try"):
            self.body(scope.inside(guarded=True))
            if self.chance(0.3):
                self.line(self.fill(self.rng.choice(("raise <raised>", "_ = <d>['b'] // <i>")), scope))
            elif self.chance(0.3):
                self.conditional("raise <raised>", scope, 0.7)
        handlers = 0 if self.chance(0.15) else self.rng.choice((1, 1, 2, 3))
        for _ in range(handlers):
            self.handler(scope.inside())
        if handlers and self.chance(0.15):
            self.suite("except", scope.inside())
        if handlers and self.chance(0.3):
            self.suite("else", scope.inside())
        if not handlers or self.chance(0.35):
            self.suite("finally", scope.inside())

    def handler(self, scope: _Scope) -> None:
        header = self.fill("except <caught>", scope)
        if self.chance(0.6):
            self.suite(header, scope)
            return
        with self.block(f"{header} as e"):
            self.line(self.one("noted", scope))
            self.body(scope)
            if self.chance(0.3):
                self.line(self.one("again", scope))

    def with_(self, scope: _Scope) -> None:
        inner = scope.inside(guarded=True)
        with self.block(self.one("with", inner)):
            self.body(inner)
            if self.chance(0.3):
                self.line(self.fill(self.leaving(inner), inner))

    def match(self, scope: _Scope) -> None:
        with self.block(self.fill("match <subject>", scope)):
            for _ in range(self.rng.randint(1, 3)):
                pattern, ints, lists = self.rng.choice(_PATTERNS[bool(not self.shown) :])
                inner = scope.inside()
                inner.ints += list(ints)
                inner.lists += [lists] * bool(lists)
                guard = self.one("guard", inner) if self.chance(0.35) else ""
                self.suite(f"case {pattern} {guard}".rstrip(), inner)
            if self.chance(0.4):
                self.suite(self.rng.choice(("case _", "case q")), scope.inside())

    def closure(self, scope: _Scope) -> None:
        """A function inside of a function."""
        name = self.rng.choice(("bump", "fold"))
        outer = [bound for bound in scope.bound() if bound not in ("k", "total")]
        inner = _Scope(ints=["v", "step", "k"], lists=["vs"], fixed=frozenset(("v", "step", "k")), depth=_DEEPEST)
        if self.chance(0.3):
            self.line(self.one("decorator", scope))
        header = self.fill(f"def {name}(v, step=<int>, *vs, k=2)", scope)
        if self.on_one_line(header, 0.15):
            self.line(f"{header}: return v + step")
        else:
            with self.block(header):
                if self.chance(0.2):
                    self.line("'''Adds.'''")
                if outer and self.chance(0.6):
                    chosen = self.rng.choice(outer)
                    self.line(f"nonlocal {chosen}")
                    self.line(f"{chosen} += v")
                    inner.ints.append(chosen)
                self.line(self.one("inner", inner))
                self.line("return (v + w) % 53")
        scope.functions.append(name)

    def class_(self, scope: _Scope) -> None:
        """A class statement as a step, with steps in its body."""
        base = self.rng.choice((*self.boxing, "Guard", "Oops"))
        with self.block(f"class Local({base})"):
            self.line(self.fill("size = <i>", scope))
            if self.chance(0.5):
                with self.block("if size > 2"):
                    self.line("size -= 1")
            if self.chance(0.5):
                with self.block("def step(self, n)"):
                    self.line(self.rng.choice(("return n", "return super().step(n)", "return self.size + n")))
            if self.chance(0.3):
                self.line("class Inner: depth = 2")
        use = "<+boxes> = Local(1, <l>)" if base in self.boxing and self.chance(0.6) else "<+ints> = Local.size"
        self.line(self.fill(use, scope))


class _Module(_Suites):
    """A whole program."""

    def write(self) -> tuple[str, str]:
        """Source and arguments."""
        for name in self.helpers:
            self.function(name, _Scope())
        for name in self.generators:
            self.function(name, _Scope(generator=True))
        self.entry()
        own = "\n".join(self.lines) + "\n"
        parts = [self.part(name) for name in self.wanted(own)]
        source = "\n\n\n".join(["calls = 0\ntotal = 0", *parts, own])
        return (source if self.shown else source.replace(" % ", " & ")), self.arguments()  # `%` may show an address

    def wanted(self, own: str) -> list[str]:
        """Which of the classes and decorators the program uses."""
        words = set(re.findall(r"\w+", own))
        words |= {"Oops"} if "Late" in words else set()
        words |= {"Box", "Walk"} if {"Box", "Tall"} & words else set()
        return [name for name in _PARTS if name in words]

    def part(self, name: str) -> str:
        """A class, with what varies in it."""
        step = f"{self.helpers[0]}(n - 1, self.held)" if self.helpers and self.chance(0.6) else "self._value"
        varied = {
            "TOUCH": ("pass", "'''How many.'''", "self.held.append(6)", "self._value += 1"),
            "ITERATOR": ("iter(self.held[:4])", "Walk(self.held)", "(v for v in self.held[:3])"),
            "STEP": (step,),
        }
        text = _PARTS[name]
        for mark, options in varied.items():
            text = text.replace(mark, self.rng.choice(options))
        return text

    def function(self, name: str, scope: _Scope) -> None:
        scope.ints, scope.lists, scope.fixed = ["n", "k", "total"], ["xs"], frozenset({"n", "total"})
        with self.block(f"def {name}(n, xs, k={self.rng.randint(0, 5)})"):
            self.line("global calls, total")
            self.line("calls += 1")
            self.line(f"if n <= 0 or calls > {self.rng.randint(8, 25)}: return" + ("" if scope.generator else " len(xs)"))
            self.body(scope, self.rng.randint(1, 2))
            if scope.generator:
                self.line(self.fill("yield <int>", scope))
            if self.chance(0.8):
                self.line(self.fill("return <int>", scope))
        self.lines += ["", ""]

    def entry(self) -> None:
        scope = _Scope(ints=["n", "total"], lists=["xs"], texts=["s"], dicts=["d"], fixed=frozenset({"n", "total"}))
        with self.block("def f(n, xs, s, d)"):
            self.line("global total")
            self.body(scope, self.rng.randint(3, 6))
            self.line(self.one("result", scope))

    def arguments(self) -> str:
        items = [self.rng.randint(-2, 9) for _ in range(self.rng.randint(0, 5))]
        mapping = {key: self.rng.randint(0, 5) for key in "ab"[: self.rng.randint(0, 2)]}
        return f"{self.rng.randint(2, 4)}, {items}, {self.rng.choice(('', 'ab', 'x y', 'aBc'))!r}, {mapping}"
