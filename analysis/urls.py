"""The URLs of documents and questions."""

from django.urls import path

from analysis.views import document, home, live, question, search, streams

urlpatterns = [
    path("w/<slug:slug>/", home.workspace, name="workspace"),
    path("w/<slug:slug>/documents/", home.upload, name="upload"),
    path("w/<slug:slug>/documents/delete/", home.documents_delete, name="documents_delete"),
    path("w/<slug:slug>/sample/", home.sample, name="sample"),
    path("w/<slug:slug>/rows/", home.documents_table, name="documents_table"),
    path("w/<slug:slug>/events/", live.workspace_events, name="workspace_events"),
    path("w/<slug:slug>/search/", search.search, name="search"),
    path("w/<slug:slug>/palette/", search.palette, name="palette"),
    path("w/<slug:slug>/ask/", question.ask, name="ask"),
    path("w/<slug:slug>/plan/", question.plan, name="plan"),
    path("d/<uuid:document_id>/", document.document, name="document"),
    path("d/<uuid:document_id>/pages/<int:number>/", document.page, name="page"),
    path("d/<uuid:document_id>/pages/<int:number>.webp", document.page_image, name="page_image"),
    path("d/<uuid:document_id>/original/", document.document_original, name="document_original"),
    path("d/<uuid:document_id>/find/", document.document_find, name="document_find"),
    path("d/<uuid:document_id>/span/", document.document_span, name="document_span"),
    path("d/<uuid:document_id>/events/", streams.document_events, name="document_events"),
    path("d/<uuid:document_id>/password/", document.document_password, name="document_password"),
    path("d/<uuid:document_id>/retry/", document.document_retry_view, name="document_retry"),
    path("d/<uuid:document_id>/rename/", document.document_rename_view, name="document_rename"),
    path("d/<uuid:document_id>/delete/", document.document_delete_view, name="document_delete"),
    path("d/<uuid:document_id>/summary/", document.summarise, name="summarise"),
    path("q/<uuid:question_id>/", question.question, name="question"),
    path("q/<uuid:question_id>/regenerate/", question.regenerate, name="regenerate"),
    path("q/<uuid:question_id>/follow-up/", question.follow_up, name="follow_up"),
    path("a/<uuid:answer_id>/events/", streams.answer_events, name="answer_events"),
    path("a/<uuid:answer_id>/stop/", question.answer_stop_view, name="answer_stop"),
    path("a/<uuid:answer_id>/card/", question.answer_card, name="answer_card"),
]
