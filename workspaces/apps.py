from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "workspaces"
    verbose_name = "Workspaces"

    def ready(self) -> None:
        """Have sign-ins recorded in the audit log."""
        from workspaces.audit.signins import listen

        listen()
