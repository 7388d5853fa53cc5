"""How e-mail goes out, for administrators: a message to try it, and what lies in the folder where it is not sent."""

from __future__ import annotations

from smtplib import SMTPException

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from workspaces import mail as folder
from workspaces.access import staff_or_404
from workspaces.audit import record
from workspaces.audit.actions import Action

LISTED = 100


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest) -> HttpResponse:
    """Show how mail goes out, and send the administrator a message on POST."""
    user = staff_or_404(request)
    problem = ""
    if request.method == "POST":
        problem = _try(user.email)
        if not problem:
            messages.success(request, gettext("A message to %(email)s is on its way.") % {"email": user.email})
            return redirect("mail")
    page = {
        "problem": problem,
        "folder": folder.mail_folder(),
        "mails": folder.messages(LISTED),
        "server": getattr(settings, "EMAIL_HOST", ""),
        "port": getattr(settings, "EMAIL_PORT", ""),
        "encrypted": settings.EMAIL_USE_SSL or settings.EMAIL_USE_TLS,
        "sender": settings.DEFAULT_FROM_EMAIL,
    }
    return render(request, "workspaces/mail.html", page, status=502 if problem else 200)


@login_required
@never_cache
@require_safe
def mail_message(request: HttpRequest, file_name: str, number: int) -> HttpResponse:
    """Show one message. It is logged: links that open accounts are in there."""
    staff_or_404(request)
    message = folder.message_of(file_name, number)
    if message is None:
        raise Http404
    record(Action.MAIL_SEEN, to=message.to, subject=message.subject)
    return render(request, "workspaces/mail_message.html", {"mail": message})


def _try(address: str) -> str:
    """Send a message; return what went wrong, "" if nothing did."""
    try:
        send_mail(
            gettext("Lectern: a message to try"),
            gettext("If you can read this, Lectern's e-mail arrives.\n\nLectern"),
            None,
            [address],
        )
    except (SMTPException, OSError) as error:
        return str(error) or type(error).__name__
    return ""
