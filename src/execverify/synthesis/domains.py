"""What programs are about: for each domain, the words in its texts, and names for its values.

A program keeps to one domain, so that its names and its data fit each other. `strings` is about no subject: its words are letters
in any order, and its names are those of exercises.
"""

import functools
import random
import re
from dataclasses import dataclass

# name: words | plural:single of lists of texts | of lists of numbers | names of a text | of a number | of a dict
_TABLE = """
inventory: bolt screw hammer washer cable drill paint ladder glove rope nail saw tape valve hinge pump brush crate
  shelf bracket sander chisel
  | items:item products:product parts:part tools:tool | quantities:quantity prices:price counts:count
  | item product part | quantity price stock | stock inventory prices catalog
groceries: apple pear banana melon grape lemon bread butter cheese milk rice flour sugar onion carrot potato honey
  pepper tomato basil yogurt pasta
  | fruits:fruit goods:good products:product ingredients:ingredient | prices:price costs:cost weights:weight
  | product ingredient item | price cost budget | prices basket cart pantry
school: math physics history biology music art chemistry english drama geography latin sports algebra reading
  | subjects:subject courses:course topics:topic lessons:lesson | scores:score grades:grade marks:mark points:point
  | subject course topic | score grade points | grades scores marks
people: alice bob carol dave erin frank grace henry iris jack karen leo mary nina oscar paul quinn rosa sam tina
  victor wendy
  | names:name users:user members:member guests:guest players:player | ages:age scores:score years:year
  | name user member | age year score | ages users members scores
logs: error warning info debug failed started stopped timeout connected retry disk memory server request response
  login cache worker closed denied
  | lines:line messages:message events:event entries:entry | codes:code sizes:size delays:delay
  | line message entry event | code size delay | counters totals status
files: report.txt main.py notes.md index.html data.csv readme.md photo.png config.json backup.zip setup.py log.txt
  draft.doc style.css image.jpg
  | files:file paths:path names:name documents:document | sizes:size lengths:length versions:version
  | path filename name | size version offset | sizes files index
colors: red green blue black white yellow orange purple pink brown gray cyan teal violet indigo gold silver beige
  maroon navy
  | colors:color shades:shade labels:label | levels:level values:value channels:channel
  | color shade label | level value alpha | palette levels colors
cities: paris london tokyo madrid berlin rome oslo cairo lima dublin vienna prague boston denver austin lisbon delhi
  seoul geneva athens
  | cities:city places:place stops:stop routes:route | distances:distance populations:population times:time
  | city place stop | distance population time | distances populations routes
animals: cat dog horse sheep goat rabbit tiger lion otter eagle falcon whale shark turtle lizard zebra camel monkey
  penguin badger
  | animals:animal species:kind pets:pet | ages:age weights:weight counts:count
  | animal pet species | age weight count | zoo weights ages
weather: sunny cloudy rain snow windy fog storm hail clear humid dry frost drizzle thunder
  | days:day conditions:condition reports:report | temps:temp readings:reading temperatures:temperature highs:high
  | condition report day | temp reading humidity | temps readings forecast
dates: monday tuesday wednesday thursday friday saturday sunday january march april june july august october november
  december
  | days:day months:month dates:date | years:year days:day hours:hour
  | day month date | year day hours | hours calendar schedule
geometry: circle square triangle cube sphere cone line point angle radius edge vertex polygon prism cylinder oval
  rhombus
  | shapes:shape labels:label figures:figure | sides:side lengths:length areas:area heights:height widths:width
  | shape label figure | side length width height | areas sides sizes
orders: pending shipped paid cancelled returned open closed refunded delivered packed express standard
  | orders:order statuses:status states:state | amounts:amount totals:total prices:price payments:payment
  | order status state | amount total discount | orders totals payments
text: the quick brown fox jumps over lazy dog hello world some words here this is a test with long short again never
  always
  | words:word sentences:sentence tokens:token phrases:phrase | lengths:length counts:count positions:position
  | text sentence word phrase | length count position | counts words index
games: rock paper scissors king queen knight bishop rook pawn joker ace spade heart club diamond dice token castle
  dragon
  | cards:card moves:move pieces:piece players:player | scores:score rolls:roll points:point levels:level
  | card move piece | score roll level lives | scores board hands
network: http https ftp ssh dns get post put delete host port proxy route packet socket token client gateway localhost
  example.com
  | hosts:host urls:url requests:request methods:method | ports:port sizes:size delays:delay
  | host url path method | port size timeout | headers ports hosts params
teams: sales support design legal finance research marketing security product hiring ops quality training
  | teams:team roles:role groups:group departments:department | salaries:salary hours:hour budgets:budget
  | team role department | salary hours budget | teams budgets salaries
sports: soccer tennis hockey rugby golf cricket rowing boxing fencing judo cycling diving sailing archery
  | sports:sport teams:team events:event | goals:goal points:point scores:score times:time laps:lap
  | sport team event | goals points time | results points medals
books: novel poem essay story chapter verse cover page author editor title reader print draft preface index summary
  | books:book titles:title authors:author chapters:chapter | pages:page years:year ratings:rating
  | book title author | page year rating | books shelves ratings
codes: a1 b2 c3 x-10 z-22 id7 k9 ab12 q4 rev2 v1.0 v2.3 no5 t-1000 m3 pk-31 r2d2
  | codes:code labels:label keys:key tags:tag | numbers:number versions:version values:value
  | code tag key | number version digit | codes registry lookup
music: guitar piano drums violin flute cello harp trumpet bass organ banjo choir jazz rock blues folk soul opera
  | instruments:instrument songs:song tracks:track genres:genre | plays:play lengths:length ratings:rating
  | song track genre | plays length tempo | plays charts library
medical: fever cough pulse dose tablet nurse clinic ward fracture allergy vaccine surgery patient xray
  | symptoms:symptom patients:patient drugs:drug | doses:dose ages:age weights:weight
  | symptom patient drug | dose age pulse | doses patients records
"""

_USUAL = (
    "abc", "a", "b", "x", "hello", "test", "foo", "bar", "ab", "xyz", "yes", "no", "key", "name", "end", "one", "two", "cat", "world",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Domain:
    """What a program is about.

    Attributes:
        name: its name.
        words: what its texts are made of; empty where they are letters in any order.
        texts, numbers: names of lists of texts and of numbers, each with the name of one of them.
        text, number, table: names of a text, a number and a dict.
    """

    name: str
    words: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...]
    text: tuple[str, ...]
    number: tuple[str, ...]
    table: tuple[str, ...]

    def word(self, rng: random.Random) -> str:
        """One of its words."""
        if self.words:
            return rng.choice(self.words)
        if rng.random() < 0.2:
            return rng.choice(_USUAL)
        return "".join(rng.choices(_LETTERS, k=rng.choice((2, 3, 3, 4, 4, 5, 6))))

    def literal(self, rng: random.Random) -> str:
        """A word for the source of a program: where there are none, one that people write into examples."""
        return rng.choice(self.words or _USUAL)


STRINGS = Domain(
    "strings",
    (),
    (
        ("words", "word"),
        ("strings", "s"),
        ("texts", "text"),
        ("names", "name"),
        ("array", "item"),
        ("lst", "s"),
        ("items", "item"),
    ),
    (("nums", "num"), ("numbers", "n"), ("array", "x"), ("arr", "num"), ("lst", "i"), ("values", "value"), ("data", "x")),
    ("text", "text", "text", "s", "string", "line", "txt"),
    ("n", "num", "x", "value", "number", "k"),
    ("d", "dic", "dictionary", "mapping", "data"),
)


@functools.cache
def domains() -> tuple[Domain, ...]:
    """All domains, in the order of the table; `strings` stands first."""
    return (STRINGS, *map(_read, re.split(r"\n(?=\w)", _TABLE.strip())))


def choose_domain(rng: random.Random) -> Domain:
    """A domain by chance; four programs of ten are about no subject."""
    return STRINGS if rng.random() < 0.4 else rng.choice(domains()[1:])


def _read(text: str) -> Domain:
    name, _, cells = text.partition(": ")
    words, texts, numbers, *names = (cell.split() for cell in cells.split("|"))
    scalar, number, table = map(tuple, names)
    return Domain(name, tuple(words), _pairs(texts), _pairs(numbers), scalar, number, table)


def _pairs(cells: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((plural, single) for plural, _, single in (cell.partition(":") for cell in cells))
