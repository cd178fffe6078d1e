"""What becomes of every failure that a stand-in can play: by the way an order goes, and by the moment it strikes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import (
    AnswerUnreadable,
    BalanceEmpty,
    Charged,
    GatewayBusy,
    GatewayDown,
    GatewayError,
    GatewayFailed,
    GatewayGaveUp,
    GatewaySilent,
    HostRefused,
    ImageTooLarge,
    ImageUnreadable,
    KeyRejected,
    ModelGone,
    OrderInvalid,
    PictureBroken,
    PictureGone,
    PictureTooLarge,
    PictureUnreachable,
    PromptRefused,
)
from sandbox.gateways import Fault
from sandbox.gateways.faults import DOWNLOADS, PICTURES, REFUSALS, TASKS

NO, UNKNOWN, YES = Charged.NO, Charged.UNKNOWN, Charged.YES


class Way(StrEnum):
    """How an order goes from its submit to its pictures."""

    LINK = "link"  #: the answer has a link
    INLINE = "inline"  #: the answer has two pictures in it
    TASK = "task"  #: a task of FLUX's: one question each
    WIRE = "wire"  #: midjourney-proxy's: questions about many tasks
    HUIHUA = "huihua"  #: aihuihua's


#: Rows by the way their orders go.
WAYS = {
    "flux-2-klein-4b": Way.LINK,
    "hub-gpt-image-1": Way.INLINE,
    "hub-flux-kontext-pro": Way.TASK,
    "apicore-flux-kontext-pro": Way.LINK,
    "apicore-midjourney": Way.WIRE,
    "dall-e-3": Way.LINK,
    "gpt-image-1": Way.INLINE,
    "midjourney": Way.WIRE,
    "hui-flux": Way.HUIHUA,
}


class When(StrEnum):
    """When a failure shows."""

    START = "start"  #: the submit raises
    ASK = "ask"  #: the first question says so
    FETCH = "fetch"  #: there is a result, which cannot be had or is none
    NEVER = "never"  #: pending for as long as the deadline lets it
    NOT = "not"  #: it does no harm


@dataclass(frozen=True)
class Ending:
    """``kind`` and what is known about the money; ``made``: how many pictures there are all the same."""

    when: When
    kind: type[Exception] | None = None
    charged: Charged | None = None
    made: int = 0


def _at(when: When, kind: type[Exception], charged: Charged | None, faults: Iterable[Fault]) -> dict[Fault, Ending]:
    return dict.fromkeys(faults, Ending(when, kind, charged))


#: What a submit is refused with, alike everywhere.
REFUSED: Mapping[Fault, tuple[type[GatewayError], Charged]] = {
    Fault.MODERATION_400: (PromptRefused, NO),
    Fault.UNAUTHORIZED_401: (KeyRejected, NO),
    Fault.BALANCE_402: (BalanceEmpty, NO),
    Fault.BALANCE_403: (BalanceEmpty, NO),
    Fault.BALANCE_429: (BalanceEmpty, NO),
    Fault.NOT_FOUND_404: (ModelGone, NO),
    Fault.RATE_429: (GatewayBusy, NO),
    Fault.RATE_429_AFTER: (GatewayBusy, NO),
    Fault.BUSY_503: (GatewayDown, NO),
    Fault.SERVER_500: (GatewayFailed, UNKNOWN),
    Fault.HTML_502: (GatewayFailed, UNKNOWN),
    Fault.HANG: (GatewaySilent, UNKNOWN),
    Fault.DROP_BEFORE: (GatewaySilent, UNKNOWN),
    Fault.DROP_AFTER: (GatewaySilent, UNKNOWN),
    Fault.BROKEN_JSON: (AnswerUnreadable, UNKNOWN),
}
#: Worth trying again; whether that is done is decided by the money.
TRANSIENT = frozenset({GatewayBusy, GatewayDown, GatewayFailed, GatewaySilent, PictureUnreachable})
_EMPTY = (Fault.EMPTY_DATA, Fault.EMPTY_STRINGS)
_MODERATED = (Fault.MODERATED_REQUEST, Fault.MODERATED_CONTENT)

_STARTS = {fault: Ending(When.START, *error) for fault, error in REFUSED.items()}
#: Where the answer itself is the picture's: it is filtered, or the proxy in front gives up.
_ANSWERS = {
    **_STARTS,
    Fault.MODERATION_451: Ending(When.START, PromptRefused, NO),
    Fault.CLOUDFLARE_524: Ending(When.START, GatewayFailed, UNKNOWN),
}

#: A download that goes wrong: the money is gone; those of ``PICTURES`` arrive and are found out by whoever keeps them.
FETCHES: Mapping[Fault, type[Exception]] = {
    **dict.fromkeys((Fault.SERVER_500, Fault.BUSY_503, Fault.HTML_502, Fault.CLOUDFLARE_524), PictureUnreachable),
    **dict.fromkeys((Fault.RATE_429, Fault.RATE_429_AFTER, Fault.BALANCE_429), PictureUnreachable),
    **dict.fromkeys((Fault.HANG, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.SLOW_DOWNLOAD), PictureUnreachable),
    **dict.fromkeys((Fault.NOT_FOUND_404, Fault.EXPIRED_URL, Fault.UNAUTHORIZED_401), PictureGone),
    **dict.fromkeys((Fault.MODERATION_400, Fault.BALANCE_402, Fault.BALANCE_403), PictureGone),
    **dict.fromkeys((Fault.HUGE_PICTURE, Fault.ENDLESS_PICTURE), PictureTooLarge),
    **dict.fromkeys((Fault.REDIRECT_INTERNAL, Fault.REDIRECT_LOOPBACK), HostRefused),
    Fault.HTML_PICTURE: PictureBroken,
    Fault.TRUNCATED_PICTURE: ImageUnreadable,
    Fault.BOMB_PICTURE: ImageTooLarge,
}
#: A grid is decoded as it arrives, to be cut.
_CUT: Mapping[Fault, type[Exception]] = {
    Fault.TRUNCATED_PICTURE: PictureBroken,
    Fault.BOMB_PICTURE: PictureTooLarge,
}


def fetch_error(fault: Fault, *, cut: bool) -> type[Exception]:
    """What a download raises, or whoever looks at what it brought."""
    return _CUT.get(fault, FETCHES[fault]) if cut else FETCHES[fault]


def _fetched(faults: Iterable[Fault], *, cut: bool = False) -> dict[Fault, Ending]:
    return {fault: Ending(When.FETCH, fetch_error(fault, cut=cut)) for fault in faults}


#: What comes of a fault on a submit. What a stand-in says cannot happen to the request is a refusal too.
SUBMITS: Mapping[Way, Mapping[Fault, Ending]] = {
    Way.LINK: {
        **_ANSWERS,
        **_at(When.START, PromptRefused, UNKNOWN, _EMPTY),
        **_at(When.START, OrderInvalid, NO, (*TASKS, Fault.FEWER_PICTURES)),
        **_fetched(PICTURES | DOWNLOADS),
        Fault.WRONG_TYPE: Ending(When.NOT, made=1),
    },
    Way.INLINE: {
        **_ANSWERS,
        **_at(When.START, PromptRefused, UNKNOWN, _EMPTY),
        **_at(When.START, OrderInvalid, NO, TASKS | DOWNLOADS),
        # There is nothing to fetch: a page in base64 is found out with the pictures that are none.
        **_fetched(PICTURES),
        Fault.HTML_PICTURE: Ending(When.FETCH, ImageUnreadable),
        Fault.WRONG_TYPE: Ending(When.NOT, made=2),
        Fault.FEWER_PICTURES: Ending(When.NOT, made=1),
    },
    Way.TASK: {
        **_ANSWERS,
        **_at(When.START, OrderInvalid, NO, [Fault.FEWER_PICTURES]),
        **_at(When.ASK, AnswerUnreadable, UNKNOWN, _EMPTY),
        **_at(When.ASK, PromptRefused, NO, _MODERATED),
        Fault.TASK_ERROR: Ending(When.ASK, GatewayGaveUp, UNKNOWN),
        Fault.TASK_NOT_FOUND: Ending(When.ASK, GatewayFailed, NO),
        Fault.UNKNOWN_STATUS: Ending(When.NEVER),
        **_fetched(PICTURES | DOWNLOADS),
        Fault.WRONG_TYPE: Ending(When.NOT, made=1),
    },
    Way.WIRE: {
        **_STARTS,
        Fault.MODERATED_REQUEST: Ending(When.ASK, PromptRefused, NO),
        Fault.TASK_ERROR: Ending(When.ASK, GatewayGaveUp, NO),
    },
    Way.HUIHUA: {
        **_ANSWERS,
        **_at(When.START, OrderInvalid, NO, [Fault.FEWER_PICTURES]),
        **_at(When.ASK, AnswerUnreadable, UNKNOWN, _EMPTY),
        # Whether it gives points back is not said.
        **_at(When.ASK, PromptRefused, UNKNOWN, _MODERATED),
        Fault.TASK_ERROR: Ending(When.ASK, GatewayGaveUp, UNKNOWN),
        Fault.TASK_NOT_FOUND: Ending(When.ASK, GatewayFailed, NO),
        Fault.UNKNOWN_STATUS: Ending(When.NEVER),
        **_fetched(PICTURES | DOWNLOADS, cut=True),
        Fault.WRONG_TYPE: Ending(When.NOT, made=4),
    },
}
#: What a stand-in lets pass on a submit: it has no answer of its own that could be spoiled like this.
IGNORED: Mapping[Way, frozenset[Fault]] = {Way.WIRE: frozenset(Fault) - SUBMITS[Way.WIRE].keys()}

#: What can go wrong with a question, whatever it is about: nothing is lost.
_UNANSWERED = _at(
    When.ASK,
    GatewayFailed,
    NO,
    REFUSALS | {Fault.HANG, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BROKEN_JSON, Fault.CLOUDFLARE_524},
)
#: What comes of a fault on a question about a task that is well.
QUESTIONS: Mapping[Way, Mapping[Fault, Ending]] = {
    Way.TASK: {
        **_UNANSWERED,
        **{fault: SUBMITS[Way.TASK][fault] for fault in TASKS},
        Fault.MODERATION_400: Ending(When.ASK, PromptRefused, NO),
        Fault.WRONG_TYPE: Ending(When.NOT, made=1),
    },
    # Its stand-in hangs up where it has no refusal.
    Way.WIRE: {**_UNANSWERED, **_at(When.ASK, GatewayFailed, NO, TASKS | {Fault.WRONG_TYPE})},
    Way.HUIHUA: {
        **_UNANSWERED,
        **{fault: SUBMITS[Way.HUIHUA][fault] for fault in TASKS},
        Fault.WRONG_TYPE: Ending(When.NOT, made=4),
    },
}

#: What midjourney-proxy's codes and aihuihua's mean in the answer to a submit; None: it was taken.
CODES: Mapping[Way, Mapping[int, tuple[type[GatewayError], Charged] | None]] = {
    Way.WIRE: {
        **dict.fromkeys((1, 21, 22)),
        3: (GatewayDown, NO),
        4: (OrderInvalid, NO),
        9: (GatewayFailed, UNKNOWN),
        23: (GatewayBusy, NO),
        24: (PromptRefused, NO),
        30: (GatewayBusy, NO),
    },
    # Only 1, 22, 23 and 24 are documented: what others mean is not known, nor whether they cost anything.
    Way.HUIHUA: {
        **dict.fromkeys((1, 21, 22)),
        3: (GatewayFailed, UNKNOWN),
        4: (OrderInvalid, NO),
        9: (GatewayFailed, UNKNOWN),
        23: (GatewayBusy, NO),
        24: (PromptRefused, NO),
        30: (GatewayFailed, UNKNOWN),
    },
}
