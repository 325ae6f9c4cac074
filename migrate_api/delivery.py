"""Delivers what stands in the outbox: to the Bus and to Hub Billing over HTTP, to people by mail. At least once.

A replica claims a message by a guarded update just before it sends it; one that dies leaves it to another. A message
that does not arrive is tried again later and later; after five days it is parked: it stays in the list and in the
metrics.
"""

from __future__ import annotations

import json
import logging
import random
import smtplib
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import get_args
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.database import Database
from migrate_api.outbox import Channel
from migrate_api.settings import ApiSettings
from migrate_api.tables import OutboxMessage
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, TargetError
from migrate_transfer.net.http import HttpClient

AT_ONCE = 100
CLAIM = timedelta(minutes=5)
"""Longer than any one message takes."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=6)
PATIENCE = timedelta(days=5)
PARKED = datetime(9999, 1, 1, tzinfo=UTC)
"""Due when nobody will ask any more."""
SECONDS = 20.0
log = logging.getLogger(__name__)


def set_up(settings: ApiSettings) -> list[Channel]:
    """The channels that lead anywhere."""
    places: dict[Channel, str] = {
        "bus": settings.bus_url,
        "billing": settings.hub_billing_url,
        "mail": settings.smtp_url.get_secret_value(),
    }
    return [name for name, place in places.items() if place]


class Delivery:
    """Sends due messages of the channels that are set up; those of the others wait."""

    def __init__(
        self, database: Database, settings: ApiSettings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database, self._settings, self._clock = database, settings, clock
        self._control = Control()

    def deliver(self, *only: Channel) -> int:
        """Send what is due, on all channels or on some; returns how many arrived. A message that fails is put off, the
        others go on. Raises Stopped between two messages, and where one would wait."""
        arrived = 0
        for message in self._due(only or get_args(Channel)):
            self._control.check()
            if not self._claim(message):
                continue
            error = self._sent(message)
            with self._database.transaction() as session:
                self._note(session, message, error)
            arrived += error is None
        return arrived

    def stop(self) -> None:
        """End after the message that is on its way."""
        self._control.stop("lease_lost")

    def _due(self, wanted: Sequence[Channel]) -> Sequence[OutboxMessage]:
        channels = [name for name in set_up(self._settings) if name in wanted]
        due = sa.select(OutboxMessage).where(
            OutboxMessage.delivered_at.is_(None),
            OutboxMessage.due_at <= self._clock(),
            OutboxMessage.channel.in_(channels),
        )
        with self._database.transaction() as session:
            return session.scalars(due.order_by(OutboxMessage.due_at).limit(AT_ONCE)).all()

    def _claim(self, message: OutboxMessage) -> bool:
        """Whether this replica got it: the others see that it is no longer due. Of a hundred that are due, the last is
        sent minutes after the first where the receiver is slow: claimed together, it would be sent by others too."""
        mine = sa.update(OutboxMessage).where(
            OutboxMessage.id == message.id,
            OutboxMessage.delivered_at.is_(None),
            OutboxMessage.due_at == message.due_at,
        )
        with self._database.transaction() as session:
            claimed = session.execute(mine.values(due_at=self._clock() + CLAIM))
            return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]

    def _sent(self, message: OutboxMessage) -> str | None:
        """None, or in words why not. Never what was sent or where to: it may hold a secret."""
        try:
            if message.channel == "mail":
                self._mail(message)
            else:
                self._post(message)
        except MigrateError as error:
            return f"{error.error_code}: {error.message}"
        except (OSError, smtplib.SMTPException) as error:
            return type(error).__name__
        return None

    def _post(self, message: OutboxMessage) -> None:
        bus = message.channel == "bus"
        url = self._settings.bus_url if bus else self._settings.hub_billing_url
        key = self._settings.bus_integration_key.get_secret_value() if bus else ""
        secret = {"X-Integration-Key": key} if key else {}
        body = {
            "id": message.id,
            "name": message.name,
            "tenant_id": message.tenant_id,
            "at": message.created_at.isoformat(),
            "data": message.body,
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
        with HttpClient(url, secret_headers=secret, connections=1, control=self._control, timeout=SECONDS) as http:
            answer = http.request("POST", url, content=json.dumps(body).encode(), headers=headers)
        if answer.status >= 300:
            raise TargetError(f"The {message.channel} answered {answer.status}.")

    def _mail(self, message: OutboxMessage) -> None:
        place = urlsplit(self._settings.smtp_url.get_secret_value())
        host, secure = place.hostname or "localhost", place.scheme == "smtps"
        mail = _mail(self._settings.mail_from, message)
        kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
        with kind(host, place.port or (465 if secure else 25), timeout=SECONDS) as smtp:
            smtp.ehlo()
            if not secure and smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo()
            if place.username:
                smtp.login(unquote(place.username), unquote(place.password or ""))
            smtp.send_message(mail)

    def _note(self, session: Session, claimed: OutboxMessage, error: str | None) -> None:
        message, now = session.get_one(OutboxMessage, claimed.id), self._clock()
        message.attempts += 1
        if error is None:
            message.delivered_at, message.last_error = now, None
            return
        log.warning("Message %s (%s) did not arrive: %s", message.id, message.name, error)
        message.last_error = error
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(20, message.attempts - 1)) * random.uniform(0.75, 1.25)
        message.due_at = PARKED if now - message.created_at > PATIENCE else now + wait


def _mail(sender: str, message: OutboxMessage) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, message.body["to"]
    mail["Subject"] = " ".join(str(message.body["subject"]).split())
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body["text"])
    with suppress(KeyError):
        mail.add_alternative(message.body["html"], subtype="html")
    return mail
