"""What holds for every test: nothing asks a hub, where a machine without one would wait for minutes."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
