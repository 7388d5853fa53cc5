"""What is looked for in documents by a list: kinds of clause now, a firm's own questions and playbooks later.

    checklist   TOML -> Checklist, kinds of clause with the phrases, headings and examples that mark them
    sentences   text, headings -> Sentences: words, headings and vectors of each (kept.py keeps the vectors)
    scoring     clause or question, Sentences -> a calibrated probability for each sentence
    relevance   question, document -> list[RelevantSpan], for answers and sweeps

No language model is asked: everything is read off the sentences, so a document is gone through in seconds, each of its
sentences is looked at, and the same document gives the same findings.
"""
