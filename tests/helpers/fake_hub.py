"""A small hub on this machine: the endpoints that huggingface_hub calls to make a dataset's repository and commit files to it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_allowed"


class FakeHub:
    """The hub's content: files by repository and path."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.objects: dict[str, bytes] = {}
        self.messages: list[str] = []
        self.validated: list[str] = []
        self.url = ""

    def commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        """Apply a commit: a header, then files, LFS files and deletions."""
        files = self.repositories[repository]
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "header":
                    self.messages.append(value["summary"])
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.objects[value["oid"]]
                case "deletedFile":
                    del files[value["path"]]


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *_: Any) -> None:
        pass

    def _reply(self, value: Any, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_PUT(self) -> None:
        self.hub.objects[self.path.rpartition("/")[2]] = self._body()
        self._reply({})

    def do_GET(self) -> None:
        repository = "/".join(self.path.partition("?")[0].partition("/datasets/")[2].split("/")[:2])
        files = self.hub.repositories.get(repository)
        if files is None:
            self._reply({"error": "there is no such repository"}, 404)
        elif "/tree/" in self.path:
            self._reply([{"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in files.items()])
        else:
            self._reply({"id": repository, "siblings": [{"rfilename": name} for name in files]})

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._reply({"error": "Invalid username or password."}, 401)
        elif self.path == "/api/validate-yaml":
            self.hub.validated.append(json.loads(body)["content"])
            self._reply({"errors": [], "warnings": []})
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            self.hub.private.setdefault(name, bool(asked.get("private")))
            status = 409 if name in self.hub.repositories else 200
            self.hub.repositories.setdefault(name, {})
            self._reply({"url": f"{self.hub.url}/datasets/{name}", "error": "it exists"}, status)
        elif "/preupload/" in self.path:
            modes = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["path"].endswith(".parquet") else "regular",
                    "shouldIgnore": False,
                }
                for one in json.loads(body)["files"]
            ]
            self._reply({"files": modes})
        elif self.path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            self._reply(
                {
                    "transfer": "basic",
                    "objects": [
                        {**one, "actions": {"upload": {"href": f"{self.hub.url}/objects/{one['oid']}", "header": {}}}}
                        for one in objects
                    ],
                }
            )
        elif "/commit/" in self.path:
            repository = self.path.split("/datasets/")[1].split("/commit/")[0]
            self.hub.commit(repository, [json.loads(line) for line in body.splitlines() if line.strip()])
            self._reply({"success": True, "commitOid": "1" * 40, "commitUrl": f"{self.hub.url}/datasets/{repository}/commit/1"})
        else:
            self._reply({"error": f"no such endpoint: {self.path}"}, 404)


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """A hub on a free port of this machine, for as long as the block lasts."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
