"""Does light run ahead of people? Judged from what the lamps shone, what their PIRs saw, and who really passed.

Nothing here runs or waits: it is reckoned afterwards. Times are Unix seconds, light is a share of full light. A person
is a trajectory; people of one passage go together, and who has seen one of them has seen them. How many of what the
figures were made of is said beside them, so that a figure made of nothing is seen.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from stoep_twin.light import History
from stoep_twin.world import quiet
from stoep_twin.world.people import Trajectory

Span = tuple[float, float]

MOST_DELAY_MS = 150.0
LEAST_LEAD_S = 2.5
MOST_FALSE = 2
MOST_ENERGY = 0.7

_TOLERANCE = 0.003  # of full light: less is no brightening, and none is missing
_BRIGHT = 0.9  # of the bright level
_NEAR, _FAR = 10.0, 60.0  # metres: who must not stand in the dark; for whom a lamp may be bright
_GIVEN_UP_S = 10.0
_AT_ONCE_S = 0.5  # lamps that brighten so close are one wave
_KNOWS_S = LEAST_LEAD_S + 0.5  # to fade up, and for frames that are told again
_TOLD = 2  # lamps' motions make somebody on the way
_MOST_WORDS = 12


@dataclass(frozen=True)
class Levels:
    """What a lamp shines when nobody comes, and for people; between which hours of the night it is dim."""

    dim: float
    bright: float
    hours: tuple[float, float] = (quiet.LATE, quiet.EARLY)


@dataclass(frozen=True)
class Post:
    """One lamp. `rises`: when its PIR's output rose, and for which person (-1: for nobody).

    `dead`: it had no power; `beginning`: it had just got some, and is lit because nobody has told it anything.
    """

    metres: float
    light: History
    rises: Sequence[tuple[float, int]] = ()
    dead: Sequence[Span] = ()
    beginning: Sequence[Span] = ()

    def is_dead(self, at: float) -> bool:
        return _within(at, self.dead)

    def is_out(self, at: float) -> bool:
        return _within(at, self.dead) or _within(at, self.beginning)


@dataclass
class Verdict:
    """The figures; None: there was nothing to make it of."""

    passages: int = 0
    median_neighbour_delay_ms: float | None = None
    neighbours: int = 0  # delays that this is the median of
    neighbours_lit_already: int = 0  # left out of it
    min_lead_seconds: float | None = None
    leads: int = 0
    leads_unseen: int = 0  # left out: by then no two lamps before had seen them
    min_lead_seconds_unseen: float | None = None  # of those
    walker_dark_seconds: float = 0.0
    falsely_lit: int = 0  # times that a lamp brightened for nobody,
    false_triggers: int = 0  # in so many waves: that one lamp is mistaken, the others are told
    lit_seconds_without_person: float = 0.0
    lit_seconds: float = 0.0
    energy_ratio_to_schedule: float | None = None
    extra_wh_a_passage: float | None = None
    words: list[str] = field(default_factory=list)  # where and when something was not as it should be

    def say(self, text: str) -> None:
        if len(self.words) < _MOST_WORDS:
            self.words.append(text)


def judge(
    posts: Sequence[Post], passages: Sequence[Sequence[int]], people: Sequence[Trajectory], levels: Levels, span: Span
) -> Verdict:
    """Judge `posts`, in the order of the street, within `span`; a passage is the numbers of its `people`."""
    verdict = Verdict(passages=sum(_begins(people, one, span) for one in passages))
    whose = {who: number for number, passage in enumerate(passages) for who in passage}
    _judge_neighbours(verdict, posts, people, whose, levels, span)
    _judge_leads(verdict, posts, people, whose, levels, span)
    falsely: list[float] = []
    for number, post in enumerate(posts, 1):
        _judge_dark(verdict, number, post, people, levels, span)
        falsely += _judge_waste(verdict, number, post, people, levels, span)
    verdict.falsely_lit = len(falsely)
    verdict.false_triggers = _waves(posts, sorted(falsely), levels)
    extra = sum(_extra(post, levels, span) for post in posts)
    if verdict.passages:
        verdict.extra_wh_a_passage = round(extra / verdict.passages / 3600 * quiet.LAMP_WATTS, 3)
        verdict.energy_ratio_to_schedule = round(
            quiet.ratio_to_schedule(levels.dim, levels.bright, levels.hours, extra / verdict.passages / len(posts)), 3
        )
    return verdict


def misses(verdict: Verdict, at_least: int) -> list[str]:
    """Which bounds a run of at least so many passages has missed, in words; none is a run without people."""
    missed = [f"{verdict.passages} passages instead of {at_least}"] if verdict.passages < at_least else []
    if at_least:
        delay, lead, energy = (
            verdict.median_neighbour_delay_ms,
            verdict.min_lead_seconds,
            verdict.energy_ratio_to_schedule,
        )
        if delay is None or delay >= MOST_DELAY_MS:
            missed.append(f"neighbours brighten after {_said(delay)} ms instead of {MOST_DELAY_MS:.0f}")
        if lead is None or lead < LEAST_LEAD_S:
            missed.append(f"light is {_said(lead)} s ahead instead of {LEAST_LEAD_S}")
        if energy is None or energy >= MOST_ENERGY:
            missed.append(f"{_said(energy)} of the fixed schedule's energy instead of {MOST_ENERGY}")
    if verdict.walker_dark_seconds > 0:
        missed.append(f"people were in the dark for {verdict.walker_dark_seconds} s")
    if verdict.false_triggers > MOST_FALSE:
        missed.append(f"lamps brightened {verdict.false_triggers} times for nobody instead of {MOST_FALSE}")
    return missed


def in_words(verdict: Verdict) -> list[str]:
    """For people."""
    return [
        (
            f"{verdict.passages} passages; the next lamp brightens {_said(verdict.median_neighbour_delay_ms)} ms after "
            f"a motion (median of {verdict.neighbours}; {verdict.neighbours_lit_already} were lit already)"
        ),
        (
            f"light is at least {_said(verdict.min_lead_seconds)} s ahead from the third lamp on ({verdict.leads} "
            f"lamps; left out {verdict.leads_unseen} of people whom no two lamps had seen in time)"
        ),
        (
            f"in the dark {verdict.walker_dark_seconds} s; for nobody {verdict.falsely_lit} lamps brightened in "
            f"{verdict.false_triggers} waves; lit {verdict.lit_seconds:.0f} s, "
            f"{verdict.lit_seconds_without_person:.0f} of them with nobody near"
        ),
        (
            f"energy {_said(verdict.energy_ratio_to_schedule)} of a fixed schedule's, over a year of nights of a quiet "
            f"street; a passage costs {_said(verdict.extra_wh_a_passage)} Wh"
        ),
    ]


def _said(figure: float | None) -> str:
    return "no" if figure is None else f"{figure:g}"


# -- geometry ----------------------------------------------------------------------------------------------------------


def _within(at: float, spans: Iterable[Span]) -> bool:
    return any(begins <= at < ends for begins, ends in spans)


def _begins(people: Sequence[Trajectory], passage: Sequence[int], span: Span) -> bool:
    return span[0] <= min(people[who].begins for who in passage) < span[1]


def arrivals(one: Trajectory, posts: Sequence[Post]) -> list[tuple[float, int]]:
    """(when, lamp) of each time somebody comes to a lamp, in order."""
    found = []
    for (begins, whence), (ends, whither) in pairwise(one.path):
        for number, post in enumerate(posts):
            if whence != whither and min(whence, whither) < post.metres <= max(whence, whither):
                found.append((begins + (ends - begins) * (post.metres - whence) / (whither - whence), number))
    return sorted(found)


def near(people: Iterable[Trajectory], metres: float, within: float) -> list[Span]:
    """When anybody at all is not farther than `within` along the street from a spot; merged, in order."""
    found: list[Span] = []
    for one in people:
        for (begins, whence), (ends, whither) in pairwise(one.path):
            if whence == whither:
                if abs(whence - metres) <= within:
                    found.append((begins, ends))
                continue
            pace = (ends - begins) / (whither - whence)
            first, last = sorted(begins + pace * (edge - whence) for edge in (metres - within, metres + within))
            if max(first, begins) < min(last, ends):
                found.append((max(first, begins), min(last, ends)))
    merged: list[Span] = []
    for begins, ends in sorted(found):
        if merged and begins <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(ends, merged[-1][1])
        else:
            merged.append((begins, ends))
    return merged


def _clipped(spans: Iterable[Span], to: Span) -> Iterator[Span]:
    for begins, ends in spans:
        if max(begins, to[0]) < min(ends, to[1]):
            yield max(begins, to[0]), min(ends, to[1])


def _without(span: Span, holes: Iterable[Span]) -> Iterator[Span]:
    begins = span[0]
    for hole, closes in sorted(_clipped(holes, span)):
        if hole > begins:
            yield begins, hole
        begins = max(begins, closes)
    if begins < span[1]:
        yield begins, span[1]


def _way(one: Trajectory, at: float) -> int:
    for (begins, whence), (ends, whither) in pairwise(one.path):
        if begins <= at <= ends and whence != whither:
            return 1 if whither > whence else -1
    return 0


# -- the figures -------------------------------------------------------------------------------------------------------


def _judge_neighbours(
    verdict: Verdict,
    posts: Sequence[Post],
    people: Sequence[Trajectory],
    whose: dict[int, int],
    levels: Levels,
    span: Span,
) -> None:
    rises = sorted((at, who, number) for number, post in enumerate(posts) for at, who in post.rises if who >= 0)
    seen: dict[int, set[int]] = {}
    delays = []
    for at, who, number in rises:
        if not span[0] <= at < span[1] or posts[number].is_out(at):
            continue
        before = seen.setdefault(whose[who], set())
        confirmed = bool(before - {number})
        before.add(number)
        ahead = _ahead(posts, number, _way(people[who], at), at)
        if not confirmed or ahead is None:
            continue
        brightens = ahead.light.above_from(at, levels.dim + _TOLERANCE)
        if brightens == at:
            verdict.neighbours_lit_already += 1
            continue
        delay = _GIVEN_UP_S if brightens is None else min(_GIVEN_UP_S, brightens - at)
        delays.append(delay * 1000)
        if delay * 1000 >= MOST_DELAY_MS:
            verdict.say(f"the lamp after lamp {number + 1} brightened {delay:.2f} s after its PIR, at {_clock(at)}")
    verdict.neighbours = len(delays)
    verdict.median_neighbour_delay_ms = round(statistics.median(delays), 1) if delays else None


def _ahead(posts: Sequence[Post], number: int, way: int, at: float) -> Post | None:
    # The next one; a dead one is nobody's neighbour, and that behind it may wait.
    after = number + way
    return posts[after] if way and 0 <= after < len(posts) and not posts[after].is_out(at) else None


def _judge_leads(
    verdict: Verdict,
    posts: Sequence[Post],
    people: Sequence[Trajectory],
    whose: dict[int, int],
    levels: Levels,
    span: Span,
) -> None:
    leads, unseen = [], []
    for who, one in enumerate(people):
        living = [(at, number) for at, number in arrivals(one, posts) if not posts[number].is_dead(at)]
        for at, number in living[2:]:
            if not span[0] <= at < span[1]:
                continue
            since = posts[number].light.at_least_since(at, _BRIGHT * levels.bright)
            lead = 0.0 if since is None else at - since
            company = {other for other, passage in whose.items() if passage == whose[who]}
            if _told(posts, company, at - _KNOWS_S, number) < _TOLD:
                unseen.append(lead)
                continue
            leads.append(lead)
            if lead < LEAST_LEAD_S:
                verdict.say(f"lamp {number + 1} was bright {lead:.2f} s before {one.kind} {who} came, at {_clock(at)}")
    verdict.leads, verdict.leads_unseen = len(leads), len(unseen)
    verdict.min_lead_seconds = round(min(leads), 2) if leads else None
    verdict.min_lead_seconds_unseen = round(min(unseen), 2) if unseen else None


def _told(posts: Sequence[Post], company: set[int], until: float, but: int) -> int:
    # How many other lamps' PIRs have risen for these people.
    return sum(
        any(who in company and at <= until and not post.is_out(at) for at, who in post.rises)
        for number, post in enumerate(posts)
        if number != but
    )


def _judge_dark(
    verdict: Verdict, number: int, post: Post, people: Sequence[Trajectory], levels: Levels, span: Span
) -> None:
    for begins, ends in _clipped(near(people, post.metres, _NEAR), span):
        for since, until in _without((begins, ends), post.dead):
            dark = [piece for piece in post.light.pieces(since, until) if piece[2] < levels.dim - _TOLERANCE]
            if dark:
                seconds = sum(stops - starts for starts, stops, _ in dark)
                verdict.walker_dark_seconds = round(verdict.walker_dark_seconds + seconds, 3)
                verdict.say(f"lamp {number} was dark for {seconds:.2f} s beside somebody, from {_clock(dark[0][0])}")


def _judge_waste(
    verdict: Verdict, number: int, post: Post, people: Sequence[Trajectory], levels: Levels, span: Span
) -> list[float]:
    # When it brightened for nobody.
    falsely = []
    about = near(people, post.metres, _FAR)
    lit = levels.dim + _TOLERANCE
    for at in post.light.rises(lit, *span):
        if not _within(at, about) and not post.is_out(at):
            falsely.append(at)
            verdict.say(f"lamp {number} brightened for nobody at {_clock(at)}")
    for since, until in _without(span, [*post.dead, *post.beginning]):
        verdict.lit_seconds += sum(b - a for a, b, light in post.light.pieces(since, until) if light > lit)
        for begins, ends in _without((since, until), about):
            verdict.lit_seconds_without_person += sum(
                b - a for a, b, light in post.light.pieces(begins, ends) if light > lit
            )
    return falsely


def _waves(posts: Sequence[Post], falsely: Sequence[float], levels: Levels) -> int:
    waves, last = 0, float("-inf")
    for at in falsely:
        lit = any(post.light.at(at - _AT_ONCE_S) > levels.dim + _TOLERANCE for post in posts if not post.is_out(at))
        waves += not lit and at - last > _AT_ONCE_S
        last = at
    return waves


def _extra(post: Post, levels: Levels, span: Span) -> float:
    # Seconds of full light beyond the dim level.
    return sum(
        (stops - starts) * max(0.0, light - levels.dim)
        for since, until in _without(span, [*post.dead, *post.beginning])
        for starts, stops, light in post.light.pieces(since, until)
    )


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-4]
