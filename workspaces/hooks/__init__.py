"""Web hooks: other systems are told what happens in a workspace, in ids, names and links, never in its words.

events    what can be told
outbox    what is to be told, written in the transaction of what it tells of: neither is there without the other
signing   secrets and signatures, as standardwebhooks.com lays them down
delivery  one telling sent, tried again, given up; what a worker's death left behind
recipes   what admins do with web hooks

Each event is told at least once, in no promised order: a receiver knows a repetition by its `webhook-id`.
"""
