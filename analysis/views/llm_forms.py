"""The forms of endpoints and their language models, with a sentence for everything that can be wrong."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext, gettext_lazy

from analysis.errors import EngineUnavailable, UserError
from analysis.llm.catalogue import catalogue
from analysis.llm.dialects import DIALECTS
from analysis.llm.endpoint import facts_of, survey
from analysis.llm.registry import OVERRIDES
from analysis.llm.served import facts_id_for, slug_for, slug_taken
from analysis.models import Endpoint, ServedLLM

_SLUG = re.compile(r"^[\w./:@+-]+$")


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An endpoint. The key is written and never read back; an empty field leaves the one that is set."""

    base_url = forms.CharField(
        max_length=300,
        label=gettext_lazy("Address"),
        help_text=gettext_lazy("Where its OpenAI-compatible interface begins, mostly ending in /v1."),
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
    )
    key = forms.CharField(
        required=False,
        max_length=500,
        label=gettext_lazy("Key"),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )
    dialect = forms.ChoiceField(
        required=False,
        choices=[("", gettext_lazy("Find out")), *((name, name) for name in DIALECTS)],
        label=gettext_lazy("Spoken to as"),
        help_text=gettext_lazy(
            "Servers differ in how they stream, cache and refuse. A test finds out for most of them."
        ),
    )
    anyway = forms.BooleanField(required=False, label=gettext_lazy("Save it although it does not answer now"))

    class Meta:
        model = Endpoint
        fields = ("name", "base_url", "key", "dialect", "self_hosted", "enabled")
        labels = {"self_hosted": gettext_lazy("It runs on our own machines"), "enabled": gettext_lazy("In use")}
        help_texts = {
            "name": gettext_lazy("What people here call it."),
            "self_hosted": gettext_lazy("Its tokens then cost nothing by default."),
        }
        error_messages = {"name": {"unique": gettext_lazy("There is an endpoint of this name already.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The instance is filled in while the form is checked; these are what is set now.
        self.key_set, self.set_url = self.instance.key, self.instance.base_url
        self.fields["key"].help_text = (
            gettext("A key is set. It is not shown again; write another one to replace it.")
            if self.key_set
            else gettext("Kept encrypted, and never shown again. Leave it empty for a server that asks for none.")
        )
        self.fields["anyway"].widget = forms.HiddenInput()  # offered once the server has not answered

    def clean_base_url(self) -> str:
        """Return the address without a slash at its end."""
        address: str = self.cleaned_data["base_url"].strip().rstrip("/")
        try:
            parts = urlsplit(address)
            _ = parts.port
        except ValueError:
            raise forms.ValidationError(gettext("This is not an address.")) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise forms.ValidationError("The address begins with http:// or https://.")
        if parts.username or parts.password:
            raise forms.ValidationError(
                gettext("Leave name and password out of the address; the key has a field of its own.")
            )
        if parts.query or parts.fragment:
            raise forms.ValidationError(gettext("Leave out what follows ? or # in the address."))
        return address

    def clean_key(self) -> str:
        """Return the new key, else the one that is set, which stays with the server it was given for."""
        key: str = self.cleaned_data["key"].strip()
        if key:
            return key
        if self.key_set and _origin(self.set_url) != _origin(self.cleaned_data.get("base_url", self.set_url)):
            raise forms.ValidationError(gettext("The address leads to another server now: write the key for it."))
        return str(self.key_set)

    def clean(self) -> dict[str, Any]:
        """Ask the server whether it is there and takes the key, unless it is off or to be saved all the same."""
        found: dict[str, Any] = super().clean() or {}
        if self.errors or not found.get("enabled") or found.get("anyway"):
            return found
        try:
            told = survey(found["base_url"], found["key"])
            if not self.instance.tested_at:
                self.instance.test = facts_of(told)
        except EngineUnavailable as error:
            self.add_error(
                "base_url",
                gettext("%(message)s Is the server running, and can this machine reach it?")
                % {"message": error.message},
            )
            self.fields["anyway"].widget = forms.CheckboxInput()
        except UserError as error:
            self.add_error("key" if error.code == "llm_key_refused" else "base_url", error.message)
        return found


class NewLLMForm(forms.Form):
    """A language model to use at an endpoint, by the name that the server has for it."""

    model = forms.CharField(
        max_length=200,
        label=gettext_lazy("Name at the endpoint"),
        widget=forms.TextInput(attrs={"list": "listed-models", "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, endpoint: Endpoint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoint = endpoint

    def clean_model(self) -> str:
        """Return the name. It is there once, and gives an id that is free."""
        model: str = self.cleaned_data["model"].strip()
        if self.endpoint.llms.filter(model=model).exists():
            raise forms.ValidationError(gettext("This language model is in the list already."))
        if not _SLUG.match(model):
            raise forms.ValidationError(gettext("A name has letters, digits and . / : @ + - _ only."))
        return model

    def fields_of_row(self) -> dict[str, str]:
        """Return the fields of the new row: its id, and the catalogue's facts where it has them."""
        model = self.cleaned_data["model"]
        slug = slug_for(model, self.endpoint) or f"{model[:100]}@{self.endpoint.pk}"
        return {"model": model, "slug": slug, "facts_id": facts_id_for(model)}


class LLMForm(forms.ModelForm):  # type: ignore[type-arg]
    """A language model's own numbers; what is left empty is as the catalogue has it."""

    facts_id = forms.ChoiceField(required=False, label=gettext_lazy("Facts from the catalogue"))

    class Meta:
        model = ServedLLM
        fields = ("name", "slug", "facts_id", *OVERRIDES, "enabled")
        labels = {
            "name": gettext_lazy("Name"),
            "slug": gettext_lazy("Id"),
            "window_tokens": gettext_lazy("Window, in tokens"),
            "max_output_tokens": gettext_lazy("Longest answer, in tokens"),
            "parallel": gettext_lazy("Requests at once"),
            "price_in_usd_per_million": gettext_lazy("Price in, $ per million tokens"),
            "price_cached_usd_per_million": gettext_lazy("Price in from its cache, $ per million"),
            "price_out_usd_per_million": gettext_lazy("Price out, $ per million"),
            "enabled": gettext_lazy("In use"),
        }
        help_texts = {
            "slug": gettext_lazy("What the HTTP interface and the command line call it."),
            "window_tokens": gettext_lazy(
                "As the server was started: question, documents and answer must fit in it together."
            ),
            "parallel": gettext_lazy("How many parts of a document it is sent at the same time."),
        }
        error_messages = {"slug": {"unique": gettext_lazy("Another language model here has this id.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facts = self.fields["facts_id"]
        assert isinstance(facts, forms.ChoiceField)  # noqa: S101  # it is declared so above
        facts.choices = [("", gettext("None")), *((row.id, row.name) for row in catalogue().values())]
        known = catalogue().get(self.instance.facts_id)
        for name in OVERRIDES if known else ():
            self.fields[name].widget.attrs["placeholder"] = f"{getattr(known, name):.10g}"

    def clean_slug(self) -> str:
        """Return the id: of signs that need no quoting, and nobody else's."""
        slug: str = self.cleaned_data["slug"].strip()
        if not _SLUG.match(slug):
            raise forms.ValidationError(gettext("An id has letters, digits and . / : @ + - _ only."))
        if slug_taken(slug, but=self.instance):
            raise forms.ValidationError(gettext("Another language model here has this id."))
        return slug


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port
