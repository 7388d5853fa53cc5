"""The URLs of people and workspaces."""

from django.urls import path

from workspaces.views import account, audit, comments, home, mail, members, workspace

urlpatterns = [
    path("", home.home, name="home"),
    path("start/<str:token>/", home.first_login, name="first_login"),
    path("account/", account.account_settings, name="account_settings"),
    path("account/delete/", account.account_delete, name="account_delete"),
    path("account/devices/<int:device_id>/sign-out/", account.device_sign_out, name="device_sign_out"),
    path("account/tokens/", account.api_tokens, name="api_tokens"),
    path("account/tokens/<int:token_id>/revoke/", account.api_token_revoke, name="api_token_revoke"),
    path("w/new/", workspace.workspace_create, name="workspace_create"),
    path("w/<slug:slug>/settings/", workspace.workspace_settings, name="workspace_settings"),
    path("w/<slug:slug>/policy/", workspace.workspace_policy, name="workspace_policy"),
    path("w/<slug:slug>/leave/", workspace.workspace_leave, name="workspace_leave"),
    path("w/<slug:slug>/delete/", workspace.workspace_delete, name="workspace_delete"),
    path("w/<slug:slug>/members/", members.members, name="members"),
    path("w/<slug:slug>/members/<int:member_id>/role/", members.member_role, name="member_role"),
    path("w/<slug:slug>/members/<int:member_id>/remove/", members.member_remove, name="member_remove"),
    path("w/<slug:slug>/invites/", members.invite_create, name="invite_create"),
    path("w/<slug:slug>/invites/<int:invite_id>/revoke/", members.invite_revoke, name="invite_revoke"),
    path("w/<slug:slug>/audit/", audit.workspace_audit, name="workspace_audit"),
    path("w/<slug:slug>/audit.<str:kind>", audit.workspace_audit_export, name="workspace_audit_export"),
    path("d/<uuid:document_id>/comments/", comments.document_comments, name="document_comments"),
    path("d/<uuid:document_id>/comments/places/", comments.document_comment_places, name="document_comment_places"),
    path("d/<uuid:document_id>/people/", comments.document_people, name="document_people"),
    path("q/<uuid:question_id>/comments/", comments.question_comments, name="question_comments"),
    path("q/<uuid:question_id>/people/", comments.question_people, name="question_people"),
    path("c/<uuid:comment_id>/", comments.comment, name="comment"),
    path("c/<uuid:comment_id>/reply/", comments.comment_reply_view, name="comment_reply"),
    path("c/<uuid:comment_id>/edit/", comments.comment_edit_view, name="comment_edit"),
    path("c/<uuid:comment_id>/delete/", comments.comment_delete_view, name="comment_delete"),
    path("c/<uuid:comment_id>/resolve/", comments.comment_resolve_view, name="comment_resolve"),
    path("c/<uuid:comment_id>/assign/", comments.comment_assign_view, name="comment_assign"),
    path("mail/", mail.mail, name="mail"),
    path("mail/<str:file_name>/<int:number>/", mail.mail_message, name="mail_message"),
    path("audit/", audit.audit, name="audit"),
    path("audit.<str:kind>", audit.audit_export, name="audit_export"),
    path("invites/<str:token>/", members.invite_accept, name="invite_accept"),
]
