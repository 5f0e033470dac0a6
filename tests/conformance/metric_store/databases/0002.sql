BEGIN TRANSACTION;
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE attempt (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    point_row INTEGER NOT NULL,
    resumed_from_step INTEGER,
    log_offset INTEGER NOT NULL,
    log_tail_offset INTEGER NOT NULL,
    log_tail_pieces INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (run_id, number),
    FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "attempt" VALUES(1,1,1,2,NULL,6,0,1);
CREATE TABLE chunk (
    id INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    last_row INTEGER NOT NULL,
    points INTEGER NOT NULL,
    min_step INTEGER NOT NULL,
    max_step INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (series_id, first_row),
    FOREIGN KEY(series_id) REFERENCES series (id) ON DELETE CASCADE
);
INSERT INTO "chunk" VALUES(1,1,1,2,2,1,2,1,X'0A020102120202041A1000004040FC54D94100008040FC54D94122120A10000000000000E03F000000000000D03F');
INSERT INTO "chunk" VALUES(2,2,1,1,1,1,1,4,X'0A01011201021A0800004040FC54D9413A060A0474657874');
CREATE TABLE file (
    attempt_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    time FLOAT NOT NULL,
    blob_id INTEGER,
    left_out TEXT NOT NULL,
    PRIMARY KEY (attempt_id, name),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE
);
CREATE TABLE file_blob (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    digest BLOB,
    size INTEGER NOT NULL,
    UNIQUE (digest)
);
CREATE TABLE file_piece (
    blob_id INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (blob_id, first_offset)
);
CREATE TABLE file_upload (
    attempt_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    blob_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (attempt_id),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE
);
CREATE TABLE log_piece (
    id INTEGER NOT NULL,
    attempt_id INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (attempt_id, first_offset),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE
);
INSERT INTO "log_piece" VALUES(1,1,0,6,X'68656C6C6F0A');
CREATE TABLE metric_key (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
INSERT INTO "metric_key" VALUES(1,'loss');
INSERT INTO "metric_key" VALUES(2,'note');
CREATE TABLE run (
    id INTEGER NOT NULL,
    sweep_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(sweep_id) REFERENCES sweep (id) ON DELETE CASCADE,
    UNIQUE (name)
);
INSERT INTO "run" VALUES(1,1,'local/digits/s1-1');
CREATE TABLE series (
    id INTEGER NOT NULL,
    attempt_id INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    points INTEGER NOT NULL,
    numbers INTEGER NOT NULL,
    kinds INTEGER NOT NULL,
    tail_first_row INTEGER NOT NULL,
    tail_points INTEGER NOT NULL,
    tail_pieces INTEGER NOT NULL,
    summary BLOB NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (attempt_id, key_id),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE,
    FOREIGN KEY(key_id) REFERENCES metric_key (id) ON DELETE CASCADE
);
INSERT INTO "series" VALUES(1,1,1,2,2,2,1,2,1,X'18022A0909000000000000E03F320909000000000000D03F39000000000000D03F41000000000000E03F49000000000000D83F5002');
INSERT INTO "series" VALUES(2,1,2,1,0,16,1,1,1,X'18012A0622047465787432062204746578745001');
CREATE TABLE sweep (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);
INSERT INTO "sweep" VALUES(1,'local/digits/s1');
CREATE INDEX ix_run_sweep_id ON run (sweep_id);
CREATE INDEX attempt_loose_log ON attempt (id) WHERE log_tail_pieces > 1;
CREATE INDEX series_loose ON series (id) WHERE tail_pieces > 1;
CREATE INDEX file_of_blob ON file (blob_id);
DELETE FROM "sqlite_sequence";
COMMIT;
