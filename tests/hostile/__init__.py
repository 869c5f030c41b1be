"""Hostile programs, as data: what each tries, and what must happen."""
