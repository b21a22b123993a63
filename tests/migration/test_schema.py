"""The database: migrations make exactly the tables that the program expects; a case's stored form goes there and back."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caseworker.bootstrap import upgrade
from caseworker.cases.model import ActiveRow, ActState, Case, PartState, RequestState
from caseworker.core.errors import StoreError
from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.store.codec import STATE_VERSION, UPGRADES, dump_case, load_case
from caseworker.store.database import sqlalchemy_url
from caseworker.store.rows import plain
from caseworker.store.tables import metadata

AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
_UPGRADE = "import sys; from caseworker.bootstrap import upgrade; upgrade(sys.argv[1])"


def test_migrations_make_what_the_program_expects(database_url: str) -> None:
    engine = sa.create_engine(sqlalchemy_url(database_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        ours = {"include_object": lambda _o, name, kind, *_: kind != "table" or not str(name).startswith("procrastinate")}
        context = MigrationContext.configure(connection, opts={**ours, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_several_processes_may_upgrade_at_once(postgres_url: str) -> None:
    upgrading = [subprocess.Popen([sys.executable, "-c", _UPGRADE, postgres_url], stderr=subprocess.PIPE) for _ in range(3)]
    ends = [(process.communicate(timeout=60)[1].decode(), process.returncode) for process in upgrading]
    assert [code for _, code in ends] == [0, 0, 0], ends
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select count(*) from alembic_version").fetchone() == (1,)
        assert connection.execute("select to_regclass('procrastinate_jobs') is not null").fetchone() == (True,)


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into stops (value, scope, since) values ('a@x.example', 'dead', now())")
    upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from stops").fetchone() == (1,)


def test_a_case_written_by_a_newer_program_is_refused_with_the_reason() -> None:
    with pytest.raises(StoreError, match=rf"newer Caseworker \(state {STATE_VERSION + 1}.*Install the newer version"):
        load_case({}, STATE_VERSION + 1)


def test_every_older_state_has_its_upgrade() -> None:
    assert sorted(UPGRADES) == list(range(1, STATE_VERSION))


def test_a_state_without_fields_that_came_later_keeps_their_defaults() -> None:
    state = dict(_json(_rich()))
    for late in ("history", "texts", "may_answer"):
        del state[late]
    loaded = load_case(state, STATE_VERSION)
    assert (loaded.history, loaded.texts, loaded.may_answer) == (False, (), True)


def test_a_rich_case_comes_back_as_it_was() -> None:
    case = _rich()
    assert load_case(_json(case), STATE_VERSION) == case


_facts = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00$"), max_size=20)
    | st.builds(Money, st.integers(-(10**9), 10**9), st.sampled_from(["EUR", "GBP", "PLN", "JPY"]))
    | st.builds(Ref, st.just("sandbox"), st.sampled_from(["order", "payment"]), st.text("AB12-", min_size=1, max_size=8))
    | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001  # made UTC
    | st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", min_size=1, max_size=6), inner, max_size=3),
    max_leaves=8,
)
_trees = st.dictionaries(st.text("abcdef_", min_size=1, max_size=8), _facts, max_size=4)


@given(answers=_trees, known=_trees, arguments=_trees, receipt=_trees)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_facts_a_case_holds_they_come_back(
    answers: Mapping[str, object], known: Mapping[str, object], arguments: Mapping[str, object], receipt: Mapping[str, object]
) -> None:
    rich = _rich()
    [first, second] = rich.requests
    assert first.active is not None
    row = replace(first.active, acts=(replace(first.active.acts[0], arguments=arguments),))
    case = replace(
        rich, requests=(replace(first, answers=answers, known=known, active=row), replace(second, done={"x": receipt}))
    )
    assert load_case(_json(case), STATE_VERSION) == case


def _json(case: Case) -> Mapping[str, object]:
    stored = plain(dump_case(case))
    assert isinstance(stored, Mapping)
    return stored


def _rich() -> Case:
    act = ActState(
        "refund",
        "payments.refund",
        {"payment": Ref("sandbox", "payment", "P-1", "3"), "amount": Money(1250, "EUR")},
        amount=Money(1250, "EUR"),
        approved=True,
        status="asked",
    )
    row = ActiveRow(
        "refund_now", (act,), ({"move": "say", "reply": "refund_now"},), meanwhile="being_arranged", sender="c@x.example"
    )
    first = RequestState(
        number=1,
        intent="refund_status",
        confidence=0.97,
        words="Where is my refund?",
        status="acting",
        answers={"order_number": "NW-1", "items": ["a", "b"]},
        fired=("unknown_state",),
        asked={"order_number": 2},
        waiting="trace",
        waiting_since=AT,
        confirmed={"cancel_some": False},
        active=row,
        known={"order": {"total": Money(1250, "EUR"), "placed_at": AT, "version": Ref("sandbox", "order", "1")}},
    )
    second = RequestState(2, "cancel_order", 0.5, "", status="ended", outcome="resolved", done={"cancel": {"status": "done"}})
    return Case(
        number=7,
        worker="retail",
        mailbox="service@nordwind.example",
        shop="base",
        release="r",
        status="waiting",
        opened_at=AT,
        language="de",
        sender="c@x.example",
        sender_verified=True,
        requests=(first, second),
        parts=(PartState("cancel_done", 2, "Wörter", "Betreff", ("cancel",)),),
        asking=("postcode",),
        asked_at=AT,
        references=("<a@x>", "<b@x>"),
        texts=("hash",),
        closed_at=None,
    )
