-- The newest tables of the metric database; a test holds them equal to tables.py and to the migrations.

CREATE TABLE metric_key (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE sweep (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE run (
    id INTEGER NOT NULL,
    sweep_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(sweep_id) REFERENCES sweep (id) ON DELETE CASCADE,
    UNIQUE (name)
);
CREATE INDEX ix_run_sweep_id ON run (sweep_id);

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
CREATE INDEX attempt_loose_log ON attempt (id) WHERE log_tail_pieces > 1;

CREATE TABLE log_piece (
    id INTEGER NOT NULL,
    attempt_id INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    body BLOB NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (attempt_id, first_offset),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE
);

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
    checksum BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (attempt_id, key_id),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE,
    FOREIGN KEY(key_id) REFERENCES metric_key (id) ON DELETE CASCADE
);
CREATE INDEX series_loose ON series (id) WHERE tail_pieces > 1;

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
    checksum BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (series_id, first_row),
    FOREIGN KEY(series_id) REFERENCES series (id) ON DELETE CASCADE
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
    checksum BIGINT NOT NULL,
    PRIMARY KEY (blob_id, first_offset)
);

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
CREATE INDEX file_of_blob ON file (blob_id);

CREATE TABLE file_upload (
    attempt_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    blob_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (attempt_id),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id) ON DELETE CASCADE
);

CREATE TABLE identity (
    id INTEGER NOT NULL,
    database_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    peer_id TEXT,
    peer_generation TEXT,
    peer_number BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE generation (
    id INTEGER NOT NULL,
    token TEXT NOT NULL,
    first_number BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('0010');
