"""Models in the loop: they write programs and inputs, measure difficulty, and teach.

Each stage is a function over a batch of records. Requests go through an `Asker`, which keeps every answer in a `RequestStore`, so that
a run that was stopped sends no answered request again.
"""
