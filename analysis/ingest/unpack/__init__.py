"""Archives and git servers, read in the child process: out come bytes under their digest, and a list of files.

Nothing here knows Django. `listing` is what the parent reads; see `analysis.ingest.sandbox.unpacked`.
"""
