"""What is known of a repository that was read in: its tree, lines, symbols, modules, and what changed in it.

Everything here reads rows that `analysis.ingest.repository` has written: for pages, the HTTP interface and prompts.
"""
