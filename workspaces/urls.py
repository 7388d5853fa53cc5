"""The URLs of people and workspaces."""

from django.urls import path

from workspaces.views import home

urlpatterns = [
    path("", home.home, name="home"),
    path("start/<str:token>/", home.first_login, name="first_login"),
]
