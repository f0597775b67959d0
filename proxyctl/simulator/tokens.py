"""The simulator's token arithmetic: a stated rule instead of a tokenizer, so that tests can count by hand.

One token for every four characters, at least one for any text, none for no text; an image is 258 tokens. A prompt is
"cached" as far as its leading blocks of 1,024 tokens (4,096 characters) were seen before for the same model.
"""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

CHARACTERS_PER_TOKEN = 4
IMAGE_TOKENS = 258
BLOCK_TOKENS = 1024
_REMEMBERED_BLOCKS = 4096


class Tally(msgspec.Struct, frozen=True):
    """Tokens of one answer. `prompt` includes `cached`; `output` includes `thinking`."""

    prompt: int
    cached: int
    output: int
    thinking: int

    @property
    def total(self) -> int:
        return self.prompt + self.output


def count_tokens(text: str) -> int:
    return max(1, len(text) // CHARACTERS_PER_TOKEN) if text else 0


class PrefixMemory:
    """Which leading blocks of prompts were seen, newest kept."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def cached_tokens(self, owner: str, prompt: str) -> int:
        """Tokens of the longest known prefix; remembers this prompt's blocks for the next one."""
        size = BLOCK_TOKENS * CHARACTERS_PER_TOKEN
        if len(prompt) < size:
            return 0
        digest = blake2b(owner.encode(), digest_size=16)
        keys: list[bytes] = []
        for start in range(0, len(prompt) - size + 1, size):
            digest.update(prompt[start : start + size].encode("utf-8", "surrogatepass"))
            keys.append(digest.digest())
        known = next((index for index, key in enumerate(keys) if key not in self._seen), len(keys))
        for key in keys:
            self._seen[key] = None
            self._seen.move_to_end(key)
        while len(self._seen) > _REMEMBERED_BLOCKS:
            self._seen.popitem(last=False)
        return known * BLOCK_TOKENS

    def clear(self) -> None:
        self._seen.clear()
