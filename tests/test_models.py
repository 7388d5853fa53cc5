from workspaces.access import member_or_404
from django.http import Http404
import pytest


def test_outsider(cast):
    with pytest.raises(Http404):
        member_or_404(cast.outsider, "firm")
    assert member_or_404(cast.viewer, "firm").role == "viewer"
