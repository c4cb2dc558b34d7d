"""What every section of the settings has in common."""

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from config.values import wrong

_NUMBERS = {int, float}


def _types_in(annotation: object) -> Iterator[object]:
    """Yield the types that an annotation is made of, such as those of `Annotated[int, …] | None`."""
    yield annotation
    for each in get_args(annotation):
        yield from _types_in(each)


class Section(BaseModel):
    """A group of settings; immutable, and closed against keys that it does not know.

    The text below each field is its documentation: it becomes the field's description, from which
    the settings reference and `.env.example` are made.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse YAML's yes, no, on and off where a number is meant; Python counts them as 1 and 0."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and _NUMBERS & set(_types_in(annotation)):
            raise wrong("must be a number, not yes or no")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _text_that_can_be_handed_on(cls, value: object) -> object:
        """Take off space around a text, such as the line break at the end of a mounted secret.

        Refuse what could not be handed to a job's process as an environment variable.
        """
        if not isinstance(value, str):
            return value
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise wrong("contains a character that is no text; write it again as UTF-8")
        return value.strip()
