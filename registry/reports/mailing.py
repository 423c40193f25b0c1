"""Sending mail about weekly reports: each waiting row once. A mail says which week and where, never anything that is in a report."""

from __future__ import annotations

from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from registry.exceptions import RegistryError
from registry.models import Job, ReportMail
from registry.outcomes.locks import session_lock
from registry.rules.report_weeks import ReportWeek
from registry.services.report_mail import is_still_to_tell
from registry.vocabulary import ReportNews

log = structlog.get_logger(__name__)
# What the server says of one address; the next one may be taken.
OF_ONE_ADDRESS = (SMTPRecipientsRefused, SMTPDataError)


class MailNotSent(RegistryError):
    """Some mail about weekly reports could not be sent; it waits."""

    code = "mail_not_sent"


def send_report_mail(job: Job) -> None:
    """Send what waits in a job's trial, the oldest first; raise MailNotSent at the end where some could not be sent."""
    with session_lock(f"registry_report_mail:{job.trial_id}"):
        waiting = list(
            ReportMail.objects.filter(report__trial=job.trial, sent_at=None).select_related("report__trial", "user").order_by("pk")
        )
        left = len(waiting)
        cause = ""
        for mail in waiting:
            try:
                send_one(mail)
                left -= 1
            except OSError as error:
                cause = note_failure(mail, error)
                if not isinstance(error, OF_ONE_ADDRESS):
                    break
    if left:
        raise MailNotSent(f"{left} of {len(waiting)} mails about weekly reports not sent yet. The mail server: {cause}.")


def send_one(mail: ReportMail) -> None:
    """Send one mail unless it was sent or nobody wants it any more; raise OSError where the server does not take it.

    Cut off between the server's word and ours, it is sent again under the same Message-ID, by which the receiving side knows it.
    """
    if not is_still_to_tell(mail):
        mail.delete()
        return
    mine = ReportMail.objects.filter(pk=mail.pk, sent_at=None, attempts=mail.attempts)
    if mine.update(attempts=F("attempts") + 1):
        message_of(mail).send()
        ReportMail.objects.filter(pk=mail.pk).update(sent_at=timezone.now(), failure="")


def note_failure(mail: ReportMail, error: OSError) -> str:
    """Keep why a mail was not sent; a server's own words may quote addresses, so its number must do."""
    number = error.smtp_code if isinstance(error, SMTPResponseException) else error.errno
    cause = f"{type(error).__name__}{f' {number}' if number else ''}"
    log.warning("report_mail_not_sent", report_id=mail.report_id, user_id=mail.user_id, reason=cause)
    ReportMail.objects.filter(pk=mail.pk).update(failure=cause)
    return cause


def message_of(mail: ReportMail) -> EmailMessage:
    """Return the mail: trial, week, state and a link behind the sign-in."""
    with translation.override(settings.LANGUAGE_CODE):
        name = "failed" if mail.news == ReportNews.FAILED else "made"
        report, root = mail.report, settings.PUBLIC_URL.rstrip("/")
        here = reverse("status") if name == "failed" else reverse("reports", args=[report.trial.slug])
        about = {"trial": report.trial, "week": ReportWeek.read(report.week), "version": report.version, "name": mail.user.name}
        context = {**about, "url": root + here, "account_url": root + reverse("my_account")}
        subject = " ".join(render_to_string(f"reports/email/{name}_subject.txt", context).split())
        text = render_to_string(f"reports/email/{name}_message.txt", context).strip() + "\n"
    headers = {"Message-ID": message_id(mail), "Auto-Submitted": "auto-generated"}
    return EmailMessage(subject, text, to=[mail.user.email], headers=headers)


def message_id(mail: ReportMail) -> str:
    """Return the same name for the same mail, however often it is tried."""
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ")
    return f"<weekly-report.{mail.report_id}.{mail.news}.{mail.user_id}@{host}>"
