"""Who did what to which object, from where: a log that is only added to, each entry sealed to the one before it.

origin   who acts in this request, command or task, and from where
entry    one entry, written in the transaction of what it tells of: neither is there without the other
chain    entries sealed with the hash of the one before, in one order for the whole installation; and verified
outlets  sealed entries sent on, as lines of a log or to syslog, so that a copy stands elsewhere

What is read is logged where it leaves the house or is confidential: originals, exports, prompts, a document opened.
What is asked is logged without its words.
"""

from workspaces.audit.entry import record

__all__ = ["record"]
