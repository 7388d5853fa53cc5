"""The forms of people and workspaces."""

from __future__ import annotations

import re
from typing import Any

from allauth.account.forms import AddEmailForm, SignupForm
from allauth.account.utils import filter_users_by_email
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis.egress import embedder_is_away
from workspaces.access import folders_for, members_for, roles_given_by
from workspaces.accounts import refuse_the_firms
from workspaces.hooks.events import HookEvent
from workspaces.models import INVITE_LIFETIME, ByMail, Folder, Member, Role, Scope, User, Workspace

WRITERS = [
    (Role.EDITOR, _("Editors and above")),
    (Role.ADMIN, _("Admins and owners")),
    (Role.OWNER, _("Owners")),
]
READERS = [(Role.VIEWER, _("Viewers and above")), (Role.REVIEWER, _("Reviewers and above")), *WRITERS]


class WorkspaceForm(forms.Form):
    """A workspace's name."""

    name = forms.CharField(
        max_length=120,
        label=_("Name"),
        help_text=_("A team, a client, a matter: what its people share."),
    )


class SettingsForm(WorkspaceForm):
    """What an admin sets for a workspace."""

    keep_reasoning = forms.BooleanField(
        required=False,
        label=_("Keep what a language model thinks aloud with its answer"),
        help_text=_("Otherwise it is shown while the answer is written, and dropped then."),
    )


class PolicyForm(forms.Form):
    """What a workspace allows. Empty fields allow everything."""

    self_hosted_only = forms.BooleanField(
        required=False,
        label=_("Self-hosted only"),
        help_text=_(
            "No text of this workspace goes to a language model, embedder or web hook outside your own machines."
        ),
    )
    allowed_llms = forms.MultipleChoiceField(
        required=False,
        label=_("Language models"),
        help_text=_("With none ticked, all of them can be used."),
        widget=forms.CheckboxSelectMultiple,
    )
    monthly_budget_usd = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        label=_("Budget a month, in US dollars"),
        help_text=_("From 80 % on there is a warning. At its end, answers that cost money stop. Empty: no limit."),
    )
    upload_role = forms.ChoiceField(choices=WRITERS, label=_("Who may upload"))
    export_role = forms.ChoiceField(choices=READERS, label=_("Who may download originals and export"))
    prompts_role = forms.ChoiceField(choices=READERS, label=_("Who may see prompts"))
    keep_documents_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=36500,
        label=_("Delete documents after days"),
        help_text=_("Empty keeps them."),
    )
    keep_answers_days = forms.IntegerField(
        required=False, min_value=1, max_value=36500, label=_("Delete questions and answers after days")
    )
    keep_prompts_days = forms.IntegerField(
        required=False, min_value=1, max_value=36500, label=_("Delete the words of prompts after days")
    )
    sign_in_domains = forms.CharField(
        required=False,
        label=_("Domains that are let in"),
        help_text=_(
            "For instance firm.example, partner.example. Members from elsewhere see nothing. Empty lets all in."
        ),
    )

    def __init__(self, *args: Any, llms: list[tuple[str, str]], email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["allowed_llms"]
        assert isinstance(choices, forms.MultipleChoiceField)  # noqa: S101  # it is declared so above
        choices.choices = llms
        self._domain = email.rpartition("@")[2].lower()

    def clean_self_hosted_only(self) -> bool:
        wanted: bool = self.cleaned_data["self_hosted_only"]
        if wanted and embedder_is_away():
            raise forms.ValidationError(
                gettext(
                    "This installation has its text embedded outside the house (LECTERN_EMBEDDER), "
                    "so it cannot be kept in."
                )
            )
        return wanted

    def clean_sign_in_domains(self) -> list[str]:
        written: str = self.cleaned_data["sign_in_domains"]
        found = [domain.strip().lstrip("@").lower() for domain in re.split(r"[\s,;]+", written) if domain.strip()]
        for domain in found:
            if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", domain):
                raise forms.ValidationError(gettext("“%(domain)s” is not a domain.") % {"domain": domain})
        if found and self._domain not in found:
            raise forms.ValidationError(
                gettext("Your own address is at %(domain)s: this would shut you out.") % {"domain": self._domain}
            )
        return sorted(set(found))


class DeleteForm(forms.Form):
    """The workspace's name, typed by who wants to delete it."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.fields["name"].label = gettext("Type “%(name)s” to confirm") % {"name": workspace.name}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.split() != self.workspace.name.split():
            raise forms.ValidationError(gettext("That is not the name of this workspace."))
        return name


class MemberField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of members, by name or address."""

    def label_from_instance(self, obj: Member) -> str:
        """Return what the member is called."""
        return f"{obj.user.get_full_name()} ({obj.user.email})" if obj.user.get_full_name() else obj.user.email


class HandOverForm(forms.Form):
    """To whom an owner hands the workspace over, and what becomes of the owner then."""

    heir = MemberField(
        queryset=Member.objects.none(),
        empty_label=_("Choose a member"),
        label=_("New owner"),
        help_text=_("They become an owner at once, and can do everything here, also to you."),
    )
    then = forms.ChoiceField(
        choices=[("stay", _("stay as an admin")), ("leave", _("leave the workspace"))],
        label=_("You"),
        initial="stay",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, owner: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["heir"]
        assert isinstance(choices, forms.ModelChoiceField)  # noqa: S101  # it is declared so above
        others = members_for(owner).filter(guest=False, user__is_active=True, user__service_of=None)
        choices.queryset = others.exclude(pk=owner.pk)


class HookForm(forms.Form):
    """A web hook: what it is called, where it leads, and what it is told."""

    name = forms.CharField(
        max_length=120, label=_("Name"), help_text=_("What is told by it, so that you know it again.")
    )
    url = forms.CharField(
        max_length=500,
        label=_("Address"),
        widget=forms.URLInput(attrs={"placeholder": "https://…", "autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        choices=HookEvent.choices,
        required=False,
        label=_("Told of"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: everything but the audit log, also what later versions of Lectern can tell."),
    )


class RoleForm(forms.Form):
    """A role, of those that the member `by` may give."""

    role = forms.TypedChoiceField(coerce=Role, initial=Role.EDITOR, label=_("Role"))

    def __init__(self, *args: Any, by: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["role"]
        assert isinstance(choices, forms.TypedChoiceField)  # noqa: S101  # it is declared so above
        choices.choices = [(role.value, role.label) for role in roles_given_by(by)]


class InviteForm(RoleForm):
    """An invitation: to an address, or by a link; into the whole workspace, or as a guest into some of its folders."""

    email = forms.EmailField(
        required=False,
        label=_("E-mail address"),
        help_text=_("Only who has this address can accept. Empty makes a link that you pass on yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        choices=[("1", _("a day")), ("7", _("7 days")), ("30", _("30 days"))],
        coerce=int,
        empty_value=None,
        required=False,
        initial="7",
        label=_("It works for"),
    )
    note = forms.CharField(
        required=False,
        max_length=500,
        label=_("A sentence from you"),
        help_text=_("Goes into the message."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    guest = forms.BooleanField(
        required=False, label=_("As a guest"), help_text=_("Guests see the folders chosen here and nothing else.")
    )
    folders = forms.ModelMultipleChoiceField(
        queryset=Folder.objects.none(), required=False, label=_("Folders"), widget=forms.CheckboxSelectMultiple
    )
    field_order = ("email", "role", "days", "note", "guest", "folders")

    def __init__(self, *args: Any, by: Member, **kwargs: Any) -> None:
        super().__init__(*args, by=by, **kwargs)
        choices = self.fields["folders"]
        assert isinstance(choices, forms.ModelMultipleChoiceField)  # noqa: S101  # it is declared so above
        choices.queryset = folders_for(by)
        if not choices.queryset:
            del self.fields["folders"], self.fields["guest"]

    def clean_days(self) -> int:
        days: int = self.cleaned_data["days"] or INVITE_LIFETIME.days
        return days


class PersonForm(forms.Form):
    """What a person is called, and the language they read."""

    name = forms.CharField(
        max_length=150,
        required=False,
        label=_("Name"),
        help_text=_("Shown to the people you share a workspace with."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        required=False,
        choices=[("", _("As the browser asks for")), *settings.LANGUAGES],
        label=_("Language"),
        help_text=_("Of the pages and of messages to you. Answers come in the language of the question."),
    )
    notify_by_mail = forms.ChoiceField(
        choices=ByMail.choices,
        required=False,
        label=_("Notifications by e-mail"),
        help_text=_("Of what others tell you and you have not looked at under the bell."),
    )


class LeaveForm(forms.Form):
    """The person's address, typed by who wants to delete their account."""

    email = forms.CharField(max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["email"].label = gettext("Type %(email)s to confirm") % {"email": user.email}

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email.strip().lower() != self.user.email:
            raise forms.ValidationError(gettext("That is not the address of this account."))
        return email


class ServiceForm(forms.Form):
    """A service account: what it is called, and its role."""

    name = forms.CharField(max_length=120, label=_("Name"), help_text=_("The program: “Nightly import”."))
    role = forms.TypedChoiceField(
        choices=[choice for choice in Role.choices if choice[0] in {"editor", "reviewer", "viewer"}],
        coerce=Role,
        initial=Role.VIEWER,
        label=_("Role"),
    )


class TokenOfServiceForm(forms.Form):
    """A new API token: what it is for, what it may, and for how long."""

    name = forms.CharField(
        max_length=120,
        label=_("Name"),
        help_text=_("What will use it, so that you know it again."),
    )
    scope = forms.TypedChoiceField(choices=Scope.choices, coerce=Scope, initial=Scope.WRITE, label=_("It may"))
    days = forms.TypedChoiceField(
        choices=[
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("365", _("A year")),
            ("", _("Until it is revoked")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
        initial="90",
        label=_("It works for"),
    )


class TokenForm(TokenOfServiceForm):
    """A new API token of a person's, which may see one workspace or all of theirs."""

    field_order = ("name", "workspace", "scope", "days")
    workspace = forms.ModelChoiceField(
        queryset=Workspace.objects.none(),
        required=False,
        empty_label=_("All my workspaces"),
        label=_("Workspace"),
        help_text=_("A token for one workspace sees nothing of the others."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["workspace"]
        assert isinstance(choices, forms.ModelChoiceField)  # noqa: S101  # it is declared so above
        choices.queryset = user.workspaces.filter(delete_at=None).order_by("-personal", "name", "pk")


class NewAccountForm(SignupForm):  # type: ignore[misc]  # allauth has no types
    """A new account by address and password."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        refuse_the_firms(email)
        return email


class AddAddressForm(AddEmailForm):  # type: ignore[misc]  # allauth has no types
    """Another address for a person. It must be nobody else's, confirmed or not: people sign in by any of theirs."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        refuse_the_firms(email)
        if any(user.pk != self.user.pk for user in filter_users_by_email(email)):
            raise forms.ValidationError(gettext("This address belongs to another account."))
        return email


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new passkey or security key: what it is called, and whether it replaces the password or comes after it."""

    passwordless = forms.BooleanField(
        required=False,
        initial=True,
        label=_("Sign in with it alone"),
        help_text=_(
            "It then asks for your finger, face or PIN in place of a password. Else it comes after the password."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = gettext("So that you know it again: the device it is on.")
