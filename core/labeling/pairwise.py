"""An order from questions of two: binary insertion, which asks about as few as any sorting algorithm can. No Qt.

For N completions it asks at most the sum of ceil(log2(k + 1)) for k = 1 .. N - 1: 1, 3, 5, 8, 11, 14, 17 for
N = 2 .. 8, where log2(N!) says that no algorithm can do with less than 1, 3, 5, 7, 10, 13, 16. A tie puts a
completion beside the one it was compared with and ends its insertion.
"""

Tiers = tuple[tuple[int, ...], ...]
#: (left, right, sign): 1 the left one is better, -1 the right one, 0 neither.
Answers = tuple[tuple[int, int, int], ...]


def question(shown: tuple[int, ...], answers: Answers) -> tuple[int, int] | None:
    """The next two completions to compare, the one that is seen first on the left; None when all is known."""
    return _replay(shown, answers)[1]


def derive(shown: tuple[int, ...], answers: Answers) -> Tiers:
    """The order once every question is answered; empty before, so that half an order is never saved."""
    tiers, asked = _replay(shown, answers)
    return tiers if asked is None else ()


def most(count: int) -> int:
    """How many questions at most give the order of `count` completions."""
    return sum(k.bit_length() for k in range(1, count))


def left(shown: tuple[int, ...], answers: Answers) -> int:
    """How many questions are still to be answered at most."""
    tiers, asked = _replay(shown, answers)
    if asked is None:
        return 0
    placed = sum(len(tier) for tier in tiers)
    low, high = _bounds(shown, answers)
    rest = sum((len(tiers) + k).bit_length() for k in range(1, len(shown) - placed))
    return (high - low).bit_length() + rest


def _bounds(shown: tuple[int, ...], answers: Answers) -> tuple[int, int]:
    """Between which tiers the completion lies that is being inserted."""
    return _search(shown, answers)[2]


def _replay(shown: tuple[int, ...], answers: Answers) -> tuple[Tiers, tuple[int, int] | None]:
    tiers, asked, _ = _search(shown, answers)
    return tuple(tuple(tier) for tier in tiers), asked


def _search(
    shown: tuple[int, ...], answers: Answers
) -> tuple[list[list[int]], tuple[int, int] | None, tuple[int, int]]:
    signs: dict[tuple[int, int], int] = {}
    for a, b, sign in answers:
        signs[a, b], signs[b, a] = sign, -sign
    place = {item: index for index, item in enumerate(shown)}
    tiers: list[list[int]] = [[shown[0]]] if shown else []
    for item in shown[1:]:
        low, high = 0, len(tiers)
        while low < high:
            middle = (low + high) // 2
            other = tiers[middle][0]
            if (item, other) not in signs:
                pair = (item, other) if place[item] < place[other] else (other, item)
                return tiers, pair, (low, high)
            sign = signs[item, other]
            if sign == 0:
                tiers[middle].append(item)
                break
            low, high = (low, middle) if sign > 0 else (middle + 1, high)
        else:
            tiers.insert(low, [item])
    return tiers, None, (0, 0)
