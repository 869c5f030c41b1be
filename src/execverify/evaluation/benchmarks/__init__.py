"""The benchmarks, one file each. A module here that defines `BENCHMARK` is a benchmark; nothing else has to know of it."""
