"""How people write each entry of the catalogue: one phrase a line, `entry ¦ pattern ¦ result ¦ English ¦ options`.

A hole is `{number:type role}`; hole 0 is what the phrase is applied to. A type variable stands for one type throughout.
A role selects the literal or argument that fits: see `values.ROLES`. Options: `common` phrases fill any program, the others
appear where their entry is under test; `if ...` is what must hold before the phrase may run; `with ...` gives what the texts
must hold for the phrase to matter; `kept` phrases change hole 0 and give nothing.
"""

txt = """
str.capitalize ¦ {0:str}.capitalize() ¦ str ¦ {0} with a capital first letter and the rest in lower case ¦ common
str.casefold ¦ {0:str}.casefold() ¦ str ¦ {0} in folded case ¦ with upper
str.center ¦ {0:str}.center({1:int width}) ¦ str ¦ {0} centred in {1} columns
str.center ¦ {0:str}.center({1:int width}, {2:str pad}) ¦ str ¦ {0} centred in {1} columns with {2} around it
str.count ¦ {0:str}.count({1:str char}) ¦ int ¦ how often {1} occurs in {0} ¦ common
str.endswith ¦ {0:str}.endswith({1:str ending}) ¦ bool ¦ {0} ends with {1} ¦ common
str.expandtabs ¦ {0:str}.expandtabs({1:int small}) ¦ str ¦ {0} with its tabs expanded to {1} columns ¦ with tabs
str.find ¦ {0:str}.find({1:str char}) ¦ int ¦ where {1} first stands in {0}, or -1 ¦ common
str.format ¦ {t:'{} and {}'|'{}-{}'|'{}: {}'|'<{} {}>'|'{}/{}'}.format({0:str}, {1:str word}) ¦ str ¦ {0} and {1} set into the template {t}
str.format ¦ {t:'{:>6}'|'[{}]'|'{!r}'|'{:<8}.'}.format({0:str}) ¦ str ¦ {0} set into the template {t}
str.format_map ¦ {t:'{name} is here'|'<{name}>'|'{name}!'}.format_map({{'name': {0:str}}}) ¦ str ¦ {0} set as the name into the template {t}
str.index ¦ {0:str}.index({1:str char}) ¦ int ¦ where {1} first stands in {0} ¦ if {1} in {0}
str.isalnum ¦ {0:str}.isalnum() ¦ bool ¦ {0} is all letters and digits ¦ with digits
str.isalpha ¦ {0:str}.isalpha() ¦ bool ¦ {0} is all letters ¦ common with digits
str.isascii ¦ {0:str}.isascii() ¦ bool ¦ {0} is all ASCII ¦ with accents
str.isdecimal ¦ {0:str}.isdecimal() ¦ bool ¦ {0} is all decimal digits ¦ with digits
str.isdigit ¦ {0:str}.isdigit() ¦ bool ¦ {0} is all digits ¦ common with digits
str.isidentifier ¦ {0:str}.isidentifier() ¦ bool ¦ {0} is a valid identifier ¦ with digits
str.islower ¦ {0:str}.islower() ¦ bool ¦ {0} is in lower case ¦ common with upper
str.isnumeric ¦ {0:str}.isnumeric() ¦ bool ¦ {0} is numeric ¦ with digits
str.isprintable ¦ {0:str}.isprintable() ¦ bool ¦ {0} is printable ¦ with tabs
str.isspace ¦ {0:str}.isspace() ¦ bool ¦ {0} is all whitespace ¦ with blanks
str.istitle ¦ {0:str}.istitle() ¦ bool ¦ {0} is in title case ¦ with title
str.isupper ¦ {0:str}.isupper() ¦ bool ¦ {0} is in upper case ¦ common with upper
str.join ¦ {0:str sep}.join({1:list[str]}) ¦ str ¦ {1} joined by {0} ¦ common arg1
str.ljust ¦ {0:str}.ljust({1:int width}) ¦ str ¦ {0} padded on the right to {1} columns
str.ljust ¦ {0:str}.ljust({1:int width}, {2:str pad}) ¦ str ¦ {0} padded on the right with {2} to {1} columns
str.lower ¦ {0:str}.lower() ¦ str ¦ {0} in lower case ¦ common with upper
str.lstrip ¦ {0:str}.lstrip() ¦ str ¦ {0} without leading whitespace ¦ with blanks
str.lstrip ¦ {0:str}.lstrip({1:str strip}) ¦ str ¦ {0} without leading characters of {1}
str.maketrans ¦ str.maketrans({0:str chars}, {1:str chars}) ¦ dict[int, int] ¦ a table from the letters of {0} to those of {1} ¦ same
str.maketrans ¦ {0:str}.translate(str.maketrans({t:'aeo', '430'|'abc', 'xyz'|'rst', 'RST'})) ¦ str ¦ {0} with its letters exchanged as by str.maketrans({t}) ¦ calls
str.partition ¦ {0:str}.partition({1:str sep}) ¦ tuple[str, str, str] ¦ {0} cut in three at the first {1} (before it, itself, after it)
str.removeprefix ¦ {0:str}.removeprefix({1:str start}) ¦ str ¦ {0} without the prefix {1}
str.removesuffix ¦ {0:str}.removesuffix({1:str ending}) ¦ str ¦ {0} without the suffix {1}
str.replace ¦ {0:str}.replace({1:str char}, {2:str other}) ¦ str ¦ {0} with {2} in place of {1} ¦ common
str.replace ¦ {0:str}.replace({1:str char}, {2:str other}, {3:int small}) ¦ str ¦ {0} with {2} in place of the first {3} {1}
str.rfind ¦ {0:str}.rfind({1:str char}) ¦ int ¦ where {1} last stands in {0}, or -1
str.rindex ¦ {0:str}.rindex({1:str char}) ¦ int ¦ where {1} last stands in {0} ¦ if {1} in {0}
str.rjust ¦ {0:str}.rjust({1:int width}) ¦ str ¦ {0} padded on the left to {1} columns
str.rjust ¦ {0:str}.rjust({1:int width}, {2:str pad}) ¦ str ¦ {0} padded on the left with {2} to {1} columns
str.rpartition ¦ {0:str}.rpartition({1:str sep}) ¦ tuple[str, str, str] ¦ {0} cut in three at the last {1} (before it, itself, after it)
str.rsplit ¦ {0:str}.rsplit({1:str sep}, {2:int small}) ¦ list[str] ¦ the parts of {0} after cutting at the last {2} {1}
str.rstrip ¦ {0:str}.rstrip() ¦ str ¦ {0} without trailing whitespace ¦ with blanks
str.rstrip ¦ {0:str}.rstrip({1:str strip}) ¦ str ¦ {0} without trailing characters of {1}
str.split ¦ {0:str}.split() ¦ list[str] ¦ the words of {0} ¦ common with words
str.split ¦ {0:str}.split({1:str sep}) ¦ list[str] ¦ the parts of {0} between {1} ¦ common
str.splitlines ¦ {0:str}.splitlines() ¦ list[str] ¦ the lines of {0} ¦ with lines
str.startswith ¦ {0:str}.startswith({1:str start}) ¦ bool ¦ {0} begins with {1} ¦ common
str.strip ¦ {0:str}.strip() ¦ str ¦ {0} without whitespace around it ¦ common with blanks
str.strip ¦ {0:str}.strip({1:str strip}) ¦ str ¦ {0} without any characters of {1} around it
str.swapcase ¦ {0:str}.swapcase() ¦ str ¦ {0} with upper and lower case exchanged ¦ with upper
str.title ¦ {0:str}.title() ¦ str ¦ {0} in title case
str.translate ¦ {0:str}.translate({{{1:int code}: {2:str other}}}) ¦ str ¦ {0} with {2} in place of the character with code {1} ¦
str.upper ¦ {0:str}.upper() ¦ str ¦ {0} in upper case ¦ common
str.zfill ¦ {0:str}.zfill({1:int width}) ¦ str ¦ {0} filled with zeros to {1} columns
str + ¦ {0:str} + {1:str part} ¦ str ¦ {0} followed by {1} ¦ common
str * ¦ {0:str} * {1:int two} ¦ str ¦ {0} repeated {1} times ¦ common
str % ¦ {t:'%s!'|'<%s>'|'%s;'|'[%s]'|'(%s)'} % {0:str atom} ¦ str ¦ {0} set into the format {t}
str in ¦ {1:str char} in {0:str} ¦ bool ¦ {1} occurs in {0} ¦ common
str not in ¦ {1:str char} not in {0:str} ¦ bool ¦ {1} does not occur in {0} ¦ common
str [] ¦ {0:str}[{1:int index}] ¦ str ¦ the character of {0} at {1} ¦ common if {0}
str [:] ¦ {0:str}[{1:int small}:] ¦ str ¦ {0} without its first {1} characters ¦ common
str [:] ¦ {0:str}[:{1:int small}] ¦ str ¦ the first {1} characters of {0} ¦ common
str [:] ¦ {0:str}[::-1] ¦ str ¦ {0} reversed ¦ common
str [:] ¦ {0:str}[::2] ¦ str ¦ every other character of {0}
str [:] ¦ {0:str}[1:-1] ¦ str ¦ {0} without its first and last character
str == ¦ {0:str} == {1:str word} ¦ bool ¦ {0} is {1} ¦ common
str != ¦ {0:str} != {1:str word} ¦ bool ¦ {0} is not {1} ¦ common
str < ¦ {0:str} < {1:str word} ¦ bool ¦ {0} comes before {1}
str <= ¦ {0:str} <= {1:str word} ¦ bool ¦ {0} does not come after {1}
str > ¦ {0:str} > {1:str word} ¦ bool ¦ {0} comes after {1}
str >= ¦ {0:str} >= {1:str word} ¦ bool ¦ {0} does not come before {1}
str f ¦ f'{{{0:any name}}}{t:!|?|.|;|-|/|_}' ¦ str ¦ {0} as text followed by '{t}'
str f ¦ f'{{{0:any name}}}-{{{1:int name}}}' ¦ str ¦ {0} and {1} as text joined by '-'
str f ¦ f'<{{{0:any name}}}>' ¦ str ¦ {0} as text between '<' and '>'
str f ¦ f'{{{0:any name}}}:{{{1:str name}}}' ¦ str ¦ {0} and {1} as text joined by ':'

list.append ¦ {0:list[T]}.append({1:T}) ¦ none ¦ adds {1} to the end of {0} ¦ kept common
list.clear ¦ {0:list[T]}.clear() ¦ none ¦ empties {0} ¦ kept
list.copy ¦ {0:list[T]}.copy() ¦ list[T] ¦ a copy of {0} ¦ common
list.count ¦ {0:list[T]}.count({1:T}) ¦ int ¦ how often {1} occurs in {0} ¦ common
list.extend ¦ {0:list[T]}.extend({1:list[T]}) ¦ none ¦ adds the elements of {1} to {0} ¦ kept common
list.index ¦ {0:list[T]}.index({1:T}) ¦ int ¦ where {1} first stands in {0} ¦ if {1} in {0}
list.insert ¦ {0:list[T]}.insert({1:int small}, {2:T}) ¦ none ¦ inserts {2} into {0} at {1} ¦ kept
list.insert ¦ {0:list[T]}.insert(0, {1:T}) ¦ none ¦ puts {1} in front of {0} ¦ kept
list.pop ¦ {0:list[T]}.pop() ¦ T ¦ the last element of {0}, taken out ¦ if {0}
list.pop ¦ {0:list[T]}.pop(0) ¦ T ¦ the first element of {0}, taken out ¦ if {0}
list.remove ¦ {0:list[T]}.remove({1:T}) ¦ none ¦ takes the first {1} out of {0} ¦ kept if {1} in {0}
list.reverse ¦ {0:list[T]}.reverse() ¦ none ¦ reverses {0} ¦ kept
list.sort ¦ {0:list[O]}.sort() ¦ none ¦ sorts {0} ¦ kept
list.sort ¦ {0:list[O]}.sort(reverse=True) ¦ none ¦ sorts {0} from the greatest down ¦ kept
list + ¦ {0:list[T]} + {1:list[T]} ¦ list[T] ¦ {0} followed by {1} ¦ common
list + ¦ {0:list[T]} + [{1:T}] ¦ list[T] ¦ {0} with {1} at its end ¦ common
list * ¦ {0:list[T]} * {1:int two} ¦ list[T] ¦ {0} repeated {1} times
list in ¦ {1:T} in {0:list[T]} ¦ bool ¦ {1} is in {0} ¦ common
list not in ¦ {1:T} not in {0:list[T]} ¦ bool ¦ {1} is not in {0} ¦ common
list [] ¦ {0:list[T]}[{1:int index}] ¦ T ¦ the element of {0} at {1} ¦ common if {0}
list [:] ¦ {0:list[T]}[{1:int small}:] ¦ list[T] ¦ {0} without its first {1} elements ¦ common
list [:] ¦ {0:list[T]}[:{1:int small}] ¦ list[T] ¦ the first {1} elements of {0} ¦ common
list [:] ¦ {0:list[T]}[::-1] ¦ list[T] ¦ {0} reversed ¦ common
list [:] ¦ {0:list[T]}[::2] ¦ list[T] ¦ every other element of {0}
list []= ¦ {0:list[T]}[{1:int index}] = {2:T} ¦ none ¦ sets the element of {0} at {1} to {2} ¦ kept if {0}
list [:]= ¦ {0:list[T]}[:{1:int small}] = [{2:T}] ¦ none ¦ puts {2} in place of the first {1} elements of {0} ¦ kept
list [:]= ¦ {0:list[T]}[{1:int small}:] = {2:list[T]} ¦ none ¦ puts {2} in place of what follows the first {1} elements of {0} ¦ kept
list del ¦ del {0:list[T]}[{1:int index}] ¦ none ¦ deletes the element of {0} at {1} ¦ kept if {0}
list del ¦ del {0:list[T]}[:{1:int small}] ¦ none ¦ deletes the first {1} elements of {0} ¦ kept
list == ¦ {0:list[T]} == {1:list[T]} ¦ bool ¦ {0} equals {1}
list != ¦ {0:list[T]} != {1:list[T]} ¦ bool ¦ {0} differs from {1}
list < ¦ {0:list[O]} < {1:list[O]} ¦ bool ¦ {0} sorts before {1}
list <= ¦ {0:list[O]} <= {1:list[O]} ¦ bool ¦ {0} does not sort after {1}
list > ¦ {0:list[O]} > {1:list[O]} ¦ bool ¦ {0} sorts after {1}
list >= ¦ {0:list[O]} >= {1:list[O]} ¦ bool ¦ {0} does not sort before {1}

tuple.count ¦ {0:tuple[int, int, int]}.count({1:int}) ¦ int ¦ how often {1} occurs in {0}
tuple.index ¦ {0:tuple[int, int, int]}.index({1:int}) ¦ int ¦ where {1} first stands in {0} ¦ with places if {1} in {0}
tuple + ¦ {0:tuple[int, int]} + ({1:int},) ¦ tuple[int, int, int] ¦ {0} with {1} at its end
tuple + ¦ {0:tuple[str, int]} + ({1:str word},) ¦ tuple[str, int, str] ¦ {0} with {1} at its end
tuple + ¦ {0:tuple[int, int, int]} + {1:tuple[int, int, int]} ¦ tuple[int, int, int, int, int, int] ¦ {0} followed by {1}
tuple * ¦ {0:tuple[int, int]} * 2 ¦ tuple[int, int, int, int] ¦ {0} repeated 2 times
tuple * ¦ {0:tuple[str, str]} * 2 ¦ tuple[str, str, str, str] ¦ {0} repeated 2 times
tuple in ¦ {1:int} in {0:tuple[int, int, int]} ¦ bool ¦ {1} is in {0}
tuple not in ¦ {1:int} not in {0:tuple[int, int, int]} ¦ bool ¦ {1} is not in {0}
tuple [] ¦ {0:tuple[str, int]}[0] ¦ str ¦ the first element of {0} ¦ common
tuple [] ¦ {0:tuple[str, int]}[1] ¦ int ¦ the second element of {0} ¦ common
tuple [] ¦ {0:tuple[int, int, int]}[{1:int index}] ¦ int ¦ the element of {0} at {1} ¦ common
tuple [] ¦ {0:tuple[int, int]}[0] ¦ int ¦ the first element of {0} ¦ common
tuple [:] ¦ {0:tuple[int, int, int]}[1:] ¦ tuple[int, int] ¦ {0} without its first element
tuple [:] ¦ {0:tuple[int, int, int]}[::-1] ¦ tuple[int, int, int] ¦ {0} reversed
tuple == ¦ {0:tuple[int, int]} == {1:tuple[int, int]} ¦ bool ¦ {0} equals {1}
tuple == ¦ {0:tuple[int, int, int]} == {1:tuple[int, int, int]} ¦ bool ¦ {0} equals {1}
tuple == ¦ {0:tuple[str, int]} == {1:tuple[str, int]} ¦ bool ¦ {0} equals {1}
tuple != ¦ {0:tuple[int, int]} != {1:tuple[int, int]} ¦ bool ¦ {0} differs from {1}
tuple != ¦ {0:tuple[int, int, int]} != {1:tuple[int, int, int]} ¦ bool ¦ {0} differs from {1}
tuple != ¦ {0:tuple[str, int]} != {1:tuple[str, int]} ¦ bool ¦ {0} differs from {1}
tuple < ¦ {0:tuple[int, int]} < {1:tuple[int, int]} ¦ bool ¦ {0} sorts before {1}
tuple < ¦ {0:tuple[int, int, int]} < {1:tuple[int, int, int]} ¦ bool ¦ {0} sorts before {1}
tuple < ¦ {0:tuple[str, int]} < {1:tuple[str, int]} ¦ bool ¦ {0} sorts before {1}
tuple <= ¦ {0:tuple[int, int]} <= {1:tuple[int, int]} ¦ bool ¦ {0} does not sort after {1}
tuple <= ¦ {0:tuple[int, int, int]} <= {1:tuple[int, int, int]} ¦ bool ¦ {0} does not sort after {1}
tuple <= ¦ {0:tuple[str, int]} <= {1:tuple[str, int]} ¦ bool ¦ {0} does not sort after {1}
tuple > ¦ {0:tuple[int, int]} > {1:tuple[int, int]} ¦ bool ¦ {0} sorts after {1}
tuple > ¦ {0:tuple[int, int, int]} > {1:tuple[int, int, int]} ¦ bool ¦ {0} sorts after {1}
tuple > ¦ {0:tuple[str, int]} > {1:tuple[str, int]} ¦ bool ¦ {0} sorts after {1}
tuple >= ¦ {0:tuple[int, int]} >= {1:tuple[int, int]} ¦ bool ¦ {0} does not sort before {1}
tuple >= ¦ {0:tuple[int, int, int]} >= {1:tuple[int, int, int]} ¦ bool ¦ {0} does not sort before {1}
tuple >= ¦ {0:tuple[str, int]} >= {1:tuple[str, int]} ¦ bool ¦ {0} does not sort before {1}

dict.clear ¦ {0:dict[str, V]}.clear() ¦ none ¦ empties {0} ¦ kept
dict.copy ¦ {0:dict[str, V]}.copy() ¦ dict[str, V] ¦ a copy of {0}
dict.fromkeys ¦ dict.fromkeys({0:list[str]}, {1:int}) ¦ dict[str, int] ¦ a dict from each of {0} to {1}
dict.fromkeys ¦ dict.fromkeys({0:str}, {1:int}) ¦ dict[str, int] ¦ a dict from each character of {0} to {1}
dict.get ¦ {0:dict[str, V]}.get({1:str key}, {2:V}) ¦ V ¦ the value of {1} in {0}, or {2} where there is none ¦ common
dict.items ¦ {0:dict[str, V]}.items() ¦ items[tuple[str, V]] ¦ the pairs of {0} ¦ common
dict.keys ¦ {0:dict[str, V]}.keys() ¦ keys[str] ¦ the keys of {0} ¦ common
dict.pop ¦ {0:dict[str, V]}.pop({1:str key}, {2:V}) ¦ V ¦ the value of {1}, taken out of {0}, or {2} where there is none
dict.popitem ¦ {0:dict[str, int]}.popitem() ¦ tuple[str, int] ¦ the last pair of {0}, taken out ¦ if {0}
dict.setdefault ¦ {0:dict[str, V]}.setdefault({1:str key}, {2:V}) ¦ V ¦ the value of {1} in {0}, first set to {2} where there is none
dict.update ¦ {0:dict[str, V]}.update({1:dict[str, V]}) ¦ none ¦ adds the pairs of {1} to {0} ¦ kept
dict.update ¦ {0:dict[str, V]}.update({{{1:str key}: {2:V}}}) ¦ none ¦ sets {1} to {2} in {0} ¦ kept
dict.values ¦ {0:dict[str, V]}.values() ¦ values[V] ¦ the values of {0} ¦ common
dict in ¦ {1:str key} in {0:dict[str, V]} ¦ bool ¦ {1} is a key of {0} ¦ common
dict not in ¦ {1:str key} not in {0:dict[str, V]} ¦ bool ¦ {1} is not a key of {0} ¦ common
dict [] ¦ {0:dict[str, V]}[{1:str key}] ¦ V ¦ the value of {1} in {0} ¦ if {1} in {0}
dict []= ¦ {0:dict[str, V]}[{1:str key}] = {2:V} ¦ none ¦ sets {1} to {2} in {0} ¦ kept
dict del ¦ del {0:dict[str, V]}[{1:str key}] ¦ none ¦ deletes {1} from {0} ¦ kept if {1} in {0}
dict | ¦ {0:dict[str, V]} | {1:dict[str, V]} ¦ dict[str, V] ¦ {0} with the pairs of {1} over it
dict == ¦ {0:dict[str, V]} == {1:dict[str, V]} ¦ bool ¦ {0} equals {1}
dict != ¦ {0:dict[str, V]} != {1:dict[str, V]} ¦ bool ¦ {0} differs from {1}

set.add ¦ {0:set[T]}.add({1:T}) ¦ none ¦ adds {1} to {0} ¦ kept common
set.clear ¦ {0:set[T]}.clear() ¦ none ¦ empties {0} ¦ kept
set.copy ¦ {0:set[T]}.copy() ¦ set[T] ¦ a copy of {0}
set.difference ¦ {0:set[T]}.difference({1:list[T]}) ¦ set[T] ¦ what {0} has and {1} has not
set.difference_update ¦ {0:set[T]}.difference_update({1:list[T]}) ¦ none ¦ takes the elements of {1} out of {0} ¦ kept
set.discard ¦ {0:set[T]}.discard({1:T}) ¦ none ¦ takes {1} out of {0} if it is there ¦ kept
set.intersection ¦ {0:set[T]}.intersection({1:list[T]}) ¦ set[T] ¦ what {0} and {1} share
set.intersection_update ¦ {0:set[T]}.intersection_update({1:list[T]}) ¦ none ¦ keeps in {0} only what {1} has too ¦ kept
set.isdisjoint ¦ {0:set[T]}.isdisjoint({1:list[T]}) ¦ bool ¦ {0} does not share anything with {1}
set.issubset ¦ {0:set[T]}.issubset({1:list[T]}) ¦ bool ¦ all of {0} is in {1}
set.issuperset ¦ {0:set[T]}.issuperset({1:list[T]}) ¦ bool ¦ {0} holds all of {1}
set.remove ¦ {0:set[T]}.remove({1:T}) ¦ none ¦ takes {1} out of {0} ¦ kept if {1} in {0}
set.symmetric_difference ¦ {0:set[T]}.symmetric_difference({1:list[T]}) ¦ set[T] ¦ what only one of {0} and {1} has
set.symmetric_difference_update ¦ {0:set[T]}.symmetric_difference_update({1:list[T]}) ¦ none ¦ keeps in {0} what only one of {0} and {1} has ¦ kept
set.union ¦ {0:set[T]}.union({1:list[T]}) ¦ set[T] ¦ the elements of {0} and of {1}
set.update ¦ {0:set[T]}.update({1:list[T]}) ¦ none ¦ adds the elements of {1} to {0} ¦ kept
set & ¦ {0:set[T]} & {1:set[T]} ¦ set[T] ¦ what {0} and {1} share
set | ¦ {0:set[T]} | {1:set[T]} ¦ set[T] ¦ the elements of {0} and of {1}
set - ¦ {0:set[T]} - {1:set[T]} ¦ set[T] ¦ what {0} has and {1} has not
set ^ ¦ {0:set[T]} ^ {1:set[T]} ¦ set[T] ¦ what only one of {0} and {1} has
set in ¦ {1:T} in {0:set[T]} ¦ bool ¦ {1} is in {0}
set not in ¦ {1:T} not in {0:set[T]} ¦ bool ¦ {1} is not in {0}
set == ¦ {0:set[T]} == {1:set[T]} ¦ bool ¦ {0} equals {1}
set != ¦ {0:set[T]} != {1:set[T]} ¦ bool ¦ {0} differs from {1}
set < ¦ {0:set[T]} < {1:set[T]} ¦ bool ¦ {0} is a proper part of {1}
set <= ¦ {0:set[T]} <= {1:set[T]} ¦ bool ¦ {0} is a part of {1}
set > ¦ {0:set[T]} > {1:set[T]} ¦ bool ¦ {0} holds all of {1} and more
set >= ¦ {0:set[T]} >= {1:set[T]} ¦ bool ¦ {0} holds all of {1}

int.as_integer_ratio ¦ {0:int}.as_integer_ratio() ¦ tuple[int, int] ¦ {0} as a ratio, numerator and denominator in lowest terms
int.bit_count ¦ {0:int}.bit_count() ¦ int ¦ the number of ones in the binary form of {0}
int.bit_length ¦ {0:int}.bit_length() ¦ int ¦ the number of bits of {0}
int.conjugate ¦ {0:int}.conjugate() ¦ int ¦ the conjugate of {0}
int + ¦ {0:int} + {1:int} ¦ int ¦ {0} plus {1} ¦ common
int - ¦ {0:int} - {1:int} ¦ int ¦ {0} minus {1} ¦ common
int * ¦ {0:int} * {1:int two} ¦ int ¦ {0} times {1} ¦ common
int / ¦ {0:int} / {1:int nonzero} ¦ float ¦ {0} divided by {1}
int // ¦ {0:int} // {1:int nonzero} ¦ int ¦ {0} divided by {1}, rounded down ¦ common
int % ¦ {0:int} % {1:int nonzero} ¦ int ¦ the remainder of {0} by {1} ¦ common
int ** ¦ {0:int} ** {1:int power} ¦ int ¦ {0} to the power {1}
int & ¦ {0:int} & {1:int mask} ¦ int ¦ the bitwise and of {0} and {1}
int | ¦ {0:int} | {1:int mask} ¦ int ¦ the bitwise or of {0} and {1}
int ^ ¦ {0:int} ^ {1:int mask} ¦ int ¦ the bitwise exclusive or of {0} and {1}
int << ¦ {0:int} << {1:int power} ¦ int ¦ {0} shifted left by {1} bits
int >> ¦ {0:int} >> {1:int power} ¦ int ¦ {0} shifted right by {1} bits
int neg ¦ -{0:int} ¦ int ¦ {0} negated ¦ common
int ~ ¦ ~{0:int} ¦ int ¦ the bitwise inverse of {0}
int == ¦ {0:int} == {1:int} ¦ bool ¦ {0} is {1} ¦ common
int != ¦ {0:int} != {1:int} ¦ bool ¦ {0} is not {1} ¦ common
int < ¦ {0:int} < {1:int} ¦ bool ¦ {0} is less than {1} ¦ common
int <= ¦ {0:int} <= {1:int} ¦ bool ¦ {0} is at most {1} ¦ common
int > ¦ {0:int} > {1:int} ¦ bool ¦ {0} is greater than {1} ¦ common
int >= ¦ {0:int} >= {1:int} ¦ bool ¦ {0} is at least {1} ¦ common

float.as_integer_ratio ¦ {0:float}.as_integer_ratio() ¦ tuple[int, int] ¦ {0} as a ratio, numerator and denominator in lowest terms
float.conjugate ¦ {0:float}.conjugate() ¦ float ¦ the conjugate of {0}
float.is_integer ¦ {0:float}.is_integer() ¦ bool ¦ {0} is a whole number
float.hex ¦ {0:float}.hex() ¦ str ¦ {0} in hexadecimal as float.hex writes it
float + ¦ {0:float} + {1:float} ¦ float ¦ {0} plus {1} ¦ common
float - ¦ {0:float} - {1:float} ¦ float ¦ {0} minus {1} ¦ common
float * ¦ {0:float} * {1:float} ¦ float ¦ {0} times {1} ¦ common
float / ¦ {0:float} / {1:float nonzero} ¦ float ¦ {0} divided by {1}
float // ¦ {0:float} // {1:float nonzero} ¦ float ¦ {0} divided by {1}, rounded down
float % ¦ {0:float} % {1:float nonzero} ¦ float ¦ the remainder of {0} by {1}
float ** ¦ {0:float} ** {1:int power} ¦ float ¦ {0} to the power {1}
float neg ¦ -{0:float} ¦ float ¦ {0} negated
float == ¦ {0:float} == {1:float} ¦ bool ¦ {0} is {1}
float != ¦ {0:float} != {1:float} ¦ bool ¦ {0} is not {1}
float < ¦ {0:float} < {1:float} ¦ bool ¦ {0} is less than {1} ¦ common
float <= ¦ {0:float} <= {1:float} ¦ bool ¦ {0} is at most {1}
float > ¦ {0:float} > {1:float} ¦ bool ¦ {0} is greater than {1} ¦ common
float >= ¦ {0:float} >= {1:float} ¦ bool ¦ {0} is at least {1}

bool and ¦ {0:bool} and {1:bool} ¦ bool ¦ both {0} and {1} hold
bool or ¦ {0:bool} or {1:bool} ¦ bool ¦ one or both of {0} and {1} hold
bool not ¦ not {0:bool} ¦ bool ¦ {0} is false
bool & ¦ {0:bool} & {1:bool} ¦ bool ¦ both {0} and {1} hold
bool | ¦ {0:bool} | {1:bool} ¦ bool ¦ one or both of {0} and {1} hold
bool ^ ¦ {0:bool} ^ {1:bool} ¦ bool ¦ exactly one of {0} and {1} holds
bool == ¦ {0:bool} == {1:bool} ¦ bool ¦ both or neither of {0} and {1} hold
bool != ¦ {0:bool} != {1:bool} ¦ bool ¦ exactly one of {0} and {1} holds

range ¦ range({0:int nat}) ¦ range ¦ the numbers from 0 to below {0} ¦ common
range ¦ range(1, {0:int nat}) ¦ range ¦ the numbers from 1 to below {0} ¦ common
range ¦ range(0, {0:int nat}, {1:int step}) ¦ range ¦ the numbers from 0 to below {0} in steps of {1}
enumerate ¦ enumerate({0:list[T]}) ¦ iterator[tuple[int, T]] ¦ the pairs of position and element of {0} ¦ common
enumerate ¦ enumerate({0:list[T]}, {1:int small}) ¦ iterator[tuple[int, T]] ¦ the pairs of number and element of {0}, numbered from {1} on
enumerate ¦ enumerate({0:str}) ¦ iterator[tuple[int, str]] ¦ the pairs of position and character of {0}
zip ¦ zip({0:list[T]}, {1:list[T]}) ¦ iterator[tuple[T, T]] ¦ the elements of {0} and {1} in step ¦ common
zip ¦ zip({0:list[T]}, {0:list[T]}[1:]) ¦ iterator[tuple[T, T]] ¦ neighbours in {0}
zip ¦ zip({0:str}, {1:list[int]}) ¦ iterator[tuple[str, int]] ¦ the elements of {0} and {1} in step
filter ¦ filter(lambda {x}: {c:T}, {0:list[T]}) ¦ iterator[T] ¦ those {x} of {0} for which {c}
map ¦ map(lambda {x}: {m:T}, {0:list[T]}) ¦ iterator[T] ¦ {m} for each {x} of {0}
reversed ¦ reversed({0:list[T]}) ¦ iterator[T] ¦ the elements of {0} from the end ¦ common
reversed ¦ reversed({0:str}) ¦ iterator[str] ¦ {0} from the end
sorted ¦ sorted({0:list[O]}) ¦ list[O] ¦ {0} in order ¦ common
sorted ¦ sorted({0:list[O]}, reverse=True) ¦ list[O] ¦ {0} from the greatest down ¦ common
sorted ¦ sorted({0:str}) ¦ list[str] ¦ the characters of {0} in order
sum ¦ sum({0:list[int]}) ¦ int ¦ the sum of {0} ¦ common
sum ¦ sum({0:list[int]}, {1:int}) ¦ int ¦ the sum of {0} plus {1}
min ¦ min({0:list[O]}) ¦ O ¦ the least of {0} ¦ common if {0}
min ¦ min({0:int}, {1:int}) ¦ int ¦ the lesser of {0} and {1} ¦ common
max ¦ max({0:list[O]}) ¦ O ¦ the greatest of {0} ¦ common if {0}
max ¦ max({0:int}, {1:int}) ¦ int ¦ the greater of {0} and {1} ¦ common
any ¦ any({0:list[bool]}) ¦ bool ¦ one of {0} holds
any ¦ any({x} > {1:int} for {x} in {0:list[int]}) ¦ bool ¦ one of {0} is greater than {1}
any ¦ any({1:str char} in {x} for {x} in {0:list[str]}) ¦ bool ¦ one of {0} has {1}
all ¦ all({0:list[bool]}) ¦ bool ¦ all of {0} hold
all ¦ all({x} < {1:int} for {x} in {0:list[int]}) ¦ bool ¦ all of {0} are less than {1}
all ¦ all({x} != {1:str char} for {x} in {0:str}) ¦ bool ¦ all characters of {0} differ from {1}
divmod ¦ divmod({0:int}, {1:int nonzero}) ¦ tuple[int, int] ¦ the quotient and the remainder of {0} by {1}
round ¦ round({0:float}, {1:int small}) ¦ float ¦ {0} rounded to {1} decimals ¦ common
round ¦ round({0:float}) ¦ int ¦ {0} rounded ¦ common
abs ¦ abs({0:int}) ¦ int ¦ the absolute value of {0} ¦ common
abs ¦ abs({0:float}) ¦ float ¦ the absolute value of {0}
len ¦ len({0:str}) ¦ int ¦ the length of {0} ¦ common
len ¦ len({0:list[T]}) ¦ int ¦ the length of {0} ¦ common
len ¦ len({0:dict[str, V]}) ¦ int ¦ the size of {0} ¦ common
len ¦ len({0:set[T]}) ¦ int ¦ the size of {0} ¦ common
pow ¦ pow({0:int}, {1:int power}) ¦ int ¦ {0} to the power {1}
pow ¦ pow({0:int}, {1:int power}, {2:int nonzero}) ¦ int ¦ {0} to the power {1}, modulo {2}
chr ¦ chr({0:int code}) ¦ str ¦ the character with code {0}
ord ¦ ord({0:str}[{1:int index}]) ¦ int ¦ the code of the character of {0} at {1} ¦ if {0}
ord ¦ ord({0:str letter}) ¦ int ¦ the code of {0} ¦ letter
bin ¦ bin({0:int}) ¦ str ¦ {0} in binary with the prefix 0b
hex ¦ hex({0:int}) ¦ str ¦ {0} in hexadecimal with the prefix 0x
oct ¦ oct({0:int}) ¦ str ¦ {0} in octal with the prefix 0o
int ¦ int({0:float}) ¦ int ¦ {0} cut to a whole number
int ¦ int({0:str}) ¦ int ¦ the number in {0} as an int ¦ if {0}.isdigit() numeric
int ¦ int({0:bool}) ¦ int ¦ 1 if {0}, else 0
float ¦ float({0:int}) ¦ float ¦ {0} as a float
float ¦ float({0:str}) ¦ float ¦ the number in {0} as a float ¦ if {0}.isdigit() numeric
str ¦ str({0:int}) ¦ str ¦ {0} as text ¦ common
str ¦ str({0:list[T]}) ¦ str ¦ {0} as text
bool ¦ bool({0:int}) ¦ bool ¦ {0} is not zero
bool ¦ bool({0:str}) ¦ bool ¦ {0} is not empty
bool ¦ bool({0:list[T]}) ¦ bool ¦ {0} is not empty
list ¦ list({0:str}) ¦ list[str] ¦ the characters of {0} ¦ common
list ¦ list({0:tuple[int, int, int]}) ¦ list[int] ¦ {0} as a list
list ¦ list({0:dict[str, V]}) ¦ list[str] ¦ the keys of {0}
tuple ¦ tuple({0:list[T]}) ¦ tuple[T, ...] ¦ {0} as a tuple
tuple ¦ tuple({0:str}) ¦ tuple[str, ...] ¦ the characters of {0} as a tuple
dict ¦ dict({0:list[tuple[str, int]]}) ¦ dict[str, int] ¦ the pairs of {0} as a dict ¦
dict ¦ dict(zip({0:list[str]}, {1:list[int]})) ¦ dict[str, int] ¦ a dict from {0} to {1} ¦ calls
dict ¦ dict({0:dict[str, V]}) ¦ dict[str, V] ¦ a copy of {0}
set ¦ set({0:list[T]}) ¦ set[T] ¦ the distinct elements of {0} ¦ common
set ¦ set({0:str}) ¦ set[str] ¦ the distinct characters of {0}
frozenset ¦ frozenset({0:list[T]}) ¦ frozenset[T] ¦ the distinct elements of {0}
frozenset ¦ frozenset({0:str}) ¦ frozenset[str] ¦ the distinct characters of {0}
repr ¦ repr({0:str}) ¦ str ¦ {0} as repr writes it
repr ¦ repr({0:list[T]}) ¦ str ¦ {0} as repr writes it
ascii ¦ ascii({0:str}) ¦ str ¦ {0} as ascii writes it ¦ with accents
format ¦ format({0:int}, {t:'05d'|'>6'|'b'|'x'|'03d'|'+d'}) ¦ str ¦ {0} formatted by {t}
format ¦ format({0:float}, {t:'.1f'|'.2f'|'>7.1f'|'.3f'}) ¦ str ¦ {0} formatted by {t}
isinstance ¦ isinstance({0:any}, {t:int|str|list}) ¦ bool ¦ {0} is of type {t}
isinstance ¦ {0:int} - isinstance({0:int}, {t:int|bool}) ¦ int ¦ {0}, less 1 if it is of type {t} ¦ calls
isinstance ¦ {0:str} + str(isinstance({0:str}, {t:int|str|list})) ¦ str ¦ {0} followed by whether it is of type {t}, as text ¦ calls
iter ¦ iter({0:list[T]}) ¦ iterator[T] ¦ an iterator over {0}
next ¦ next(({x} for {x} in {0:list[int]} if {x} > {1:int threshold}), {2:int}) ¦ int ¦ the first of {0} above {1}, or {2} ¦
next ¦ next(({x} for {x} in {0:list[str]} if {1:str char} in {x}), {2:str}) ¦ str ¦ the first of {0} with {1} in it, or {2} ¦
next ¦ next(iter({0:list[T]})) ¦ T ¦ the first of {0} ¦ if {0} calls
next ¦ next(iter({0:list[T]}), {1:T}) ¦ T ¦ the first of {0}, or {1} ¦ calls
"""
