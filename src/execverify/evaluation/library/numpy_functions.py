"""The programs of library-io that need numpy; asked where it is installed. Results are plain values. Read as text, never imported."""

import numpy as np


def column_means(rows):
    return np.array(rows).mean(axis=0).tolist()


column_means([[1, 2], [3, 5]])


def outer_table(a, b):
    return np.outer(np.arange(1, a + 1), np.arange(1, b + 1)).tolist()


outer_table(2, 3)


def clip_and_shift(values, low, high):
    return (np.clip(np.array(values), low, high) - low).tolist()


clip_and_shift([-4, 0, 3, 9], -1, 5)


def broadcast_sum(column, row):
    return (np.array(column)[:, None] + np.array(row)).shape


broadcast_sum([1, 2, 3], [10, 20])


def masked(values, limit):
    array = np.array(values)
    array[array > limit] = -1
    return array.tolist(), int((array == -1).sum())


masked([3, 8, 5, 9], 5)


def rolled(values, shift):
    return np.roll(np.array(values).reshape(2, -1), shift, axis=1).tolist()


rolled([1, 2, 3, 4, 5, 6], 1)


def rank_of(values):
    return np.argsort(np.argsort(values)).tolist()


rank_of([30, 10, 40, 20])


def unique_counts(values):
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist()))


unique_counts([3, 1, 3, 2, 1, 3])


def integer_kind(value):
    return str(np.array([value, 2]).dtype), np.array([value, 2], dtype=np.int8).tolist()


integer_kind(1.9)


def trace_and_diagonal(n):
    matrix = np.arange(n * n).reshape(n, n)
    return int(matrix.trace()), np.fliplr(matrix).diagonal().tolist()


trace_and_diagonal(3)
