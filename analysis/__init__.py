"""The map of the reading house: two pipelines, cut where cost changes.

**Ingest**, once per document version (analysis/ingest):

    upload   file on the wire          -> Document, DocumentVersion
    parse    original file             -> ParsedDocument (canonical text, pages, headings), in a child process
    understand canonical text, headings -> Understanding (language, title and parties, defined terms, references)
    chunk    ParsedDocument            -> list[ChunkSpan], token-exact, without a gap
    embed    list[str]                 -> float32[n, dims], unit length
    index    all of the above          -> rows in PostgreSQL (vectors, postings of words, pages, headings, tables)

**Answer**, once per question (analysis/answer):

    plan     question, documents, LLM  -> ReadingPlan (mode, tokens, expected seconds and cost, and why)
    retrieve question, documents       -> list[Hit], best first          (mode *passages*)
    prompt   plan, texts, history      -> Prompt, byte-identical up to the question
    pack     files of repositories     -> whole files, outlines, the rest   (mode *packed*: analysis/answer/pack)
    sweep    every part of the documents -> findings, put together          (mode *sweep*: analysis/answer/sweep)
    stream   Prompt, LLM               -> Iterator[Token], to Redis and on to the page
    cite     answer text, sources      -> list[CitedSentence], each supported by checked spans or marked
    render   answer                    -> HTML and the API's JSON

**Review**, when a person asks for it (analysis/review): every sentence of a document against a checklist of clauses,
each found with a probability or absent, no language model asked.

**Evaluations** (analysis/evaluations) put published data sets through both pipelines and keep the figures;
analysis/benchmarks measures speed.

analysis/types.py holds what the stages hand to each other; analysis/models what is kept; analysis/tasks.py the
Celery entry points; analysis/progress.py the live events that pages follow.
"""
