"""What goes wrong with settings, said in sentences for the person who operates the worker."""

from collections.abc import Iterable


class SettingsError(Exception):
    """Settings that cannot be used; the command line ends with status 78 (EX_CONFIG) on it.

    Attributes:
        sentences: Everything that was found, one plain sentence each, with the remedy. No sentence
            contains the value of a setting that may be a secret.
    """

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences: tuple[str, ...] = tuple(dict.fromkeys(sentences))
        super().__init__("\n".join(self.sentences))
