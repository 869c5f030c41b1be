"""Thin recipes over the training engines that exist: TRL on one machine, verl on a cluster. No trainer of our own."""
