"""What the samples say: percentiles, trends, and whether the soak is passed. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.stolen import STOLEN

#: Milliseconds that 99 of 100 timers of the loop are less late than (issue 4, "Done when" 3).
LAG_P99 = 100.0
#: Seconds of which the host gave more than STOLEN to others are left out; where less than this share is left, the soak
#: says nothing about us.
LEAST_LEFT = 0.5
#: Growth of memory that counts as none: this share of it over the last 80 % of the time. Python's arenas and SQLite's
#: page caches breathe by about as much.
GROWTH = 0.02
#: The share of the time that memory may take to settle.
SETTLING = 0.2
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """One look at the process."""

    at: float  #: seconds since the soak began
    rss: int  #: bytes
    cpu: float  #: seconds of processor time so far
    health: float  #: milliseconds that /healthz took


@dataclass(frozen=True)
class Second:
    """A line of the probe's."""

    lags: Sequence[float]  #: milliseconds by which each timer was late
    stolen: float  #: share of the machine's time that its host gave to others


@dataclass(frozen=True)
class Verdict:
    """The figures that decide."""

    lag_p50: float  #: milliseconds, as are the next
    lag_p99: float
    lag_max: float
    rss_start: float  #: megabytes, as are the next
    rss_settled: float
    rss_end: float
    trend: float  #: KB a minute, over the time after settling
    growth: float  #: share of ``rss_settled`` that the trend adds by the end
    left: float  #: share of the seconds that the host left to us: the lags are of these

    @property
    def passed(self) -> bool:
        return self.lag_p99 < LAG_P99 and self.growth < GROWTH and self.left >= LEAST_LEFT


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank; 0.0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def judged(seconds: Sequence[Second], samples: Sequence[Sample]) -> Verdict:
    """Raises StatisticsError for fewer than two samples after settling."""
    undisturbed = [second for second in seconds if second.stolen <= STOLEN]
    lags = [lag for second in undisturbed for lag in second.lags]
    settled = [sample for sample in samples if sample.at >= samples[-1].at * SETTLING]
    slope = statistics.linear_regression([each.at for each in settled], [each.rss for each in settled]).slope
    added = slope * (settled[-1].at - settled[0].at)
    return Verdict(
        lag_p50=percentile(lags, 0.5),
        lag_p99=percentile(lags, 0.99),
        lag_max=max(lags, default=0.0),
        rss_start=samples[0].rss / MEGABYTE,
        rss_settled=settled[0].rss / MEGABYTE,
        rss_end=settled[-1].rss / MEGABYTE,
        trend=slope * 60 / 1024,
        growth=added / settled[0].rss,
        left=len(undisturbed) / len(seconds) if seconds else 0.0,
    )
