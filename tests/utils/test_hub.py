"""Where the hub cannot be reached, its client does not try for a minute."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from execverify.utils import hub
from execverify.utils.hub import hub_access, hub_problem


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def closed_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def test_a_hub_that_answers_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        with hub_access("owner/name") as problem:
            assert problem == "" and "HF_HUB_OFFLINE" not in os.environ


def test_a_hub_that_cannot_be_reached_puts_its_client_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    assert hub_problem() == "127.0.0.1 cannot be reached: Connection refused"
    before = constants.HF_HUB_OFFLINE
    with hub_access("owner/name") as problem:
        assert "cannot be reached" in problem and constants.HF_HUB_OFFLINE and os.environ["HF_HUB_OFFLINE"] == "1"
    assert before == constants.HF_HUB_OFFLINE and "HF_HUB_OFFLINE" not in os.environ
    with hub_access(str(tmp_path)) as problem:
        assert problem == "", "a folder is not asked of the hub"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub_problem() == "", "offline is what is wanted"


def test_the_proxy_is_tried_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert hub_problem() == ""


def test_a_name_that_takes_long_to_look_up_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    monkeypatch.setattr(hub, "_SECONDS", 0.05)
    waits = threading.Event()
    monkeypatch.setattr(hub, "_connection_problem", lambda host, port: str(waits.wait(1)))
    assert hub_problem() == "hub.invalid cannot be reached: no answer in 0 seconds"


def test_a_model_of_the_hub_fails_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    code = (
        "import time, transformers\n"
        "from execverify.models.transformers_backend import Transformers\n"
        "from execverify.errors import ModelError\n"
        "model, start = Transformers('owner/name'), time.monotonic()\n"
        "try:\n    model.loaded()\nexcept ModelError as error:\n    print(time.monotonic() - start, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    seconds, _, message = done.stdout.partition(" ")
    assert message.strip() == "owner/name could not be loaded: 127.0.0.1 cannot be reached: Connection refused", done.stderr
    assert float(seconds) < 30, "a busy machine's seconds; the client alone takes a minute"
