"""The ablation: training conditions compared with each other over seeds, by `execverify evaluate`'s own code."""
