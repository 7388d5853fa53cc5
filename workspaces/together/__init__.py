"""Working together on what is read: comments, who is told of what, who is here, and who stands by an answer.

audience: who sees a thing, the same people whom access.py lets in to it
mentions: who is named in a comment, and a comment's words as HTML
comments: what can be done with comments; threads: how they are read
notify: telling people, in the page; digest: telling them by e-mail
presence: who else looks at it now
approvals: standing by an answer; sharing: keeping a question to oneself
"""
