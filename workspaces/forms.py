"""The forms of people and workspaces."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import AddEmailForm
from allauth.account.utils import filter_users_by_email
from django import forms

from workspaces.models import Role, User, Workspace


class WorkspaceForm(forms.Form):
    """A workspace's name."""

    name = forms.CharField(max_length=120, label="Name", help_text="A team, a client, a matter: what its people share.")


class SettingsForm(WorkspaceForm):
    """What an owner sets for a workspace."""

    keep_reasoning = forms.BooleanField(
        required=False,
        label="Keep what a language model thinks aloud with its answer",
        help_text="Otherwise it is shown while the answer is written, and dropped then.",
    )


class DeleteForm(forms.Form):
    """The workspace's name, typed by who wants to delete it."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.fields["name"].label = f"Type “{workspace.name}” to confirm"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.split() != self.workspace.name.split():
            raise forms.ValidationError("That is not the name of this workspace.")
        return name


class RoleForm(forms.Form):
    """A role."""

    role = forms.TypedChoiceField(choices=Role.choices, coerce=Role, initial=Role.EDITOR, label="Role")


class NameForm(forms.Form):
    """What a person is called."""

    name = forms.CharField(
        max_length=150,
        required=False,
        label="Name",
        help_text="Shown to the people you share a workspace with.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class TokenForm(forms.Form):
    """A new API token: what it is for, and what it may see."""

    name = forms.CharField(max_length=120, label="Name", help_text="What will use it, so that you know it again.")
    workspace = forms.ModelChoiceField(
        queryset=Workspace.objects.none(),
        required=False,
        empty_label="All my workspaces",
        label="Workspace",
        help_text="A token for one workspace sees nothing of the others.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["workspace"]
        assert isinstance(choices, forms.ModelChoiceField)  # noqa: S101  # it is declared so above
        choices.queryset = user.workspaces.order_by("-personal", "name", "pk")


class AddAddressForm(AddEmailForm):  # type: ignore[misc]  # allauth has no types
    """Another address for a person. It must be nobody else's, confirmed or not: people sign in by any of theirs."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        if any(user.pk != self.user.pk for user in filter_users_by_email(email)):
            raise forms.ValidationError("This address belongs to another account.")
        return email
