"""What a user calls an engine. Options are declared with it, so nothing else is loaded here."""

from typing import Literal, TypeAlias

EngineName: TypeAlias = Literal["auto", "sync", "threads", "processes", "cluster"]
