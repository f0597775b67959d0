"""Coding agents of `tests/clients/agents` as their users run them, headless, each in a home and a folder of its own.

Their settings are the blocks of `docs/clients.md`, with this daemon's address in place of the documented one, so that
what is documented is what is tried. Every proxy variable points at a port where nobody listens: whatever an agent wants
of the world beyond loopback fails at once, and must not matter.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .home import SECONDS, Done
from .node_process import node_program

FOLDER = Path(__file__).with_name("agents")
PACKAGES = FOLDER / "node_modules"
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "clients.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8094"
NOTES, COPY = "notes.txt", "copy.txt"
MARKER = "walnut-4711"
PROMPT = "Copy notes.txt to copy.txt, then read the copy and tell me its marker."


def block(name: str) -> str:
    """The fenced block of the documentation that follows the mark `<!-- name -->`."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", DOCUMENTED, re.DOTALL)
    assert found is not None, f"docs/clients.md has no block {name!r}"
    return found.group(1)


@dataclass(frozen=True)
class Call:
    """A tool of the agent's own and its arguments, as the model would write them; `{folder}` is where it works."""

    tool: str
    arguments: Mapping[str, str]

    def within(self, folder: Path) -> tuple[str, dict[str, str]]:
        return self.tool, {name: value.replace("{folder}", str(folder)) for name, value in self.arguments.items()}


@dataclass(frozen=True)
class Agent:
    """`program` is a pattern below the packages. `files` are settings by their place in the home, blocks by name.

    `words` is the command line, with `{model}` and `{prompt}`. `copies` and `reads` are the turns of the tool loop.
    `quiet` switches off what an agent does unasked. `losses` is what a foreign provider may lose of its requests,
    as paths without their numbers.
    """

    name: str
    program: str
    words: Sequence[str]
    client: str
    copies: Call
    reads: Call
    exports: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    quiet: Mapping[str, str] = field(default_factory=dict)
    on_node: bool = False
    losses: frozenset[str] = frozenset()

    def what_is_missing(self) -> str:
        """Why it cannot be run here, `""` when it can."""
        if self._program() is None:
            return f"{self.name} is not installed: npm ci --prefix tests/clients/agents"
        return "there is no new node" if self.on_node and not node_program() else ""

    def run(
        self,
        folder: Path,
        url: str,
        model: str,
        prompt: str = PROMPT,
        *,
        files: Mapping[str, str] | None = None,
        **environ: str,
    ) -> Done:
        """Let it work in `folder` with the daemon at `url`. `files` replace documented settings, by place."""
        home, work = folder / "home", folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        (work / NOTES).write_text(f"The marker is {MARKER}.\n")
        texts = {place: block(name) for place, name in self.files.items()} | dict(files or {})
        for place, text in texts.items():
            path = home / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace(ADDRESS, url))
        return subprocess.run(
            self._command(model, prompt),
            cwd=work,
            env={**_bare(home), **self._exported(url), **self.quiet, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def _command(self, model: str, prompt: str) -> list[str]:
        program = self._program()
        assert program is not None
        words = [word.format(model=model, prompt=prompt) for word in self.words]
        return [*([node_program()] if self.on_node else []), str(program), *words]

    def _exported(self, url: str) -> dict[str, str]:
        """The variables that the documentation exports for it."""
        lines = block(self.exports).splitlines() if self.exports else []
        assigned = [shlex.split(line)[1] for line in lines if line.startswith("export ")]
        return {name: value.replace(ADDRESS, url) for name, _, value in (one.partition("=") for one in assigned)}

    def _program(self) -> Path | None:
        return next(PACKAGES.glob(self.program), None)


def _bare(home: Path) -> dict[str, str]:
    """No key and no setting of the one who runs the tests, and no way out."""
    home.mkdir(parents=True, exist_ok=True)
    nowhere = "http://127.0.0.1:9"
    outward = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    node = node_program()
    return {
        **dict.fromkeys(outward, nowhere),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "HOME": str(home),
        "PATH": ":".join([*([str(Path(node).parent)] if node else []), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
    }


CLAUDE = Agent(
    "claude",
    "@anthropic-ai/claude-code-linux-*/claude",
    ("-p", "{prompt}", "--model", "{model}", "--allowedTools", "Read,Bash"),
    client="claude-cli/",
    copies=Call("Bash", {"command": "cp notes.txt copy.txt", "description": "Copy the notes"}),
    reads=Call("Read", {"file_path": "{folder}/copy.txt"}),
    exports="claude",
    quiet={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"},
    losses=frozenset({"context_management", "messages[].role", "reasoning effort", "reasoning.effort"}),
)
CODEX = Agent(
    "codex",
    "@openai/codex-linux-*/vendor/*/bin/codex",
    ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-m", "{model}", "{prompt}"),
    client="codex_exec/",
    copies=Call("exec_command", {"cmd": "cp notes.txt copy.txt"}),
    reads=Call("exec_command", {"cmd": "cat copy.txt"}),
    files={".codex/config.toml": "codex config.toml"},
    losses=frozenset({"tools[]", "messages[].parts[]", "reasoning effort", "reasoning.effort"}),
)
GEMINI_CLI = Agent(
    "gemini-cli",
    "@google/gemini-cli/bundle/gemini.js",
    ("-p", "{prompt}", "-m", "{model}", "--yolo"),
    client="GeminiCLI-",
    copies=Call("run_shell_command", {"command": "cp notes.txt copy.txt", "description": "Copy the notes"}),
    reads=Call("read_file", {"file_path": "{folder}/copy.txt"}),
    exports="gemini",
    files={".gemini/settings.json": "gemini settings.json"},
    quiet={"GEMINI_CLI_TRUST_WORKSPACE": "true", "GEMINI_TELEMETRY_ENABLED": "false"},
    on_node=True,
    losses=frozenset({"temperature", "top_k", "top_p"}),
)
OPENCODE = Agent(
    "opencode",
    "opencode-linux-*/bin/opencode",
    ("run", "--model", "proxyctl/{model}", "{prompt}"),
    client="opencode/",
    copies=Call("bash", {"command": "cp notes.txt copy.txt", "description": "Copy the notes"}),
    reads=Call("read", {"filePath": "{folder}/copy.txt"}),
    files={".config/opencode/opencode.json": "opencode.json"},
    quiet={"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
)
AGENTS = (CLAUDE, CODEX, GEMINI_CLI, OPENCODE)
