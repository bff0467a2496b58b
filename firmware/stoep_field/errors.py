"""What the technician's tool knows how to explain: in plain words, each with what to do about it."""

from stoep.errors import PermanentError


class FieldError(PermanentError):
    """`words` say what is wrong, `remedy` what to do."""

    def __init__(self, words: str, remedy: str) -> None:
        super().__init__(f"{words}; {remedy}")
        self.words, self.remedy = words, remedy


class ImageError(FieldError):
    """What is to be flashed cannot be made of what was given."""


class BoardError(FieldError):
    """One board cannot go on now; the same command does the rest when the cause is gone."""


class FolderError(FieldError):
    """The working folder says something else than what was asked for."""
