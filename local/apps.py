from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "local"
    verbose_name = "Lectern on one machine"
