from django.http import HttpRequest


def workspaces(request: HttpRequest) -> dict[str, object]:
    return {}
