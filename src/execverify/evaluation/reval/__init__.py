"""REval's data, what is true of its probes, and how answers are judged; `benchmarks/reval.py` puts them together."""
