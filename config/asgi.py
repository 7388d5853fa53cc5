"""The ASGI application that the web process serves."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django = get_asgi_application()

from django.conf import settings  # noqa: E402

from analysis.api.mcp.serving import WithMcp  # noqa: E402
from config.uploads import BodyLimit  # noqa: E402
from config.warm import warm_embedder  # noqa: E402

application = BodyLimit(WithMcp(django), settings.REQUEST_MAX_BYTES)
warm_embedder()
