"""The URLs of documents, questions and answers."""

from django.urls import path

from analysis.views import home, live, search

urlpatterns = [
    path("w/<slug:slug>/", home.workspace, name="workspace"),
    path("w/<slug:slug>/documents/", home.upload, name="upload"),
    path("w/<slug:slug>/documents/delete/", home.documents_delete, name="documents_delete"),
    path("w/<slug:slug>/sample/", home.sample, name="sample"),
    path("w/<slug:slug>/rows/", home.documents_table, name="documents_table"),
    path("w/<slug:slug>/events/", live.workspace_events, name="workspace_events"),
    path("w/<slug:slug>/search/", search.search, name="search"),
    path("w/<slug:slug>/palette/", search.palette, name="palette"),
]
