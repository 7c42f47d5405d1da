"""What is said of an arena."""

#: Votes of the same kind halve an interval when there are so many times as many.
HALVES = 4
#: Votes by which such a forecast says anything.
FEWEST = 20


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 vote`, `1,200 votes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def outlook(mine: int, people: int, left: int) -> str:
    """How many votes there are and what more of them would show, without a word on who is ahead."""
    if not people:
        return f"No vote yet, {counted(left, 'pair')} to vote on. The pair that tells most comes first."
    others = people - mine
    whose = f"{counted(mine, 'vote')} of yours" + (f", {others:,} of others" if others else "")
    more = (HALVES - 1) * people
    if not left:
        return f"{whose}. You have voted on every pair."
    if left < more or people < FEWEST:
        return f"{whose}, {counted(left, 'pair')} left. Each vote narrows the intervals."
    return f"{whose}, {counted(left, 'pair')} left. About {more:,} more votes would halve the intervals."
