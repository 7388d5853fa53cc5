"""A real git server on loopback: smart HTTP over a repository in a folder, with a token if one is asked for."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from dulwich.index import commit_tree
from dulwich.objects import Blob, Commit
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

MAIN = b"refs/heads/main"


class Quiet(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, *_: object) -> None: ...


@dataclass
class GitServer:
    """url: of the repository. asked: the Authorization header of each request. token: what has to be in it."""

    folder: Path
    port: int = 0
    token: str = ""
    asked: list[str] = field(default_factory=list)
    redirect_to: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/shop.git"

    def commit(self, files: dict[str, str], message: str = "Change", submodule: str = "") -> str:
        """Commit these files and no others to the branch main, with a submodule if one is named; return the commit."""
        git = Repo(str(self.folder))
        blobs = {path: Blob.from_string(text.encode()) for path, text in files.items()}
        for blob in blobs.values():
            git.object_store.add_object(blob)
        entries = [(path.encode(), blob.id, 0o100644) for path, blob in blobs.items()]
        if submodule:
            entries.append((submodule.encode(), b"1" * 40, 0o160000))
        commit = Commit()
        commit.tree = commit_tree(git.object_store, entries)
        commit.parents = [git.refs[MAIN]] if MAIN in git.refs else []
        commit.author = commit.committer = b"A <a@firm.example>"
        commit.commit_time = commit.author_time = 1_700_000_000
        commit.commit_timezone = commit.author_timezone = 0
        commit.message = message.encode()
        git.object_store.add_object(commit)
        git.refs[MAIN] = commit.id
        return commit.id.decode()

    def app(self, serve: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            sent = environ.get("HTTP_AUTHORIZATION", "")
            self.asked.append(sent)
            if self.redirect_to:
                start_response(
                    "302 Found", [("Location", f"{self.redirect_to}{environ['PATH_INFO']}?{environ['QUERY_STRING']}")]
                )
                return [b""]
            if self.token and self.token not in base64.b64decode(sent.removeprefix("Basic ")).decode():
                start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b"no"]
            return serve(environ, start_response)

        return guarded


@contextmanager
def git_server(folder: Path) -> Iterator[GitServer]:
    """Serve a new repository in `folder` until the context ends."""
    folder.mkdir()
    repository = Repo.init(str(folder), default_branch=b"main")
    found = GitServer(folder)
    app = found.app(make_wsgi_chain(DictBackend({"/shop.git": repository})))
    server = make_server("127.0.0.1", 0, app, WSGIServer, Quiet)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        repository.close()
