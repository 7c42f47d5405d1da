"""Sizes that the code which computes and the plan of its memory must agree on. No torch."""

#: Scores of one attention (b * H * Q * S) up to which plain products beat torch's fused kernel on a CPU: its backward
#: pass takes four times as long in bfloat16, at 8 rows of 80 tokens.
FEW_SCORES = 2**21
#: Scores of one attention head for which a CPU's cache has room beside what is made from them.
CACHED_SCORES = 80_000
#: Tokens that meet the vocabulary at once.
CHUNK = 128
#: Bytes of a base's linear layers up to which a CPU draws with a second copy of them.
PREPACKED = 2**31
