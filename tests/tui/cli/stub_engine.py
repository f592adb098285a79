"""A program that stands in for the engine: proves itself, answers the control door from canned values, stops.

``python stub_engine.py '{"contract": 2, …}'`` under a ``CCTUI_HOME``; the keys are the fields of ``Plan``.
"""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from proxy import contract as c
from proxy.paths import find_paths, local_token, write_private
from tests.tui.cli import canned


class Plan(msgspec.Struct, kw_only=True):
    """How the stub behaves."""

    contract: int = c.CONTRACT
    wrong_proof: bool = False
    words: str = ""
    """Said on standard error."""
    exit_code: int | None = None
    """Ends at once with it."""
    own_credential: bool = False
    drains_until: str = ""
    """A named pipe: a stop is finished when somebody wrote into it."""
    births: str = ""
    """A file that gets a line for each stub that was started."""


class Stub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, plan: Plan) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan = plan
        self.paths = find_paths()
        self.token = local_token(self.paths)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.route = canned.ROUTE
        self.draining = False
        self.resting = ""

    @property
    def engine(self) -> c.Engine:
        return c.Engine(
            pid=os.getpid(),
            url=self.url,
            version="9.9",
            contract=self.plan.contract,
            started_at=canned.STARTED_AT,
            home=str(self.paths.state_dir),
        )

    def announce(self) -> None:
        record = {"pid": os.getpid(), "url": self.url, "token": self.token, "contract": self.plan.contract}
        write_private(self.paths.runtime_file, msgspec.json.encode(record))

    def drain(self, until: str) -> None:
        """Ends, but not before somebody wrote into the pipe ``until``."""
        self.draining = True
        threading.Thread(target=self._drained, args=(until,), daemon=True).start()

    def _drained(self, until: str) -> None:
        if until:
            Path(until).read_bytes()
        self.end()

    def end(self) -> None:
        self.paths.runtime_file.unlink(missing_ok=True)
        threading.Thread(target=self.shutdown, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = address.path.removeprefix(c.DOOR)
        if path == "/hello":
            self._answer(self._hello(parse_qs(address.query)["nonce"][0]))
        elif self.headers[c.TOKEN_HEADER] != self.server.token:
            self._answer(c.Refusal(code="token", message="the local token is missing"), 401)
        else:
            self._answer(self._known(path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        match self.path.removeprefix(c.DOOR):
            case "/use":
                self._use(msgspec.json.decode(body, type=c.Use))
            case "/fallback":
                self._answer(self._fallback(msgspec.json.decode(body, type=c.SetFallback)))
            case "/rest":
                self._rest(msgspec.json.decode(body, type=c.RestProvider))
            case "/try":
                tried = msgspec.json.decode(body, type=c.TryProvider)
                ok = tried.provider == "anthropic"
                self._answer(c.Tried(ok=ok, text="12 models" if ok else "401: the key was refused", duration_ms=412.0))
            case "/budget/set":
                self._answer(canned.with_amount(msgspec.json.decode(body, type=c.SetBudget)))
            case "/budget/grant":
                granted = msgspec.json.decode(body, type=c.GrantBudget)
                self._answer(canned.with_amount(c.SetBudget(kind="day", amount_nano_usd=granted.amount_nano_usd)))
            case "/budget/pass":
                self._answer(canned.passing(msgspec.json.decode(body, type=c.PassBudget)))
            case "/check":
                self._answer(canned.checked(msgspec.json.decode(body, type=c.RunCheck)))
            case "/reprice":
                self._answer(canned.repriced(msgspec.json.decode(body, type=c.Reprice)))
            case "/stop":
                self._answer({"ok": True})
                self.server.drain(self.server.plan.drains_until)
            case _:
                self._answer(c.Refusal(code="unknown", message="no such command"), 404)

    def _hello(self, nonce: str) -> c.Hello:
        plan = self.server.plan
        proof = "0" * 64 if plan.wrong_proof else c.proof_of_token(self.server.token, nonce)
        return c.Hello(
            product="cctui",
            contract=plan.contract,
            version="9.9",
            pid=os.getpid(),
            proof=proof,
            draining=self.server.draining,
        )

    def _known(self, path: str) -> object:
        return {
            "/state": canned.snapshot(self.server.engine, self.server.route, self.server.resting),
            "/models": canned.MODELS,
            "/requests": (canned.FELL_BACK, canned.UNPRICED),
            "/usage": canned.REPORT,
            "/whatif": canned.WHAT_IF,
            "/latency": canned.LATENCIES,
            "/context": canned.CONTEXT,
            "/cache": canned.CACHE,
            "/budget": canned.with_amount(c.SetBudget(kind="day")),
            "/check": canned.CHECKED,
            "/launch": c.LaunchPlan(
                url=self.server.url,
                provider="openrouter",
                own_credential=self.server.plan.own_credential,
                real_claude=True,
            ),
        }[path]

    def _use(self, use: c.Use) -> None:
        if use.target == "nobody":
            self._answer(c.Refusal(code="unknown_target", message="no provider or model is called nobody"), 404)
            return
        self.server.route = canned.routed(self.server.route, use)
        self._answer(self.server.route)

    def _rest(self, command: c.RestProvider) -> None:
        if command.provider not in [row.name for row in canned.PROVIDERS]:
            self._answer(c.Refusal(code="unknown", message=f"no provider is called {command.provider}"), 404)
            return
        self.server.resting = command.provider if command.resting else ""
        self._answer({"ok": True})

    def _fallback(self, command: c.SetFallback) -> c.Route:
        old = self.server.route
        self.server.route = c.Route(
            default=old.default,
            overrides=old.overrides,
            fallback_enabled=old.fallback_enabled if command.enabled is None else command.enabled,
            chain=old.chain if command.chain is None or command.slot else command.chain,
            slot_chains={command.slot: command.chain} if command.slot and command.chain else {},
            groups=old.groups,
        )
        return self.server.route

    def _answer(self, value: object, status: int = 200) -> None:
        body = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1] if len(sys.argv) > 1 else "{}", type=Plan)
    if plan.births:
        with Path(plan.births).open("a") as births:
            births.write("born\n")
    sys.stderr.write(plan.words)
    if plan.exit_code is not None:
        raise SystemExit(plan.exit_code)
    stub = Stub(plan)
    signal.signal(signal.SIGTERM, lambda *_: stub.end())
    stub.announce()
    stub.serve_forever()


if __name__ == "__main__":
    main()
