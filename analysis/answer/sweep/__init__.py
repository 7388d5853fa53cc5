"""Sweeps: every part of the documents is read for one question, then what was found is combined.

cut      documents             -> list[Piece], along their sections, the same after an amendment elsewhere
readers  question or summary   -> Reader: the prompt for a part, and what its completion says
rows     Piece                 -> SweepPart, made once; known results are copied; parts are claimed under a lease
read     SweepPart             -> its result, by whichever worker has claimed it
combine  findings              -> the answer, hierarchically where they do not fit one prompt
plan     question, documents   -> ReadingPlan, before any of it
write    run                   -> Written: all of the above for one answer
"""
