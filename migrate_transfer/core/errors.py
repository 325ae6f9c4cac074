"""The error tree of the whole house.

    MigrateError                     code, message, remedy, details
    |-- TransientError               the same call may succeed later
    |   |-- ServiceUnavailable       5xx, 429, 503; may carry retry_after
    |   `-- ConnectionLost           no answer, a cut answer, a time-out: outcome unknown
    |-- ItemError                    this one item failed; the job goes on
    |   `-- RejectedItem             the far side refused the item's content
    |-- FatalError                   the job cannot go on until a person acts
    |   |-- AccessDenied             key or login refused
    |   |-- SourceError              the source cannot be reached or read
    |   |-- TargetError              the target is not what was promised
    |   |-- InvalidRequest           what the user asked for makes no sense
    |   |-- Refused                  the service refuses what its agent asked; the code is the service's
    |   |-- StorageError             our own disk or book-keeping failed
    |   |   `-- VaultError           a secret cannot be sealed or opened
    |   `-- AlreadyRunning           somebody else holds the lease
    `-- (signal) Stopped             not an error: paused, cancelled or lease lost

A library's exception is translated once, at its door; from there on only the class matters.
Messages and remedies carry keys and counts, never people or secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MigrateError(Exception):
    """An error with a machine code and a remedy for the person who reads it.

    `code` is UPPER_SNAKE and stable; `remedy` is a sentence that says what to do next;
    `details` holds plain JSON values.
    """

    code: ClassVar[str] = "ERROR"
    default_remedy: ClassVar[str] = "Read the message; if it does not help, send the support bundle."

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.remedy = remedy or self.default_remedy
        self.details: dict[str, object] = dict(details or {})


class TransientError(MigrateError):
    """The same call may succeed later."""

    code = "TRANSIENT"
    default_remedy = "Wait and try again."

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        code: str | None = None,
        remedy: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, code=code, remedy=remedy, details=details)
        self.retry_after = retry_after
        """Seconds the far side asked us to wait, if it did."""


class ServiceUnavailable(TransientError):
    """The far side answered that it cannot serve now (429, 502, 503, 504 and other 5xx)."""

    code = "SERVICE_UNAVAILABLE"
    default_remedy = "The service is busy or down; start the job again when it is back: it goes on where it stopped."


class ConnectionLost(TransientError):
    """No complete answer came; whether the call took effect is unknown."""

    code = "CONNECTION_LOST"
    default_remedy = "Check the network path to the service; the job goes on where it stopped."


class ItemError(MigrateError):
    """This item failed; the others go on."""

    code = "ITEM_FAILED"
    default_remedy = "Correct the item and retry the failed items."


class RejectedItem(ItemError):
    """The far side understood the item and refused it."""

    code = "REJECTED"
    default_remedy = "Correct the record as the message says and replay it from the dead letters."


class FatalError(MigrateError):
    """The job cannot go on until a person acts."""

    code = "FATAL"


class AccessDenied(FatalError):
    """A key or login was refused."""

    code = "ACCESS_DENIED"
    default_remedy = "Give the job a valid key and start it again."


class SourceError(FatalError):
    """The source cannot be reached or read, or is not what it should be."""

    code = "SOURCE_UNREADABLE"
    default_remedy = "Run test-connection and follow its advice."


class TargetError(FatalError):
    """The target does not behave as its contract says."""

    code = "TARGET_UNEXPECTED"
    default_remedy = "Check the target's address and version."


class InvalidRequest(FatalError):
    """What was asked for makes no sense."""

    code = "INVALID_REQUEST"
    default_remedy = "Correct the named option."


class StorageError(FatalError):
    """Our own disk or books failed."""

    code = "STORAGE_FAILED"
    default_remedy = (
        "See that the disk has space and that this user may write to the folder, then start the job again: it goes on"
        " where it stopped."
    )


class VaultError(StorageError):
    """A secret cannot be sealed or opened."""

    code = "VAULT_KEY_MISSING"
    default_remedy = "Set MIGRATE_VAULT_KEYS to the keys this service had before, the newest first."


class Refused(FatalError):
    """The service refuses what its agent asked; `error_code` is the service's."""

    code = "REFUSED"
    default_remedy = "Do what the message says; see `migrate-agent diagnose`."


class AlreadyRunning(FatalError):
    """Another process holds the lease on this part of the job."""

    code = "ALREADY_RUNNING"
    default_remedy = "Wait for the other run, or stop it; a dead run's lease ends by itself."


class Stopped(BaseException):
    """The work was told to stop: `paused`, `cancelled` or `lease_lost`. A signal, not an error,
    hence no Exception: nothing that handles errors may swallow it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
