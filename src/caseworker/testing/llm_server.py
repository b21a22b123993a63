"""An OpenAI-compatible server on loopback that answers as it is told: well, wrongly, half, slowly, or not at all."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request gets. `text` is the model's words; `raw` replaces the whole body; `slow` are seconds before it comes.

    `cut` says that the words ended at the limit of tokens; without `counted` no tokens are told.
    """

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    slow: float = 0.0
    cut: bool = False
    counted: bool = True

    def body(self) -> bytes:
        """The bytes on the wire."""
        if self.raw is not None:
            return self.raw
        message = {"role": "assistant", "content": self.text}
        answer: dict[str, object] = {"choices": [{"message": message, "finish_reason": "length" if self.cut else "stop"}]}
        if self.counted:
            answer["usage"] = {"prompt_tokens": 1000, "completion_tokens": len(self.text.split())}
        return json.dumps(answer).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    path: str
    key: str
    body: Mapping[str, Any]

    @property
    def user(self) -> str:
        """The material."""
        return str(self.body["messages"][-1]["content"])


Script = Callable[[Asked], Answer]


class LlmServer:
    """Serves while its `with` block lasts; what is still slow then is given up."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """What CASEWORKER_MODEL_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(owner: LlmServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is the library's
            length = int(self.headers.get("Content-Length", "0"))
            asked = Asked(self.path, self.headers.get("Authorization", ""), json.loads(self.rfile.read(length)))
            owner.asked.append(asked)
            answer = owner.script(asked)
            if answer.slow and owner.over.wait(answer.slow):
                return
            body = answer.body()
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                pass  # the client gave up

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
            """Tests want no lines on stderr."""

    return Handler
