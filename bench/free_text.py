"""How precise are the verdicts on reasoning in free words? Compares them with the labels of `tests/data/free_chains.jsonl`.

    python bench/free_text.py

Prints for each batch of chains: chains, labelled claims, how many of the `right` and of the `wrong` verdicts have that label, and how many
labelled claims are decided. Batches were labelled one after another; each showed faults that were mended before the next one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.helpers.free_chains import CHAINS, agreement


def main() -> None:
    """Prints one line a batch, and one for all."""
    for batch in [*sorted({row["batch"] for row in CHAINS}), None]:
        chains = [row for row in CHAINS if batch in (None, row["batch"])]
        found = agreement(chains)
        (right, of_right), (wrong, of_wrong) = found.precision("right"), found.precision("wrong")
        print(
            f"{'all' if batch is None else f'batch {batch}':8} {len(chains):4} chains  {found.labelled:4} claims  "
            f"right {right:4} of {of_right:4}  wrong {wrong:4} of {of_wrong:4}  decided {found.decided / found.labelled:6.1%}"
        )


if __name__ == "__main__":
    main()
