"""What is looked for in documents by a list of kinds of clause.

    checklist   TOML -> Checklist, kinds of clause with the phrases, headings and examples that mark them
    phrases     a phrase as a person writes it -> what it matches
    sentences   text, headings -> Sentences: words, headings and vectors of each (kept.py keeps the vectors)
    scoring     clause or question, Sentences -> a calibrated probability for each sentence
    values      a sentence -> the dates, durations, sums, shares and places that it states
    finder      checklist, Sentences -> list[ClauseFinding], the best places of each clause
    run         a review asked for, gone through by a worker and kept
    report      a review at a threshold, for pages, the interface and files
    relevance   question, document -> list[RelevantSpan], for answers and sweeps

No language model is asked: everything is read off the sentences, so a document is gone through in seconds, each of its
sentences is looked at, and the same document gives the same findings.
"""
