"""Separate streams of random numbers: the second number of every seed sequence ``[seed, stream, ...]``.

Whatever is random in training follows from the seed, the stream and the step, never from what was drawn before. A
resumed run therefore samples what an unbroken one does, in whatever number of processes.
"""

ORDER, TOKENS, STRUCTURE, HELDOUT, EMBED, ATTENTION, LINEAR = range(7)
