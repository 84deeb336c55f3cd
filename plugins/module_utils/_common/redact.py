# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Takes secrets out of whatever a person or a file gets to see.

Ansible's ``no_log`` does not reach displayed lines (measured) and garbles good results when a
secret is short (kubernetes.core issue 870), so operations redact by key and by value
themselves, and short values only where their key gives them away.
"""

from __future__ import annotations

import re
import typing as t

HIDDEN = "********"
# Long enough that hiding the value wherever it occurs does not garble ordinary words and numbers.
SHORTEST = 6
_KEY = re.compile(
    r"passw|secret|token|api_?key|access_?key|private_?key|credential|authorization|cookie|dsn|connection_?string",
    re.IGNORECASE,
)
# user:password@ of any URL, and "Bearer <token>", also where nobody knows the value.
_INLINE = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)|(?<=\bBearer )[A-Za-z0-9._~+/=-]{8,}")


def is_secret_key(key: object) -> bool:
    """Whether a value under this key (an option, an environment variable, a header) is to be hidden."""
    return bool(_KEY.search(str(key)))


class Redactor:
    def __init__(self) -> None:
        self._values: list[str] = []

    def learn(self, value: object) -> None:
        """From now on this value is hidden wherever it occurs; of several
        lines (a key, a certificate) each by itself, too, as logs show them.
        """
        if isinstance(value, str) and "\n" in value.strip():
            for line in value.splitlines():
                self.learn(line.strip())
        if (
            isinstance(value, str)
            and len(value) >= SHORTEST
            and value not in self._values
            and value != HIDDEN
        ):
            self._values.append(value)
            self._values.sort(key=len, reverse=True)  # the longest first: one secret may be part of another

    def learn_from(self, params: t.Any, options: t.Mapping[str, t.Any] | None = None) -> None:
        """Learns the values of secret options and of everything under a telling key, however deep."""
        if isinstance(params, dict):
            for key, value in params.items():
                option = (options or {}).get(key)
                secret = option.secret if option else None
                if isinstance(value, str) and (secret or (secret is None and is_secret_key(key))):
                    self.learn(value)
                else:
                    self.learn_from(value, _fields(option))
        elif isinstance(params, (list, tuple)):
            for value in params:
                self.learn_from(value, options)

    def text(self, text: str) -> str:
        for secret in self._values:
            text = text.replace(secret, HIDDEN)
        return _INLINE.sub(HIDDEN, text)

    def value(self, value: t.Any) -> t.Any:
        """The same structure with every secret hidden, by key and by value."""
        if isinstance(value, dict):
            # A Secret of Kubernetes says by its kind what its keys do not.
            inside = ("data", "stringData") if value.get("kind") == "Secret" else ()
            return {
                key: _all_hidden(item)
                if key in inside or (isinstance(item, str) and is_secret_key(key))
                else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value


def _fields(option: t.Any) -> t.Any:
    """What a dictionary, or each dictionary of a list, consists of."""
    if option is None:
        return None
    return option.each.fields if option.each is not None else option.fields


def _all_hidden(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _all_hidden(item) for key, item in value.items()}
    return HIDDEN if isinstance(value, str) and value else value
