"""The page of a run: scores, slices, and every item with what was asked, answered and expected."""
