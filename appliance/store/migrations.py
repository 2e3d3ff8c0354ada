"""The shape of the database, step by step. A step that has shipped is never edited; a change is a new step at the end.

Facts (log, record, said, checkpoint, fork_proof) come first: what was signed. Views follow: what they amount to; `rebuild`
makes them again from the facts. Private rows last: what never leaves this node.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x48454447  # "HEDG"

FACTS: Final = (
    """CREATE TABLE log (
        no INTEGER PRIMARY KEY, log BLOB NOT NULL UNIQUE, scope BLOB NOT NULL, node BLOB NOT NULL,
        public_key BLOB NOT NULL, incarnation INTEGER NOT NULL,
        height INTEGER NOT NULL, head BLOB NOT NULL,              -- all that is held
        certified INTEGER NOT NULL, certified_head BLOB NOT NULL  -- up to the last checkpoint: what may be sent
    )""",
    "CREATE INDEX log_by_node ON log (node, scope)",
    """CREATE TABLE record (
        log_no INTEGER NOT NULL REFERENCES log, seq INTEGER NOT NULL, kind INTEGER NOT NULL,
        core BLOB NOT NULL, text_digest BLOB NOT NULL, head BLOB NOT NULL,
        PRIMARY KEY (log_no, seq)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER record_never_changes BEFORE UPDATE ON record
        BEGIN SELECT RAISE(ABORT, 'what was signed is never changed'); END""",
    """CREATE TRIGGER record_never_goes BEFORE DELETE ON record
        BEGIN SELECT RAISE(ABORT, 'what was signed is never deleted'); END""",
    # The only part of a record that may be taken back, so it has a table of its own.
    """CREATE TABLE said (
        log_no INTEGER NOT NULL, seq INTEGER NOT NULL, salt BLOB NOT NULL, text BLOB NOT NULL,
        PRIMARY KEY (log_no, seq)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER said_never_changes BEFORE UPDATE ON said
        BEGIN SELECT RAISE(ABORT, 'what was said is never changed'); END""",
    """CREATE TRIGGER said_goes_only_by_withdrawal BEFORE DELETE ON said
        WHEN NOT EXISTS (SELECT 1 FROM withdrawn JOIN log USING (log, node, scope) WHERE no = old.log_no AND seq = old.seq)
        BEGIN SELECT RAISE(ABORT, 'a text goes only when its author takes it back'); END""",
    """CREATE TABLE withdrawn (
        -- node: who says so; only the author's word counts. scope: where; views of a scope never hang on another's
        log BLOB NOT NULL, seq INTEGER NOT NULL, node BLOB NOT NULL, scope BLOB NOT NULL,
        PRIMARY KEY (log, seq, node, scope)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkpoint (
        log_no INTEGER NOT NULL REFERENCES log, seq INTEGER NOT NULL, previous INTEGER NOT NULL,
        head BLOB NOT NULL, signature BLOB NOT NULL,
        PRIMARY KEY (log_no, seq)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER checkpoint_never_changes BEFORE UPDATE ON checkpoint
        BEGIN SELECT RAISE(ABORT, 'what was signed is never changed'); END""",
    """CREATE TRIGGER checkpoint_never_goes BEFORE DELETE ON checkpoint
        BEGIN SELECT RAISE(ABORT, 'what was signed is never deleted'); END""",
    "CREATE TABLE fork_proof (log BLOB PRIMARY KEY, one BLOB NOT NULL, other BLOB NOT NULL) WITHOUT ROWID",
)

VIEWS: Final = (
    # How far each log counts, and what the next record waits for.
    "CREATE TABLE counted (log_no INTEGER PRIMARY KEY, height INTEGER NOT NULL)",
    "CREATE TABLE waiting (log_no INTEGER PRIMARY KEY, on_log BLOB NOT NULL)",
    "CREATE INDEX waiting_by_target ON waiting (on_log)",
    # A log that its node has left behind counts up to the highest place that somebody named.
    "CREATE TABLE ended (log BLOB PRIMARY KEY, height INTEGER NOT NULL, by_log INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE named (
        log BLOB NOT NULL, scope BLOB NOT NULL, height INTEGER NOT NULL, PRIMARY KEY (log, scope)
    ) WITHOUT ROWID""",
    "CREATE TABLE founder (node BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE admitted (node BLOB PRIMARY KEY) WITHOUT ROWID",
    """CREATE TABLE absorbed (
        log_no INTEGER NOT NULL, seq INTEGER NOT NULL, other BLOB NOT NULL, height INTEGER NOT NULL,
        PRIMARY KEY (log_no, other, seq)
    ) WITHOUT ROWID""",
    """CREATE TABLE node_name (
        node BLOB PRIMARY KEY, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE member (
        node BLOB NOT NULL, number INTEGER NOT NULL, log_no INTEGER NOT NULL, seq INTEGER NOT NULL,
        name TEXT NOT NULL, folded TEXT NOT NULL, PRIMARY KEY (node, number)
    ) WITHOUT ROWID""",
    # What each log opened and declared itself: the books of a log ask these, and never what another log said meanwhile.
    """CREATE TABLE opened (
        node BLOB NOT NULL, number INTEGER NOT NULL, log_no INTEGER NOT NULL, seq INTEGER NOT NULL,
        PRIMARY KEY (node, number, log_no)
    ) WITHOUT ROWID""",
    """CREATE TABLE declared (
        number INTEGER NOT NULL, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, floor INTEGER NOT NULL,
        PRIMARY KEY (number, log_no)
    ) WITHOUT ROWID""",
    "CREATE INDEX member_by_name ON member (folded)",
    "CREATE INDEX member_by_place ON member (log_no, seq)",
    """CREATE TABLE currency (
        number INTEGER PRIMARY KEY, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, code TEXT NOT NULL,
        decimals INTEGER NOT NULL, floor INTEGER NOT NULL, name TEXT NOT NULL, meaning TEXT NOT NULL
    )""",
    """CREATE TABLE transfer (
        no INTEGER PRIMARY KEY, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, verdict TEXT NOT NULL,
        reverses_log BLOB, reverses_seq INTEGER, UNIQUE (log_no, seq)
    )""",
    "CREATE INDEX transfer_by_reversed ON transfer (reverses_log, reverses_seq) WHERE reverses_log IS NOT NULL",
    """CREATE TABLE posting (
        transfer_no INTEGER NOT NULL, place INTEGER NOT NULL, log_no INTEGER NOT NULL, seq INTEGER NOT NULL,
        node BLOB NOT NULL, number INTEGER NOT NULL, currency INTEGER NOT NULL, amount INTEGER NOT NULL,
        PRIMARY KEY (transfer_no, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX posting_by_account ON posting (node, number, transfer_no)",
    "CREATE INDEX posting_by_log ON posting (log_no, seq, node)",
    # All that counts, from anywhere; and what one log has counted for its own checks.
    """CREATE TABLE balance (
        node BLOB NOT NULL, number INTEGER NOT NULL, currency INTEGER NOT NULL, amount INTEGER NOT NULL,
        PRIMARY KEY (node, number, currency)
    ) WITHOUT ROWID""",
    """CREATE TABLE judged (
        log_no INTEGER NOT NULL, number INTEGER NOT NULL, currency INTEGER NOT NULL, amount INTEGER NOT NULL,
        PRIMARY KEY (log_no, number, currency)
    ) WITHOUT ROWID""",
    """CREATE TABLE post (
        no INTEGER PRIMARY KEY, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, board TEXT NOT NULL, author INTEGER NOT NULL,
        title TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (log_no, seq)
    )""",
    "CREATE INDEX post_by_board ON post (board, no)",
    """CREATE TABLE zine (
        no INTEGER PRIMARY KEY, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, blob BLOB NOT NULL, size INTEGER NOT NULL,
        media_type TEXT NOT NULL, title TEXT NOT NULL, creator TEXT NOT NULL, language TEXT NOT NULL, description TEXT NOT NULL,
        series TEXT NOT NULL, issue TEXT NOT NULL, licence TEXT NOT NULL, tags TEXT NOT NULL, UNIQUE (log_no, seq)
    )""",
    "CREATE INDEX zine_by_blob ON zine (blob)",
    # Two ways to cut text into words: by spaces, and by threes of letters, so that Chinese and Japanese are found.
    """CREATE VIRTUAL TABLE zine_words USING fts5 (title, creator, description, tags, body,
        tokenize = "unicode61 remove_diacritics 2")""",
    "CREATE VIRTUAL TABLE zine_letters USING fts5 (title, creator, description, tags, body, tokenize = 'trigram')",
)

PRIVATE: Final = (
    "CREATE TABLE secret (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE mark (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE credential (number INTEGER PRIMARY KEY, pin_hash TEXT NOT NULL, is_keeper INTEGER NOT NULL)",
    """CREATE TABLE session (
        token BLOB PRIMARY KEY, no INTEGER NOT NULL, number INTEGER NOT NULL, csrf TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX session_by_member ON session (number, no)",
    """CREATE TABLE answered (
        number INTEGER NOT NULL, key BLOB NOT NULL, no INTEGER NOT NULL, body BLOB NOT NULL, log_no INTEGER NOT NULL,
        seq INTEGER NOT NULL, PRIMARY KEY (number, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE tries (
        name TEXT PRIMARY KEY, failures INTEGER NOT NULL, until_tick INTEGER NOT NULL, boot TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE TABLE invite (invite_key BLOB PRIMARY KEY, used_by BLOB) WITHOUT ROWID",
    """CREATE TABLE peer (
        node BLOB PRIMARY KEY, public_key BLOB, name TEXT NOT NULL, road TEXT NOT NULL, heard_tick INTEGER, boot TEXT
    ) WITHOUT ROWID""",
    "CREATE TABLE holds (node BLOB NOT NULL, log BLOB NOT NULL, height INTEGER NOT NULL, PRIMARY KEY (node, log)) WITHOUT ROWID",
    # Files of zines that were taken back: freed once that is on the card, never before.
    "CREATE TABLE unneeded (blob BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE wanted (blob BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE publisher (
        log BLOB NOT NULL, seq INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (log, seq)
    ) WITHOUT ROWID""",
    "CREATE TABLE air (hour INTEGER PRIMARY KEY, used_ms INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL)",
    "CREATE TABLE road (road TEXT PRIMARY KEY, is_up INTEGER NOT NULL, sentence TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE sealed (no INTEGER PRIMARY KEY, content BLOB NOT NULL UNIQUE)",
)

VIEW_TABLES: Final = (
    "waiting", "ended", "named", "founder", "admitted", "absorbed", "node_name", "member", "opened",
    "currency", "declared", "transfer",
    "posting", "standing", "moon_seal", "post", "zine", "zine_words", "zine_letters", "note",
)  # fmt: skip

# A neighbour with a newer program may have sent notes that stood in the log and counted nowhere: so the views are made again.
NOTES: Final = (
    """CREATE TABLE note (
        no INTEGER PRIMARY KEY, log_no INTEGER NOT NULL, seq INTEGER NOT NULL, zine_log BLOB NOT NULL, zine_seq INTEGER NOT NULL,
        page INTEGER NOT NULL, text TEXT NOT NULL, by TEXT NOT NULL, quote TEXT NOT NULL, before TEXT NOT NULL,
        after TEXT NOT NULL, UNIQUE (log_no, seq)
    )""",
    "CREATE INDEX note_by_zine ON note (zine_log, zine_seq, no)",
    "INSERT OR REPLACE INTO mark SELECT 'views', 'outgrown' WHERE EXISTS (SELECT 1 FROM record WHERE kind = 33)",
)

INTAKE: Final = (
    # What a look into a file found: a cache of this node, in no digest. `words` is compressed (zlib); `trouble` names why
    # a file is not shown here, only handed out; `removed` what was taken out when it came in here.
    """CREATE TABLE extract (
        blob BLOB PRIMARY KEY, pages INTEGER NOT NULL, cover BLOB, small_cover BLOB, words BLOB NOT NULL,
        trouble TEXT NOT NULL, removed TEXT NOT NULL
    )""",
    # How many files an account may still bring: what is spent comes back with time.
    """CREATE TABLE bringing (
        number INTEGER PRIMARY KEY, spent REAL NOT NULL, tick INTEGER NOT NULL, boot TEXT NOT NULL
    )""",
    # As with notes: zines of kinds that an earlier program did not know counted nowhere.
    "INSERT OR REPLACE INTO mark SELECT 'views', 'outgrown' WHERE EXISTS (SELECT 1 FROM record WHERE kind = 32)",
)

SHELVING: Final = (
    # What the keeper of this node decided about a zine. No row: it arrived, and nobody has looked yet.
    """CREATE TABLE shelving (
        log BLOB NOT NULL, seq INTEGER NOT NULL, shelved INTEGER NOT NULL, hidden INTEGER NOT NULL, PRIMARY KEY (log, seq)
    ) WITHOUT ROWID""",
    # What stood on the shelf before there were arrivals stays there.
    "INSERT INTO shelving SELECT log.log, seq, 1, 0 FROM zine JOIN log ON log_no = log.no",
    """CREATE TABLE report (
        log BLOB NOT NULL, seq INTEGER NOT NULL, number INTEGER NOT NULL, word TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (log, seq, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX report_by_member ON report (number)",
    # Which neighbour node is known to hold which file.
    "CREATE TABLE holding (blob BLOB NOT NULL, node BLOB NOT NULL, PRIMARY KEY (blob, node)) WITHOUT ROWID",
    "CREATE INDEX holding_by_node ON holding (node)",
    # The digests of a file's chunks, in order, for whoever fetches it a chunk at a time.
    "CREATE TABLE chunk_list (blob BLOB PRIMARY KEY, digests BLOB NOT NULL) WITHOUT ROWID",
    "ALTER TABLE zine ADD COLUMN chunks BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE peer ADD COLUMN address TEXT NOT NULL DEFAULT ''",
)

# What is searched is folded and cut into words in another way than before: the indexes are made again.
SEARCHING: Final = (
    "INSERT OR REPLACE INTO mark SELECT 'views', 'outgrown' WHERE EXISTS (SELECT 1 FROM record WHERE kind = 32)",
)

# A page of the catalogue is one question: what it shows stands in few columns, and those before the large ones, since SQLite
# reads a row from its beginning (https://www.sqlite.org/fileformat2.html, section 1.6).
CATALOGUE: Final = (
    "ALTER TABLE zine ADD COLUMN at INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE extract RENAME TO extract_before",
    """CREATE TABLE extract (
        blob BLOB PRIMARY KEY, pages INTEGER NOT NULL, trouble TEXT NOT NULL, removed TEXT NOT NULL, small_cover BLOB,
        words BLOB NOT NULL, cover BLOB
    )""",
    "INSERT INTO extract SELECT blob, pages, trouble, removed, small_cover, words, cover FROM extract_before",
    "DROP TABLE extract_before",
    "INSERT OR REPLACE INTO mark SELECT 'views', 'outgrown' WHERE EXISTS (SELECT 1 FROM record WHERE kind = 32)",
)

AIR: Final = (
    "DROP TABLE air",
    # What went over the air, in hours of uptime that are counted on across restarts: "sent" and "heard", and of what was sent
    # how much belongs to each priority.
    """CREATE TABLE air_use (
        hour INTEGER NOT NULL, what TEXT NOT NULL, used_ms INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL,
        PRIMARY KEY (hour, what)
    ) WITHOUT ROWID""",
)

# What the gossip process found wrong between this node and others, for the pages.
AILING: Final = (
    """CREATE TABLE unwell (
        road TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL, tick INTEGER NOT NULL,
        boot TEXT NOT NULL, PRIMARY KEY (road, who, what)
    ) WITHOUT ROWID""",
)

CALLS: Final = (
    # Calls for help, the last of each caller; counted down by uptime. Private: they are no records, and end.
    """CREATE TABLE distress (
        node BLOB NOT NULL, person INTEGER NOT NULL, turn INTEGER NOT NULL, level INTEGER NOT NULL, life INTEGER NOT NULL,
        at INTEGER NOT NULL, words TEXT NOT NULL, signature BLOB NOT NULL,
        left_s REAL NOT NULL, most_s REAL NOT NULL, tick REAL NOT NULL, boot TEXT NOT NULL, PRIMARY KEY (node, person)
    )""",
    # Turns up to here are over, although their calls are forgotten.
    "CREATE TABLE distress_floor (node BLOB PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID",
    # Phones with a Meshtastic app, by the public key that their radio shows.
    "CREATE TABLE phone (key BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE pairing (number INTEGER PRIMARY KEY, code BLOB NOT NULL, tick REAL NOT NULL, boot TEXT NOT NULL)",
    """CREATE TABLE question (
        key BLOB PRIMARY KEY, code TEXT NOT NULL, nonce TEXT NOT NULL, payee TEXT NOT NULL, amount INTEGER NOT NULL,
        currency INTEGER NOT NULL, memo TEXT NOT NULL, tick REAL NOT NULL, boot TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE allowance (
        what TEXT NOT NULL, who BLOB NOT NULL, spent REAL NOT NULL, tick REAL NOT NULL, boot TEXT NOT NULL,
        PRIMARY KEY (what, who)
    )""",
)

# Which phone was paired first.
PHONES: Final = ("ALTER TABLE phone ADD COLUMN no INTEGER NOT NULL DEFAULT 0",)

# The last moon that each node has sealed.
MOONS: Final = (
    "CREATE TABLE moon_seal (node BLOB PRIMARY KEY, moon INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT OR REPLACE INTO mark SELECT 'views', 'outgrown' WHERE EXISTS (SELECT 1 FROM record WHERE kind = 19)",
)

# Runs above a gap of their log: checked, shown as not counted yet, taken in when the gap closes.
ASIDE: Final = (
    """CREATE TABLE aside (
        no INTEGER PRIMARY KEY AUTOINCREMENT, log BLOB NOT NULL, after INTEGER NOT NULL, upto INTEGER NOT NULL, run BLOB NOT NULL
    )""",
    "CREATE INDEX aside_by_log ON aside (log, after)",
)

# A payment writes whole pages, one at least for each tree that it touches: eleven trees before, six now. How far a log counts
# stands beside how far it is held, and a posting stands once, with its account. `no` orders what came to count here: it rises
# within each account, and within each log. What a payment says is read from its record.
FEWER_TREES: Final = (
    "ALTER TABLE log ADD COLUMN counted INTEGER NOT NULL DEFAULT 0",
    "UPDATE log SET counted = coalesce((SELECT height FROM counted WHERE log_no = log.no), 0)",
    "DROP TABLE counted",
    "ALTER TABLE transfer RENAME TO transfer_before",
    "DROP INDEX transfer_by_reversed",
    """CREATE TABLE transfer (
        log_no INTEGER NOT NULL, seq INTEGER NOT NULL, no INTEGER NOT NULL, verdict TEXT NOT NULL,
        reverses_log BLOB, reverses_seq INTEGER, PRIMARY KEY (log_no, seq)
    ) WITHOUT ROWID""",
    "CREATE INDEX transfer_by_reversed ON transfer (reverses_log, reverses_seq) WHERE reverses_log IS NOT NULL",
    """INSERT INTO transfer SELECT log_no, seq, no, verdict, reverses_log, reverses_seq FROM transfer_before
        ORDER BY log_no, seq""",
    "DROP TABLE transfer_before",
    "ALTER TABLE posting RENAME TO posting_before",
    """CREATE TABLE posting (
        node BLOB NOT NULL, number INTEGER NOT NULL, no INTEGER NOT NULL, currency INTEGER NOT NULL, amount INTEGER NOT NULL,
        log_no INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (node, number, no, currency)
    ) WITHOUT ROWID""",
    """INSERT INTO posting SELECT node, number, transfer_no, currency, amount, log_no, seq FROM posting_before
        ORDER BY node, number, transfer_no""",
    "DROP TABLE posting_before",
    # All that counts, from anywhere, where log_no is 0; and beside it what one log has counted for its own checks.
    """CREATE TABLE standing (
        node BLOB NOT NULL, number INTEGER NOT NULL, currency INTEGER NOT NULL, log_no INTEGER NOT NULL,
        amount INTEGER NOT NULL, PRIMARY KEY (node, number, currency, log_no)
    ) WITHOUT ROWID""",
    "INSERT INTO standing SELECT node, number, currency, 0, amount FROM balance",
    "INSERT INTO standing SELECT node, number, currency, log_no, amount FROM judged JOIN log ON log_no = no",
    "DROP TABLE balance",
    "DROP TABLE judged",
    "CREATE VIEW balance AS SELECT node, number, currency, amount FROM standing WHERE log_no = 0",
    "CREATE VIEW judged AS SELECT log_no, number, currency, amount FROM standing WHERE log_no > 0",
)

MIGRATIONS: Final = (
    (*FACTS, *VIEWS, *PRIVATE),
    NOTES,
    INTAKE,
    SHELVING,
    SEARCHING,
    CATALOGUE,
    AIR,
    AILING,
    CALLS,
    PHONES,
    MOONS,
    ASIDE,
    FEWER_TREES,
)
