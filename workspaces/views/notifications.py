"""What a person was told of: the bell, the page, and being told no more by e-mail."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workspaces.access import memberships_for, notifications_for, person
from workspaces.models import ByMail, Notification, User
from workspaces.together.digest import unsubscriber
from workspaces.together.news import News
from workspaces.together.notify import mark_read
from workspaces.views.comments import place_of

LISTED = 50


@login_required
@require_GET
@never_cache
def notifications(request: HttpRequest) -> HttpResponse:
    """List what the person was told of, newest first; with `?unread` what they have not looked at."""
    rows = notifications_for(memberships_for(person(request)))
    unread = "unread" in request.GET
    page = Paginator(rows.filter(read_at=None) if unread else rows, LISTED).get_page(request.GET.get("page"))
    context = {"news": [News(row) for row in page], "page": page, "unread": unread}
    return render(request, "workspaces/notifications.html", context)


@login_required
@require_GET
@never_cache
def bell(request: HttpRequest) -> HttpResponse:
    """Return the bell alone, with how many notifications are unread."""
    return render(request, "_bell.html")


@login_required
@require_GET
@never_cache
def notification(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Lead to what the notification is about, which is read with that."""
    row = get_object_or_404(notifications_for(memberships_for(person(request))), pk=notification_id)
    mark_read([row])
    return redirect(_place(row))


@login_required
@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    """Mark everything as read, or the one that the form names."""
    rows = notifications_for(memberships_for(person(request))).filter(read_at=None)
    one = request.POST.get("notification", "")
    mark_read(rows.filter(pk=int(one)) if one.isascii() and one.isdigit() and len(one) < 18 else rows)
    return redirect("notifications")


@csrf_exempt  # mail programs that know of one-click unsubscribing send this without a page before it (RFC 8058)
@require_http_methods(["GET", "POST"])
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether no more mail is wanted by whom the token was sent to; on POST send none."""
    try:
        user = get_object_or_404(User, pk=unsubscriber(token))
    except BadSignature:
        raise Http404 from None
    if request.method == "POST":
        User.objects.filter(pk=user.pk).update(notify_by_mail=ByMail.NEVER)
        messages.success(request, _("You will get no more notifications by e-mail."))
    return render(request, "workspaces/unsubscribe.html", {"done": request.method == "POST", "address": user.email})


def _place(row: Notification) -> str:
    if row.comment is not None:
        return place_of(row.comment)
    if row.question is not None:
        return reverse("question", args=[row.question.pk])
    if row.document is not None:
        return reverse("document", args=[row.document.pk])
    return reverse("workspace_settings", args=[row.workspace.slug])
