"""Faults that a test arms at run time: a typed board that each stand-in reads at its own places."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class FaultError(ValueError):
    """A fault that the stand-in does not have, or one with wrong options."""


class Fault(BaseModel):
    """What all faults have in common; a stand-in's faults add their own options.

    Attributes:
        fault: The fault's name, as in `POST /control/faults`.
        count: How many uses it has (connections, or requests); None means until it is cleared.
    """

    model_config = ConfigDict(extra="forbid")

    fault: str
    count: int | None = Field(default=None, ge=1)


F = TypeVar("F", bound=Fault)


class FaultBoard(Generic[F]):
    """The faults that are armed now, in the order in which they were armed.

    Args:
        kinds: The model of each fault by its name.
    """

    def __init__(self, kinds: Mapping[str, type[F]]) -> None:
        self._kinds = dict(kinds)
        self._armed: list[F] = []

    def parse(self, payload: Any) -> F:
        """Reads one fault from its JSON form, without arming it.

        Raises:
            FaultError: If the name is unknown or an option is wrong; the sentence names both.
        """
        name = payload.get("fault") if isinstance(payload, dict) else None
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise FaultError(f"Unknown fault {name!r}: use one of {', '.join(sorted(self._kinds))}.")
        try:
            return kind.model_validate(payload)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'fault'}: {item['msg']}" for item in error.errors())
            raise FaultError(f"Wrong options for the fault {name!r}: {wrong}.") from None

    def arm(self, fault: F) -> None:
        """Puts a fault on the board."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Takes all faults from the board."""
        self._armed.clear()

    def take(self, wanted: Callable[[F], bool]) -> F | None:
        """Uses the first armed fault that is wanted: its count falls by one, and at zero it is gone.

        Args:
            wanted: Whether a fault applies at this place.

        Returns:
            The fault as it was before this use, or None.
        """
        for position, fault in enumerate(self._armed):
            if not wanted(fault):
                continue
            if fault.count == 1:
                del self._armed[position]
            elif fault.count is not None:
                self._armed[position] = fault.model_copy(update={"count": fault.count - 1})
            return fault
        return None

    def armed(self) -> list[dict[str, Any]]:
        """The board as JSON, for `GET /control`."""
        return [fault.model_dump() for fault in self._armed]
