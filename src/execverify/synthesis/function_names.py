"""Names of functions, by what they compute: a verb for the operation, a noun for what it works on.

`count_by` over `labels` is `count_labels` or `tally_labels`; a comparison of `price` is `check_price` or `compare_price`. Some
functions have a name that says nothing, as people's exercises have: `f`, `solve`.
"""

import random
from collections.abc import Container, Sequence

from execverify.programs.type_expr import type_head

PLAIN = ("f", "f", "f", "f", "f", "solve", "process", "compute", "transform", "run", "func", "main", "convert")
"""Names that say nothing."""


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Verbs by operation, of cells "operation: verb verb"."""
    cells = (cell.rpartition(": ") for line in text.strip().splitlines() for cell in line.split(" ; "))
    return {name.strip(): tuple(verbs.split()) for name, _, verbs in cells}


_BY_IDIOM = _table(
    """
    sum_up: total sum add_up accumulate ; collect: collect gather list get ; put_in_front: stack prepend rearrange
    build_text: join build concat render ; count_by: count tally frequency_of ; group_by: group bucket group_by
    group_with_check: group bucket cluster ; keep_distinct: unique distinct dedupe ; find_greatest: highest max largest peak
    greatest_so_far: best bound limit ; find_longest: longest widest find_longest
    running_totals: running cumulative running_sum ; alternate: alternating_sum balance alternate
    fold_number: checksum hash fold encode ; until: take_until leading prefix_of
    first_match: find first find_first first_matching ; clamp: clamp clip cap limit ; classify: classify grade label rank
    cut_in_chunks: chunk batch paginate ; spend: allocate afford pick spend_on ; best_item: best top pick_best winner_of
    merge: merge combine ; toggle: between toggle filter ; longest_streak: longest_streak streak max_run
    collect_sorted: sort sorted_groups order ; flatten: flatten concat merge ; add_lengths: total_length total_size measure
    pair_up: pair zip annotate match ; tabulate: map index table_of lookup ; last_positions: last_index locate positions_of
    part_in_two: split partition separate divide ; count_changes: count_changes changes_in switches
    differences: differences deltas gaps ; run_lengths: compress run_lengths encode ; cancel_on_stack: reduce collapse cancel
    """
)
_BY_METHOD = _table(
    """
    capitalize: capitalize format tidy ; casefold: fold normalize ; center: center pad align ; count: count occurrences_in
    endswith: ends_with has_suffix check ; expandtabs: expand untab ; find: find locate search position_in
    format: format render show ; format_map: render greet fill ; index: index_of find locate ; join: join combine concat
    ljust: pad align left_align ; lower: normalize lowercase clean ; lstrip: trim strip clean
    maketrans: translate encode cipher ; partition: split parse cut ; removeprefix: strip_prefix shorten
    removesuffix: strip_suffix shorten singular ; replace: replace_in clean sanitize fix edit ; rfind: find_last last_index
    rindex: last_index ; rjust: pad align right_align ; rpartition: split parse cut ; rsplit: split parse
    rstrip: trim strip clean ; split: split parse tokenize words_of ; splitlines: lines_of split
    startswith: starts_with has_prefix check ; strip: trim strip clean tidy ; swapcase: swap_case invert
    title: title format headline ; translate: translate encode mask ; upper: shout uppercase highlight
    zfill: pad number_label ; append: add extend push ; clear: reset clear ; copy: copy snapshot clone
    extend: extend add append_to ; insert: insert add place ; pop: pop take remove_from ; remove: remove drop discard
    reverse: reverse flip ; sort: sort order arrange ; fromkeys: init defaults ; get: get lookup read
    items: pairs_of items_of ; keys: keys_of names_in ; popitem: pop take_last ; setdefault: ensure default
    update: update set merge ; values: values_of ; add: add register ; difference: difference missing without
    discard: discard drop ; intersection: common shared overlap ; isdisjoint: is_disjoint check ; issubset: is_subset contains
    issuperset: covers contains ; symmetric_difference: compare diff ; union: union combine all
    bit_count: count_bits ones_in ; bit_length: bits_of width_of ; as_integer_ratio: ratio fraction
    is_integer: is_whole check ; hex: hex encode ; conjugate: conjugate ; enumerate: enumerate number ; zip: pair zip align
    filter: filter select keep ; map: map apply transform ; reversed: reverse flip ; sorted: sort order rank
    sum: total sum add ; min: smallest lowest min ; max: largest highest max ; any: any has ; all: all validate
    divmod: split divide ; round: round approximate ; abs: magnitude distance ; len: length size measure ; pow: power scale
    chr: decode letter ; ord: encode code_of ; bin: binary encode ; oct: octal encode ; int: parse convert
    float: parse convert ; str: format stringify ; bool: check has ; list: list expand ; tuple: freeze pack
    dict: build index ; set: unique distinct ; frozenset: freeze distinct ; repr: show quote ; ascii: escape quote
    isinstance: check ; iter: read iterate ; next: first next ; range: range steps ; %: wrap remainder ; //: divide share
    /: ratio divide rate ; +: add combine ; -: subtract reduce ; *: multiply scale repeat ; **: power square
    in: contains has check ; [:]: slice cut trim ; []: pick get ; []=: set assign ; del: remove drop
    """
)
_BY_RESULT = _table(
    """
    bool: is_valid check has compare validate ; int: compute calculate measure score ; float: compute rate scale estimate
    str: format build make render ; list: list get make select ; dict: build index make ; tuple: describe inspect summarize
    set: select unique_of ; none: find
    """
)
_NOUNS = {"str": ("text", "string", "line"), "int": ("number", "value"), "list": ("items", "values", "list"), "dict": ("table", "mapping"),
          "set": ("set", "members"), "tuple": ("record", "values"), "float": ("rate", "value"), "bool": ("flag", "state")}  # fmt: skip
_ALONE = frozenset(
    ("sum", "max", "min", "list", "map", "zip", "filter", "index", "range", "hash", "round", "hex", "any", "all", "enumerate", "set",
     "format", "next", "in", "is", "not", "and", "or", "for", "del", "as")
)  # fmt: skip
"""Verbs that need a noun: they are names of built-ins, or keywords."""


def name_function(
    rng: random.Random,
    operations: Sequence[str],
    params: Sequence[tuple[str, str]],
    result: str,
    taken: Container[str],
    plain: float,
) -> str:
    """A name for a function that is not taken.

    Args:
        operations: names of idioms and entries of the catalogue, the most telling one first.
        params: name and type of each parameter.
        result: type of what it returns.
        taken: names that occur in the function or beside it.
        plain: how often the name says nothing, 0 to 1.
    """
    if rng.random() < plain:
        name = rng.choice(PLAIN)
        if name not in taken:
            return name
    verb = rng.choice(_verbs(rng, operations, result))
    name, kind = params[0]
    noun = name if len(name) > 2 else rng.choice(_NOUNS.get(type_head(kind), ("value",)))
    if (verb in _ALONE or verb in taken or rng.random() < 0.75) and noun not in verb:
        verb = f"{verb}_{noun}"
    if verb in _ALONE or verb in taken:
        verb = f"{verb}_{rng.choice(('all', 'it', 'values', 'data'))}"
    return verb if verb not in taken else f"get_{verb}"


def _verbs(rng: random.Random, operations: Sequence[str], result: str) -> Sequence[str]:
    head = type_head(result)
    for operation in operations:
        if operation in _BY_IDIOM:
            return _BY_IDIOM[operation]
    if operations and (head != "bool" or rng.random() < 0.3):
        own = _BY_METHOD.get(operations[0].replace(" ", ".").rpartition(".")[2])
        if own is not None and rng.random() < 0.8:
            return own
    return _BY_RESULT.get(head, ("compute",))
