"""The store: one consistent snapshot to read, one transaction to decide in."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import URL, Connection, Engine

from gridsvc.domain.errors import ConflictError, Fault, NotReadyError
from gridsvc.domain.words import Text
from gridsvc.store import migrate
from gridsvc.store.alerts import AlertReader, AlertWriter
from gridsvc.store.areas import MapReader, MapWriter
from gridsvc.store.backup import TableReader, TableWriter, begin_at, is_empty
from gridsvc.store.cases import CaseReader, CaseWriter
from gridsvc.store.engine import WRITING, open_engine, our_errors, parse_url
from gridsvc.store.events import EventLog, EventWriter
from gridsvc.store.force import ForceReader, ForceWriter
from gridsvc.store.handovers import HandoverReader, HandoverWriter
from gridsvc.store.holds import HoldReader
from gridsvc.store.incidents import IncidentReader, IncidentWriter
from gridsvc.store.keys import KeyReader, KeyWriter
from gridsvc.store.listening import Commits, heads
from gridsvc.store.messages import MessageReader, MessageWriter
from gridsvc.store.numbers import CaseNumbers
from gridsvc.store.repository import together
from gridsvc.store.roads import RoadReader, RoadWriter
from gridsvc.store.run_cards import RunCardReader, RunCardWriter
from gridsvc.store.standing import StandingReader, StandingWriter
from gridsvc.store.timers import TimerReader, TimerWriter


def _now() -> datetime:
    return datetime.now(UTC)


class Reading:
    """One consistent snapshot of the county."""

    areas: MapReader
    force: ForceReader
    incidents: IncidentReader
    cases: CaseReader
    alerts: AlertReader
    keys: KeyReader
    messages: MessageReader
    roads: RoadReader
    handovers: HandoverReader
    run_cards: RunCardReader
    standing: StandingReader
    events: EventLog
    tables: TableReader
    timers: TimerReader

    def __init__(self, connection: Connection, county: str) -> None:
        self.areas = MapReader(connection, county)
        self.force = ForceReader(connection, county)
        self.incidents = IncidentReader(connection, county)
        self.cases = CaseReader(connection, county)
        self.alerts = AlertReader(connection, county)
        self.keys = KeyReader(connection, county)
        self.messages = MessageReader(connection, county)
        self.roads = RoadReader(connection, county)
        self.handovers = HandoverReader(connection, county)
        self.run_cards = RunCardReader(connection, county)
        self.standing = StandingReader(connection, county)
        self.events = EventLog(connection, county)
        self.tables = TableReader(connection, county)
        self.timers = TimerReader(connection, county)


class UnitOfWork(Reading):
    """One transaction: state rows and the events that explain them, all of it or none."""

    areas: MapWriter
    force: ForceWriter
    incidents: IncidentWriter
    cases: CaseWriter
    alerts: AlertWriter
    keys: KeyWriter
    messages: MessageWriter
    roads: RoadWriter
    handovers: HandoverWriter
    run_cards: RunCardWriter
    standing: StandingWriter
    events: EventWriter
    timers: TimerWriter

    def __init__(
        self, connection: Connection, county: str, clock: Callable[[], datetime] = _now
    ) -> None:
        self.areas = MapWriter(connection, county)
        self.force = ForceWriter(connection, county)
        self.incidents = IncidentWriter(connection, county)
        self.cases = CaseWriter(connection, county)
        self.alerts = AlertWriter(connection, county)
        self.keys = KeyWriter(connection, county)
        self.messages = MessageWriter(connection, county)
        self.roads = RoadWriter(connection, county)
        self.handovers = HandoverWriter(connection, county)
        self.run_cards = RunCardWriter(connection, county)
        self.standing = StandingWriter(connection, county)
        self.events = EventWriter(connection, county, clock)
        self.tables = TableReader(connection, county)
        self.timers = TimerWriter(connection, county)
        self.holds = HoldReader(connection, county)
        self.numbers = CaseNumbers(connection, county)
        self._connection = connection

    def together(self) -> AbstractContextManager[object]:
        """Write without waiting for each statement; see `gridsvc.store.repository.together`."""
        return together(self._connection)


class Store:
    """The data of one county, in a SQLite file or in PostGIS. Safe to share between threads."""

    def __init__(self, url: URL, engine: Engine, county: str, clock: Callable[[], datetime]):
        self.county = county
        self._url = url
        self._engine = engine
        self._clock = clock
        self._checked = False
        self._sqlite = engine.dialect.name == "sqlite"
        # One writer at a time in the process: waiting on SQLite's busy timeout instead makes
        # the unlucky wait for seconds.
        self._write_lock = threading.Lock()
        self._writing_thread: int | None = None
        self._commits = Commits()
        if self._sqlite:
            self._reader = engine
            self._writer = engine.execution_options(**{WRITING: True})
        else:
            self._reader = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._writer = engine.execution_options(isolation_level="READ COMMITTED")

    @classmethod
    def open(
        cls, url: str, *, county: str = "530324", clock: Callable[[], datetime] = _now
    ) -> Self:
        """Open a store; it need not be migrated yet, nor reachable.

        Parameters
        ----------
        url
            ``sqlite:///path`` (its folder is made) or ``postgresql://...``.
        county
            The county code that every key begins with.
        clock
            Gives the aware time that events are recorded at.

        Raises
        ------
        SettingsError
            The address is not one of these.
        NotReadyError
            The folder of the SQLite file cannot be made.
        """
        parsed = parse_url(url)
        return cls(parsed, open_engine(parsed), county, clock)

    def upgrade(self) -> None:
        """Migrate to this program's schema; safe when several processes do so at once.

        Raises
        ------
        NotReadyError
            The database cannot be reached, or belongs to a later program.
        """
        current, head = self.revision()
        if current is not None and not migrate.knows(current):
            raise _not_migrated(current, head)
        with our_errors(self._url):
            migrate.upgrade(self._engine)

    def revision(self) -> tuple[str | None, str]:
        """Return the schema's revision, None for an empty database, and the one needed.

        Raises
        ------
        NotReadyError
            The database cannot be reached.
        """
        with our_errors(self._url), self._reader.connect() as connection, connection.begin():
            return migrate.current_revision(connection), migrate.HEAD

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Read from one consistent snapshot.

        Raises
        ------
        NotReadyError
            The schema is not this program's, or the database cannot be reached.
        """
        self._check_schema()
        with our_errors(self._url), self._reader.connect() as connection, connection.begin():
            yield Reading(connection, self.county)

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """Decide in one transaction: committed on a clean exit, undone by any exception.

        Once this returns the change is durable and readers of the event log can see it.

        Raises
        ------
        NotReadyError
            The schema is not this program's, or the database cannot be reached.
        ConflictError
            A constraint refuses the change, or another transaction is in the way.
        """
        self._check_schema()
        with self._alone(), our_errors(self._url), self._writer.begin() as connection:
            work = UnitOfWork(connection, self.county, self._clock)
            yield work
            work.events.write_recorded()
        self._commits.tell()

    @contextmanager
    def restore(self, revision: str) -> Iterator[TableWriter]:
        """Fill an empty database at ``revision``, then migrate it to this program's schema.

        All of it is one transaction: an exception leaves the database as it was.

        Raises
        ------
        ConflictError
            The database holds data, or its tables are beyond ``revision``.
        NotReadyError
            The database cannot be reached, or one of the revisions is a later program's.
        """
        if not migrate.knows(revision):
            raise _not_migrated(revision, migrate.HEAD)
        current, head = self.revision()
        if current is not None and not migrate.knows(current):
            raise _not_migrated(current, head)
        with (
            self._alone(),
            our_errors(self._url),
            migrate.migrating(self._engine) as connection,
        ):
            if not is_empty(connection):
                raise ConflictError(_HOLDS_DATA)
            beyond = begin_at(connection, revision)
            if beyond is not None:
                raise ConflictError(_beyond(beyond, revision))
            yield TableWriter(connection)
            migrate.upgrade_within(connection, "head")
        self._commits.tell()

    def listen(self, *, stop: threading.Event, after: int, poll_s: float = 0.2) -> Iterator[int]:
        """Yield each new head of the event log, until ``stop`` is set.

        Parameters
        ----------
        stop
            Ends the iteration within ``poll_s`` seconds.
        after
            The position already known: a head beyond it is yielded at once.
        poll_s
            How often to look where nothing is told. Commits of other processes are told by
            LISTEN/NOTIFY on PostgreSQL and found by this look on SQLite; commits made through
            this store are told on both. While the database cannot be reached it is tried again.
        """
        self._check_schema()
        return heads(
            self._url,
            self._reader,
            self.county,
            commits=self._commits,
            stop=stop,
            after=after,
            poll_s=poll_s,
        )

    def close(self) -> None:
        """Close every connection. The store can be used again: it connects anew."""
        self._engine.dispose()

    def _alone(self) -> AbstractContextManager[None]:
        return self._one_writer() if self._sqlite else nullcontext()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if self._writing_thread == threading.get_ident():
            raise RuntimeError("write() inside write(): one decision is one transaction")
        with self._write_lock:
            self._writing_thread = threading.get_ident()
            try:
                yield
            finally:
                self._writing_thread = None

    def _check_schema(self) -> None:
        if self._checked:
            return
        current, head = self.revision()
        if current != head:
            raise _not_migrated(current, head)
        self._checked = True


def _not_migrated(current: str | None, head: str) -> NotReadyError:
    if current is not None and not migrate.knows(current):
        text = Text(
            f"数据库结构版本 {current} 比本程序（{head}）新：请升级本程序",
            f"the database is at revision {current}, later than this program ({head}): "
            "upgrade the program",
        )
        return NotReadyError(Fault("schema_ahead", text))
    text = Text(
        f"数据库结构尚未就绪（现为 {current or '空'}，需要 {head}）：请先运行 gridsvc db upgrade",
        f"the database schema is not ready (it is at {current or 'nothing'}, needed is {head}): "
        "run gridsvc db upgrade first",
    )
    return NotReadyError(Fault("schema_behind", text))


_EMPTY_ONE = Text(
    "请换一个空数据库：把 GRIDSVC_DATA 指向新文件夹，或在 PostgreSQL 中新建数据库并把 "
    "GRIDSVC_DATABASE_URL 指向它",
    "use an empty database: let GRIDSVC_DATA name a new folder, or create a database in PostgreSQL "
    "and let GRIDSVC_DATABASE_URL name it",
)
_HOLDS_DATA = Fault(
    "database_not_empty",
    Text(
        f"目标数据库中已有数据，未作任何更改：备份只能恢复到空数据库，{_EMPTY_ONE.zh}",
        "the database holds data; nothing was changed: a backup goes into an empty one alone; "
        f"{_EMPTY_ONE.en}",
    ),
)


def _beyond(current: str, revision: str) -> Fault:
    return Fault(
        "tables_beyond_backup",
        Text(
            f"目标数据库虽无数据，但已有较新结构（{current}）的表，备份为 {revision}，"
            f"未作任何更改：{_EMPTY_ONE.zh}",
            f"the database holds no data but tables at {current}, and the backup is of {revision}; "
            f"nothing was changed: {_EMPTY_ONE.en}",
        ),
    )
