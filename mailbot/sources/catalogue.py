"""What only an engine's own catalogue tells, and reflection does not."""

import re
from collections.abc import Iterable

import sqlalchemy as sa

MYSQL = ("mysql", "mariadb")  # one engine under two names

# Schemas with foreign keys into any of these, as far as the catalogue of the engine tells.
_REFERRING = {
    "postgresql": """
        SELECT DISTINCT cn.nspname AS child, pn.nspname AS parent
        FROM pg_constraint f
            JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
            JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
        WHERE f.contype = 'f' AND cn.oid <> pn.oid""",
    "mysql": """
        SELECT DISTINCT table_schema AS child, referenced_table_schema AS parent
        FROM information_schema.key_column_usage
        WHERE referenced_table_schema <> table_schema""",
    "mssql": """
        SELECT DISTINCT OBJECT_SCHEMA_NAME(parent_object_id) AS child,
            OBJECT_SCHEMA_NAME(referenced_object_id) AS parent FROM sys.foreign_keys""",
}
_REFERRING["mariadb"] = _REFERRING["mysql"]


def referring(connection: sa.Connection, schemas: set[str]) -> set[str]:
    """Other schemas whose tables refer to tables of these, directly or through others."""
    query = _REFERRING.get(connection.dialect.name)
    pairs = [tuple(row) for row in connection.exec_driver_sql(query)] if query else []
    reached = set(schemas)
    while new := {child for child, parent in pairs if parent in reached} - reached:
        reached |= new
    return reached - schemas


def partitions(connection: sa.Connection) -> set[tuple[str, str]]:
    """PostgreSQL shows each partition as a table of its own: its rows are the whole table's."""
    if connection.dialect.name != "postgresql":
        return set()
    query = (
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')"
    )
    return {(str(row[0]), str(row[1])) for row in connection.exec_driver_sql(query)}


def delete_rules(
    connection: sa.Connection, tables: Iterable[str]
) -> dict[tuple[str, tuple[str, ...]], str]:
    """ON DELETE of SQLite's foreign keys: reflection misses it where it stands beside a column."""
    if connection.dialect.name != "sqlite":
        return {}
    query = sa.text(
        'SELECT id, "from", on_delete FROM pragma_foreign_key_list(:t) ORDER BY id, seq'
    )
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    for table in tables:
        keys: dict[int, list[tuple[str, str]]] = {}
        for number, column, rule in connection.execute(query, {"t": table}):
            keys.setdefault(number, []).append((column, rule))
        for parts in keys.values():
            columns = tuple(column for column, _ in parts)
            found[table, columns] = "" if parts[0][1] == "NO ACTION" else parts[0][1].upper()
    return found


def folding(connection: sa.Connection, schema: str | None) -> dict[str, set[str]]:
    """Columns, by table, whose collation takes words for equal that differ in case: MySQL's own
    references go by it."""
    if connection.dialect.name not in MYSQL:
        return {}
    query = sa.text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = COALESCE(:place, DATABASE()) AND RIGHT(collation_name, 3) = '_ci'"
    )
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(query, {"place": schema}):
        found.setdefault(str(table), set()).add(str(column))
    return found


_VALID = re.compile(r"json_valid\(`([^`]+)`\)", re.IGNORECASE)


def documents(connection: sa.Connection, schema: str | None) -> dict[str, set[str]]:
    """Text columns, by table, that take JSON only: MariaDB's JSON is text under such a rule."""
    if not getattr(connection.dialect, "is_mariadb", False):
        return {}
    query = sa.text(
        "SELECT table_name, check_clause FROM information_schema.check_constraints"
        " WHERE constraint_schema = COALESCE(:place, DATABASE())"
    )
    found: dict[str, set[str]] = {}
    for table, rule in connection.execute(query, {"place": schema}):
        found.setdefault(str(table), set()).update(_VALID.findall(str(rule)))
    return found


_SIZES = {
    "postgresql": "SELECT c.relname, c.reltuples FROM pg_class c JOIN pg_namespace n ON n.oid ="
    " c.relnamespace WHERE n.nspname = COALESCE(:place, current_schema()) AND c.relkind IN"
    " ('r', 'm')",
    "mysql": "SELECT table_name, table_rows FROM information_schema.tables"
    " WHERE table_schema = COALESCE(:place, DATABASE())",
}
_SIZES["mariadb"] = _SIZES["mysql"]


def sizes(connection: sa.Connection, schema: str | None) -> dict[str, float]:
    """About how many rows each table has, as far as the engine keeps count."""
    query = _SIZES.get(connection.dialect.name)
    if query is None:
        return {}
    counted = connection.execute(sa.text(query), {"place": schema})
    return {str(table): float(rows or 0) for table, rows in counted}


# The first part of each index: a column, or LOWER of one; and whether it is in the order of octets.
# Not those in the order of languages in which i is not the small letter of I.
_INDEXES = {
    "postgresql": """
        SELECT c.relname, a.attname, pg_get_indexdef(i.indexrelid, 1, true),
            CASE WHEN o.collname = 'default' THEN d.datcollate ELSE o.collcollate END,
            k.opcname
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
            JOIN pg_opclass k ON k.oid = i.indclass[0]
            JOIN pg_database d ON d.datname = current_database()
            LEFT JOIN pg_collation o ON o.oid = i.indcollation[0]
            CROSS JOIN LATERAL (SELECT concat_ws(' ', o.collname, o.collcollate,
                to_jsonb(o)->>'colliculocale', to_jsonb(o)->>'colllocale',
                CASE WHEN o.collname = 'default' THEN concat_ws(' ', d.datcollate,
                    to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale') END) AS names) l
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                AND i.indkey[0] > 0
        WHERE n.nspname = COALESCE(:place, current_schema())
            AND (m.amname = 'btree' OR k.opcname IN ('gin_trgm_ops', 'gist_trgm_ops'))
            AND i.indisvalid AND i.indpred IS NULL AND l.names !~* '(^| )(tr|az)([-_ ]|$)'""",
    "mysql": """
        SELECT s.table_name, s.column_name, '', IF(RIGHT(c.collation_name, 4) = '_bin', 'C', ''), ''
        FROM information_schema.statistics s
            JOIN information_schema.columns c ON c.table_schema = s.table_schema
                AND c.table_name = s.table_name AND c.column_name = s.column_name
        WHERE s.table_schema = COALESCE(:place, DATABASE()) AND s.seq_in_index = 1
            AND s.sub_part IS NULL AND s.index_type = 'BTREE'
            AND COALESCE(c.collation_name, '') NOT LIKE '%turkish%'""",
}
_INDEXES["mariadb"] = _INDEXES["mysql"]
_LOWERED = re.compile(r'lower\(\(?"?([^"():]+)"?\)?(?:::[a-z ]+)?\)', re.IGNORECASE)


def indexes(connection: sa.Connection, schema: str | None) -> dict[str, dict[str, set[str]]]:
    """By table and column, what an index on it can be asked: "plain", "lower"; "octets" beside
    "plain" where capitals do not lie next to their small letters; "trigrams": any part of a text.
    """
    query = _INDEXES.get(connection.dialect.name)
    found: dict[str, dict[str, set[str]]] = {}
    if query is None:
        return found
    rows = connection.execute(sa.text(query), {"place": schema})
    for table, column, expression, order, operators in rows:
        ways = found.setdefault(str(table), {})
        if column:
            if str(operators).endswith("trgm_ops"):
                ways.setdefault(str(column), set()).add("trigrams")
                continue
            if str(operators).endswith("pattern_ops"):
                continue  # serves LIKE alone
            ways.setdefault(str(column), set()).add("plain")
            if str(order or "").upper().replace("-", "") in ("C", "POSIX", "C.UTF8"):
                ways[str(column)].add("octets")
        elif lowered := _LOWERED.fullmatch(str(expression)):
            ways.setdefault(lowered.group(1), set()).add("lower")
    return found


# What is another text as soon as a row of the table was written. PostgreSQL's counts of rows
# written come from each session within seconds of its commit (a minute at most: so much older may
# what a search sees be); before version 15 some could get lost, on a replica there are none, and a
# parent's do not tell of the tables that inherit from it.
# MariaDB notes the second of the last commit, and forgets it when it puts the table aside.
_STATE = {
    "postgresql": """
        SELECT c.relname, concat_ws(' ', c.oid, c.relfilenode, pg_stat_get_tuples_inserted(c.oid),
            pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
            pg_stat_get_db_stat_reset_time(d.oid), pg_postmaster_start_time())
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_database d ON d.datname = current_database()
        WHERE n.nspname = COALESCE(:place, current_schema())
            AND c.relkind = 'r' AND NOT c.relhassubclass AND NOT pg_is_in_recovery()
            AND current_setting('track_counts') = 'on'
            AND current_setting('server_version_num')::integer >= 150000""",
    "mariadb": """
        SELECT table_name, concat(create_time, ' ', update_time) FROM information_schema.tables
        WHERE table_schema = COALESCE(:place, DATABASE())
            AND engine = 'InnoDB' AND create_options NOT LIKE '%partitioned%'
            AND update_time < NOW() - INTERVAL 1 SECOND""",
}


def states(connection: sa.Connection, schema: str | None) -> dict[str, str]:
    """By table, a text that is the same as long as nobody writes to it; tables of which nothing
    tells that are left out. MySQL proper may answer a day late (information_schema_stats_expiry).
    """
    is_mariadb = getattr(connection.dialect, "is_mariadb", False)
    query = _STATE.get("mariadb" if is_mariadb else connection.dialect.name)
    if query is None:
        return {}
    told = connection.execute(sa.text(query), {"place": schema}).all()
    return {str(table): str(state) for table, state in told if state is not None}
