"""Evidence: training recipes against each other, over seeds, by the evaluation that exists."""
